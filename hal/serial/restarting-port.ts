/** A serial port that outlives the process that owns its device: opened again with its last settings, as the same port. */

import { type Clock, Timer } from '../../base/index.js';
import { HalError } from '../errors.js';
import type { BindingPort } from './port-from-binding.js';
import { LINE_STATUS, type LineSettings, type SerialPort, type SerialSink } from './serial-port.js';

/** One outage, told when it is over. Times are the clock's. */
export interface PortRestart {
  /** When the loss was known here; the process may have been dead, and bytes lost in it, a little longer. */
  readonly lostAtNs: number;
  readonly outageNs: number;
  readonly cause: HalError;
  /** Bytes transmitted during the outage; they were dropped. */
  readonly droppedBytes: number;
}

export interface RestartingPortOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly line: LineSettings;
  /** Opens the device, at first and after each loss; `openRealPort` with an `IoProcess`. */
  readonly open: (line: LineSettings) => Promise<BindingPort>;
  readonly onRestart?: (restart: PortRestart) => void;
  /** So often in a row opening it may fail after a loss; default 10. */
  readonly attempts?: number;
  /** The first pause between two attempts, doubled each time up to 500 ms; default 20 ms. */
  readonly pauseNs?: number;
}

/** A `SerialPort` that comes back. */
export interface RestartingPort extends SerialPort {
  /** How often it came back. */
  readonly restarts: number;
  /** Whether the device is open now. */
  readonly present: boolean;
  /** Resolves when the device has been closed after `close`; never rejects. */
  readonly whenClosed: Promise<void>;
}

/** What comes once the process, or its lock, is gone for good; anything else is final at once. */
const PASSING: readonly HalError['code'][] = ['HAL_HOST_PROCESS', 'HAL_IN_USE', 'HAL_TIMEOUT'];
const MAX_PAUSE_NS = 500_000_000;

class RestartingPortAdapter implements RestartingPort {
  readonly name: string;
  readonly whenClosed: Promise<void>;
  readonly #options: RestartingPortOptions;
  readonly #retry = new Timer(() => void this.#reopen());
  #inner: BindingPort | undefined;
  #sink: SerialSink | undefined;
  #line: LineSettings;
  #modemControl: number | undefined;
  #restarts = 0;
  #lost: { readonly cause: HalError; readonly atNs: number } | undefined;
  #dropped = 0;
  #failures = 0;
  #closed = false;
  #opening = false;
  #resolveClosed: () => void = () => {};

  constructor(inner: BindingPort, options: RestartingPortOptions) {
    this.name = options.name;
    this.#inner = inner;
    this.#options = options;
    this.#line = options.line;
    this.whenClosed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get restarts(): number {
    return this.#restarts;
  }

  get present(): boolean {
    return this.#inner !== undefined && !this.#closed;
  }

  attach(sink: SerialSink): void {
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has its host side already`, { where: this.name });
    this.#sink = sink;
    if (this.#inner !== undefined) this.#listen(this.#inner, sink);
  }

  configure(settings: LineSettings): void {
    this.#refuseClosed();
    this.#inner?.configure(settings);
    this.#line = settings;
  }

  transmit(bytes: Uint8Array, offset: number, length: number): void {
    this.#refuseClosed();
    if (this.#inner === undefined) this.#dropped += length;
    else this.#inner.transmit(bytes, offset, length);
  }

  modemControl(bits: number): void {
    this.#refuseClosed();
    this.#modemControl = bits;
    this.#inner?.modemControl(bits);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.clock.cancel(this.#retry);
    // An opening that is under way closes what it brings.
    if (!this.#opening) this.#closeInner();
  }

  #closeInner(): void {
    const inner = this.#inner;
    inner?.close();
    (inner?.whenClosed ?? Promise.resolve()).then(this.#resolveClosed);
  }

  #listen(inner: BindingPort, sink: SerialSink): void {
    inner.attach({
      receive: (byte, lineStatus) => sink.receive(byte, lineStatus),
      modemStatus: (bits) => sink.modemStatus(bits),
      disconnected: (error) => {
        if (error.code === 'HAL_HOST_PROCESS') this.#interrupt(inner, error);
        else sink.disconnected(error);
      },
    });
  }

  #interrupt(inner: BindingPort, cause: HalError): void {
    this.#inner = undefined;
    inner.close();
    this.#lost = { cause, atNs: this.#options.clock.now() };
    this.#dropped = 0;
    this.#failures = 0;
    this.#sink?.modemStatus(0);
    this.#sink?.receive(0, LINE_STATUS.break | LINE_STATUS.overrun);
    if (!this.#closed) void this.#reopen();
  }

  async #reopen(): Promise<void> {
    this.#opening = true;
    const asked = this.#line;
    try {
      const inner = await this.#options.open(asked);
      this.#inner = inner;
      if (!this.#closed) this.#comeBack(inner, asked);
    } catch (error) {
      if (!this.#closed) this.#failed(error as HalError);
    } finally {
      this.#opening = false;
    }
    if (this.#closed) this.#closeInner();
  }

  #comeBack(inner: BindingPort, asked: LineSettings): void {
    const { clock, onRestart } = this.#options;
    this.#restarts++;
    if (this.#line !== asked) inner.configure(this.#line);
    if (this.#modemControl !== undefined) inner.modemControl(this.#modemControl);
    const lost = this.#lost;
    if (lost !== undefined)
      onRestart?.({
        lostAtNs: lost.atNs,
        outageNs: clock.now() - lost.atNs,
        cause: lost.cause,
        droppedBytes: this.#dropped,
      });
    if (this.#sink !== undefined) this.#listen(inner, this.#sink);
  }

  #failed(error: HalError): void {
    const { clock, attempts = 10, pauseNs = 20_000_000 } = this.#options;
    this.#failures++;
    if (this.#failures >= attempts || !PASSING.includes(error.code)) {
      this.#sink?.disconnected(error);
      return;
    }
    clock.schedule(this.#retry, clock.now() + Math.min(MAX_PAUSE_NS, pauseNs * 2 ** (this.#failures - 1)));
  }

  #refuseClosed(): void {
    if (this.#closed) throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
  }
}

/**
 * Opens the port and keeps it through losses of the process that owns it (`HAL_HOST_PROCESS`); rejects as `open` does.
 * What had reached this process is delivered, in order and once. Then the host side sees its modem inputs fall and one
 * character 0 marked break and overrun: a guest's line status error, which every tap and recorder keeps as such, and
 * which says that bytes may be missing here. What is transmitted meanwhile is dropped, as by a pulled cable; what was
 * under way may have gone out. The line settings and modem outputs asked for last hold again after the return. Any other
 * disconnection, and the last failed attempt to come back, is final: `disconnected`.
 */
export async function openRestartingPort(options: RestartingPortOptions): Promise<RestartingPort> {
  return new RestartingPortAdapter(await options.open(options.line), options);
}
