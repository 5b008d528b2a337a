/** A serial port that plays a recording: the same characters, flags and modem lines at the same times. */

import { type Clock, Timer } from '../../base/index.js';
import { HalError } from '../errors.js';
import { type InterfaceSelector, openTrace, type TraceFile } from '../trace/trace-file.js';
import { checkLine } from './line-settings.js';
import { type Divergence, type DivergenceReport, type ReplayPolicy, ReplayTransmitted } from './replay-divergence.js';
import { ReplayReceived } from './replay-received.js';
import { type ReplaySource, replaySource } from './replay-source.js';
import type { LineSettings, SerialPort, SerialSink } from './serial-port.js';

export interface ReplayedPortOptions {
  /** A trace file, or its path. */
  readonly trace: string | TraceFile;
  /** Name or number of the serial interface; may be left out when there is one. */
  readonly interface?: InterfaceSelector;
  readonly clock: Clock;
  /** `strict`: a host that sends something else is reported at once, and a damaged trace ends the port. Default. */
  readonly policy?: ReplayPolicy;
  /**
   * `recorded`: everything comes at its recorded time, whatever the host does. Default; for devices that talk by themselves.
   * `causal`: what the device said after it had heard the host waits until the host has sent as much, and when the host is
   * later than it was, what follows is later by the same time: for devices that answer.
   */
  readonly pacing?: 'recorded' | 'causal';
  /** Called once, for the first difference of a strict replay, which then goes on. Without it the port ends with `HAL_DIVERGED`. */
  readonly onDivergence?: (divergence: Divergence) => void;
  /** Called once, after the last event of the recording. */
  readonly onEnd?: () => void;
  /** When, on `clock`, the recording's start is; when the port is attached, if omitted. */
  readonly originNs?: number;
}

export interface ReplayedPort extends SerialPort {
  /** Line settings at the start of the recording. */
  readonly line: LineSettings;
  /** Whether everything recorded has been delivered. */
  readonly ended: boolean;
  /** When, on the replay's clock, the next event is due; `Infinity` after the last, and while it waits for the host. */
  readonly nextDueNs: number;
  /** Characters received by the host so far. */
  readonly delivered: number;
  /** Characters still to come; the first call goes through the trace. */
  remaining(): number;
  /** How the host's transmissions compare with the recorded ones so far; the first call goes through the trace. */
  divergence(): DivergenceReport;
}

class TracePort implements ReplayedPort {
  readonly name: string;
  readonly #source: ReplaySource;
  readonly #clock: Clock;
  readonly #received: ReplayReceived;
  readonly #transmitted: ReplayTransmitted;
  readonly #timer = new Timer(() => this.#deliver());
  readonly #causal: boolean;
  /** What is added to a recorded time. */
  #shiftNs: number;
  readonly #startsAtAttach: boolean;
  readonly #onDivergence: ((divergence: Divergence) => void) | undefined;
  readonly #onEnd: (() => void) | undefined;
  #sink: SerialSink | undefined;
  #delivered = 0;
  #recordedTotal = -1;
  #closed = false;
  #stopped = false;
  #ended = false;
  #diverged: HalError | undefined;

  constructor(options: ReplayedPortOptions) {
    const trace = typeof options.trace === 'string' ? openTrace(options.trace) : options.trace;
    this.#source = replaySource(trace, options.interface, options.policy !== 'lenient');
    this.name = `replay:${trace.path}#${this.#source.interface.index}`;
    this.#clock = options.clock;
    this.#shiftNs = (options.originNs ?? options.clock.now()) - trace.startNs;
    this.#startsAtAttach = options.originNs === undefined;
    this.#causal = options.pacing === 'causal';
    this.#onDivergence = options.onDivergence;
    this.#onEnd = options.onEnd;
    this.#received = new ReplayReceived(this.#source);
    this.#transmitted = new ReplayTransmitted(this.#source);
    this.#received.next();
  }

  get line(): LineSettings {
    return this.#source.line;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get delivered(): number {
    return this.#delivered;
  }

  get nextDueNs(): number {
    return this.#ended || this.#waitsForHost() ? Number.POSITIVE_INFINITY : this.#received.timeNs + this.#shiftNs;
  }

  attach(sink: SerialSink): void {
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} is attached already`, {
        where: this.name,
        hint: 'Open a second replay of the same trace.',
      });
    this.#sink = sink;
    if (this.#startsAtAttach) this.#shiftNs = this.#clock.now() - this.#source.trace.startNs;
    this.#deliver();
  }

  configure(settings: LineSettings): void {
    checkLine(settings, this.name);
    this.#transmitted.line = settings;
  }

  transmit(bytes: Uint8Array, offset: number, length: number): void {
    if (this.#closed) throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
    if (this.#stopped || this.#diverged !== undefined) return;
    const divergence = this.#transmitted.compare(bytes, offset, length, this.#clock.now());
    if (this.#causal) this.#hear();
    if (divergence === undefined || !this.#source.strict) return;
    if (this.#onDivergence !== undefined) this.#onDivergence(divergence);
    else {
      // The host is in the middle of its call: the end comes to it by the clock, as everything else does.
      this.#diverged = new HalError('HAL_DIVERGED', `${this.name}: ${divergence.message}`, { where: this.name });
      this.#clock.schedule(this.#timer, this.#clock.now());
    }
  }

  modemControl(_bits: number): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
  }

  remaining(): number {
    if (this.#recordedTotal < 0) {
      const { trace, interface: described } = this.#source;
      this.#recordedTotal = trace.info().interfaces[described.index]?.received ?? 0;
    }
    return Math.max(0, this.#recordedTotal - this.#delivered);
  }

  divergence(): DivergenceReport {
    return this.#transmitted.report();
  }

  #waitsForHost(): boolean {
    return this.#causal && this.#received.kind !== 'end' && this.#received.hostBytes > this.#transmitted.position;
  }

  /** The host has sent something: what waited for it can come, later by as much as the host is late. */
  #hear(): void {
    const { reachedNs } = this.#transmitted;
    const nowNs = this.#clock.now();
    if (reachedNs >= 0) this.#shiftNs = Math.max(this.#shiftNs, nowNs - reachedNs);
    if (this.#sink === undefined || this.#ended || this.#waitsForHost()) return;
    this.#clock.schedule(this.#timer, Math.max(nowNs, this.#received.timeNs + this.#shiftNs));
  }

  /** Hands over everything that is due, then waits for the next event. */
  #deliver(): void {
    const received = this.#received;
    const sink = this.#sink;
    if (sink === undefined) return;
    if (this.#diverged !== undefined) {
      this.#end(this.#diverged);
      return;
    }
    const nowNs = this.#clock.now();
    while (!this.#stopped) {
      if (received.kind === 'end') {
        this.#ended = true;
        this.#onEnd?.();
        return;
      }
      if (this.#waitsForHost()) return;
      const dueNs = received.timeNs + this.#shiftNs;
      if (dueNs > nowNs) {
        this.#clock.schedule(this.#timer, dueNs);
        return;
      }
      if (received.kind === 'disconnected') {
        this.#ended = true;
        this.#end(received.error ?? new HalError('HAL_DISCONNECTED', `${this.name} was disconnected`));
        return;
      }
      this.#handOver(sink, received);
    }
  }

  /** Moves on before the sink is called: it may close the port, or ask what is due next. */
  #handOver(sink: SerialSink, received: ReplayReceived): void {
    const { byte, lineStatus, modemStatus } = received;
    const isCharacter = received.kind === 'character';
    received.next();
    if (isCharacter) {
      this.#delivered++;
      sink.receive(byte, lineStatus);
    } else sink.modemStatus(modemStatus);
  }

  #end(error: HalError): void {
    if (this.#stopped) return;
    this.#stop();
    this.#sink?.disconnected(error);
  }

  #stop(): void {
    this.#stopped = true;
    this.#clock.cancel(this.#timer);
    this.#received.close();
    if (this.#closed) this.#transmitted.close();
  }
}

/**
 * Opens a replay. Memory is constant (two windows of 64 KiB); nothing is allocated per byte. In virtual time every
 * character comes at the recorded nanosecond. Modem outputs of the host are taken and not compared.
 * Throws as `openTrace`; `HAL_NOT_FOUND` and `HAL_INVALID` when the interface is not there or not the only one.
 */
export function createReplayedPort(options: ReplayedPortOptions): ReplayedPort {
  return new TracePort(options);
}
