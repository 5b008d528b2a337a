/** The host I/O process of a run: one child for devices of any kind, started again by itself when it is lost. */

import { HalError } from '../errors.js';
import type { HostConnection, HostFactory, HostProvider } from './host-connection.js';
import { HostProcess, type HostProcessOptions } from './host-process.js';
import type { IoRequests, SeatMessage } from './io-protocol.js';
import { IoSeat } from './io-seat.js';
import type { RequestTable } from './protocol.js';

/** The child itself, from one start to its end. */
export type IoChild = HostProcess<IoRequests, SeatMessage, SeatMessage>;

export interface IoProcessOptions extends Partial<Omit<HostProcessOptions, 'where'>> {
  /** It is started again so often within one minute, then given up; default 10. */
  readonly restartsPerMinute?: number;
  /** The first pause before it is started again; doubled with each further loss of the minute. Default 10. */
  readonly restartDelayMs?: number;
  /** The longest such pause; default 1000. */
  readonly maxRestartDelayMs?: number;
  /** Told each time it was lost, before its seats are: how often by then, and why. */
  readonly onLost?: (error: HalError, losses: number) => void;
}

const PROGRAM = new URL('./io-program.js', import.meta.url);
const WHERE = 'the devices of this run';
const MINUTE_MS = 60_000;
/** Giving kernel drivers of USB devices back may take so long. */
const END_MS = 6_000;

/**
 * Devices take seats by `connect`, as many as are wanted and of any kind. When the process ends by itself or shows no sign
 * of life, which has it killed, each seat in use is lost with `HAL_HOST_PROCESS` and never comes back: whoever had it connects
 * again, and waits then for the process that is started in its place. More losses than `restartsPerMinute` are final: seats
 * reject with a sentence that says so. Locks of devices that the dead process held are taken over by the next (`acquireDeviceLock`).
 */
export class IoProcess implements HostProvider {
  readonly #options: IoProcessOptions;
  readonly #seats = new Map<number, IoSeat>();
  readonly #lostAtMs: number[] = [];
  #child: Promise<IoChild>;
  #running: IoChild | undefined;
  #pause: NodeJS.Timeout | undefined;
  #nextSeat = 1;
  #losses = 0;
  #ended = false;
  /** Rejects whoever waits for a start that will not be. */
  #forsake: (error: HalError) => void = () => {};

  constructor(options: IoProcessOptions = {}) {
    this.#options = options;
    this.#child = Promise.resolve(this.#start());
  }

  /** The process at present; undefined between two. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** How often it was lost. */
  get losses(): number {
    return this.#losses;
  }

  connect<Requests extends RequestTable<Requests>, Event extends object = never, Message extends object = never>(
    factory: HostFactory,
    where: string,
  ): HostConnection<Requests, Event, Message> {
    const number = this.#nextSeat++;
    const child = this.#ended ? Promise.reject(closed(where)) : this.#child;
    const seat = new IoSeat({ number, where, factory, child, left: () => this.#seats.delete(number) });
    this.#seats.set(number, seat);
    return seat as unknown as HostConnection<Requests, Event, Message>;
  }

  /** Ends the process once every device is given back, by force where that takes longer than 6 s. Idempotent. */
  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#pause);
    this.#forsake(closed(WHERE));
    await this.#running?.end();
    this.#running = undefined;
  }

  #start(): IoChild {
    const child: IoChild = new HostProcess({ endMs: END_MS, module: PROGRAM, ...this.#options, where: WHERE });
    this.#running = child;
    child.onEvent = ({ seat, body }) => this.#seats.get(seat)?.hear(body);
    child.onLost = (error) => this.#lose(error);
    return child;
  }

  #lose(error: HalError): void {
    this.#running = undefined;
    this.#losses++;
    const nowMs = performance.now();
    while (this.#lostAtMs.length > 0 && nowMs - this.#lostAtMs[0] > MINUTE_MS) this.#lostAtMs.shift();
    this.#lostAtMs.push(nowMs);
    const { restartsPerMinute = 10, restartDelayMs = 10, maxRestartDelayMs = 1_000, onLost } = this.#options;
    if (this.#lostAtMs.length > restartsPerMinute) this.#renounce(error);
    else this.#startLater(Math.min(maxRestartDelayMs, restartDelayMs * 2 ** (this.#lostAtMs.length - 1)));
    onLost?.(error, this.#losses);
    const lost = [...this.#seats.values()];
    this.#seats.clear();
    for (const seat of lost) seat.lose(error);
  }

  #startLater(delayMs: number): void {
    this.#child = new Promise((resolve, reject) => {
      this.#forsake = reject;
      this.#pause = setTimeout(() => resolve(this.#start()), delayMs);
    });
    // Told to whoever takes a seat.
    this.#child.catch(() => {});
  }

  #renounce(error: HalError): void {
    const losses = this.#lostAtMs.length;
    const often = losses === 1 ? 'once' : `${losses} times`;
    this.#child = Promise.reject(
      new HalError(
        'HAL_HOST_PROCESS',
        `the I/O process was lost ${often} within a minute and is not started again; the last time: ${error.message}`,
        {
          where: WHERE,
          cause: error,
          hint: 'Take the devices from the run one by one until it lives: a library crashes.',
        },
      ),
    );
    this.#child.catch(() => {});
  }
}

function closed(where: string): HalError {
  return new HalError('HAL_CLOSED', `${where}: the I/O process has been ended`, { where });
}
