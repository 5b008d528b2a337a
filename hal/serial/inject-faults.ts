/** The fault injector: a decorator that damages what crosses a serial port, by a seeded plan, and says each time what it did. */

import { type Clock, Timer } from '../../base/index.js';
import { HalError } from '../errors.js';
import { FaultCourse } from './fault-course.js';
import { checkFaultPlan, type FaultPlan, type ScheduledFault } from './fault-plan.js';
import type { FaultKind, FaultListener } from './faults.js';
import type { LineSettings, SerialPort, SerialSink } from './serial-port.js';

export interface FaultOptions {
  /** The same seed, plan and traffic give the same faults. */
  readonly seed: string | number;
  readonly clock: Clock;
  readonly plan: FaultPlan;
  /** Told of every fault before it has its effect; a `SerialTap` is one. */
  readonly listener?: FaultListener;
}

class FaultyPort implements SerialPort, SerialSink {
  readonly name: string;
  readonly #port: SerialPort;
  readonly #options: FaultOptions;
  readonly #received: FaultCourse;
  readonly #sent: FaultCourse;
  readonly #one = new Uint8Array(1);
  readonly #timed: ScheduledFault[];
  readonly #eventTimer = new Timer(() => this.#runTimed());
  readonly #replugTimer = new Timer(() => this.#replug());
  #nextTimed = 0;
  #sink: SerialSink | undefined;
  #state: 'plugged' | 'pulled' | 'lost' | 'closed' = 'plugged';
  #modemStatus = 0;
  #modemControl = 0;

  constructor(port: SerialPort, options: FaultOptions) {
    checkFaultPlan(options.plan);
    this.name = port.name;
    this.#port = port;
    this.#options = options;
    const unplug = (durationNs: number | undefined, index: number) => this.#unplug(durationNs, index);
    this.#received = new FaultCourse(options, 'receive', {
      emit: (byte, status) => this.#state === 'plugged' && this.#sink?.receive(byte, status),
      unplug,
    });
    this.#sent = new FaultCourse(options, 'transmit', { emit: (byte) => this.#send(byte), unplug });
    this.#timed = (options.plan.events ?? [])
      .filter((event) => event.atNs !== undefined)
      .sort((a, b) => (a.atNs ?? 0) - (b.atNs ?? 0));
  }

  attach(sink: SerialSink): void {
    this.#sink = sink;
    this.#armTimed();
    this.#port.attach(this);
  }

  configure(settings: LineSettings): void {
    this.#refuseClosed();
    if (this.#state !== 'lost') this.#port.configure(settings);
  }

  transmit(bytes: Uint8Array, offset: number, length: number): void {
    this.#refuseClosed();
    let runStart = offset;
    for (let i = offset; i < offset + length && this.#state === 'plugged'; i++) {
      const verdict = this.#sent.examine();
      if (verdict === 'plain' && !this.#sent.holds(bytes[i], 0)) continue;
      if (i > runStart) this.#port.transmit(bytes, runStart, i - runStart);
      runStart = i + 1;
      if (verdict === 'fault') this.#sent.strike(bytes[i], 0);
    }
    if (this.#state === 'plugged' && offset + length > runStart)
      this.#port.transmit(bytes, runStart, offset + length - runStart);
  }

  modemControl(bits: number): void {
    this.#refuseClosed();
    this.#modemControl = bits;
    if (this.#state === 'plugged') this.#port.modemControl(bits);
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#stop();
    this.#state = 'closed';
    this.#port.close();
  }

  receive(byte: number, lineStatus: number): void {
    const verdict = this.#received.examine();
    if (this.#state !== 'plugged' || verdict === 'lost') return;
    if (verdict === 'fault') {
      this.#received.strike(byte, lineStatus);
      return;
    }
    const status = lineStatus | this.#received.flags();
    if (!this.#received.holds(byte, status)) this.#sink?.receive(byte, status);
  }

  modemStatus(bits: number): void {
    this.#modemStatus = bits;
    if (this.#state === 'plugged') this.#sink?.modemStatus(bits);
  }

  disconnected(error: HalError): void {
    if (this.#state === 'lost' || this.#state === 'closed') return;
    this.#stop();
    this.#state = 'lost';
    this.#sink?.disconnected(error);
  }

  #send(byte: number): void {
    if (this.#state !== 'plugged') return;
    this.#one[0] = byte;
    this.#port.transmit(this.#one, 0, 1);
  }

  /** The cable is pulled, and comes back after `durationNs`; without it the port ends. */
  #unplug(durationNs: number | undefined, index: number): void {
    if (this.#state !== 'plugged') return;
    this.#tell('unplug', index, durationNs ?? 0);
    if (durationNs === undefined) {
      this.disconnected(
        new HalError('HAL_DISCONNECTED', `${this.name} was unplugged by the fault plan`, { where: this.name }),
      );
      this.#port.close();
      return;
    }
    this.#state = 'pulled';
    this.#options.clock.schedule(this.#replugTimer, this.#options.clock.now() + durationNs);
    if (this.#modemStatus !== 0) this.#sink?.modemStatus(0);
  }

  #replug(): void {
    this.#tell('replug', this.#received.index, 0);
    this.#state = 'plugged';
    this.#port.modemControl(this.#modemControl);
    if (this.#modemStatus !== 0) this.#sink?.modemStatus(this.#modemStatus);
  }

  #armTimed(): void {
    const next = this.#timed[this.#nextTimed];
    if (next !== undefined) this.#options.clock.schedule(this.#eventTimer, next.atNs ?? 0);
  }

  #runTimed(): void {
    const event = this.#timed[this.#nextTimed++];
    if (event.kind === 'unplug') this.#unplug(event.durationNs, this.#received.index);
    else if (event.direction === 'transmit') this.#sent.appoint(event);
    else this.#received.appoint(event);
    if (this.#state === 'plugged' || this.#state === 'pulled') this.#armTimed();
  }

  #stop(): void {
    const { clock } = this.#options;
    clock.cancel(this.#eventTimer);
    clock.cancel(this.#replugTimer);
    this.#received.stop();
    this.#sent.stop();
  }

  #refuseClosed(): void {
    if (this.#state === 'closed') throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
  }

  #tell(kind: FaultKind, index: number, durationNs: number): void {
    const atNs = this.#options.clock.now();
    this.#options.listener?.fault({ kind, direction: 'receive', atNs, index, count: 0, durationNs, flipped: 0 });
  }
}

/**
 * `port` with faults. Throws `HAL_INVALID` when the plan cannot be carried out. Faults are drawn one character at a time, so
 * the same seed and the same traffic give the same faults on every machine. A character that nothing happens to costs no allocation.
 */
export function injectFaults(port: SerialPort, options: FaultOptions): SerialPort {
  return new FaultyPort(port, options);
}
