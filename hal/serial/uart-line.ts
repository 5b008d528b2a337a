/** A simulated line: two ends, full duplex, each direction at its own exact pace, with modem lines and receive FIFOs. */

import type { Clock } from '../../base/index.js';
import { LineDirection } from './line-direction.js';
import { ReceiveFifo, type ReceiverOptions } from './receive-fifo.js';
import { DEVICE_BACKLOG_LIMIT } from './serial-device.js';
import type { LineSettings } from './serial-port.js';

/** What stands at one end of a line. */
export interface LineTerminal {
  /** Settings of this end's transmitter and receiver now. */
  line(): LineSettings;
  /** A character has been taken from this end's receiver. */
  receive(byte: number, lineStatus: number): void;
  /** The other end drives its modem lines. */
  modem(bits: number): void;
  /** Everything this end queued has left. */
  idle(): void;
}

/** The receive side of one end, as a test holds it. */
export interface ReceiverControl {
  /** From now on nobody takes characters: the FIFO fills and then loses them. */
  hold(): void;
  /** Takes everything at once and goes on. */
  release(): void;
  /** Characters lost in the FIFO so far. */
  readonly lost: number;
  /** Characters waiting in the FIFO now. */
  readonly waiting: number;
}

/** One end of a `SimulatedLine`. */
export class LineEnd implements ReceiverControl {
  /** Set by the line, once, before anything moves. */
  #out: LineDirection | undefined;
  #peer: LineEnd | undefined;
  readonly #terminal: LineTerminal;
  readonly #fifo: ReceiveFifo | undefined;
  #held = false;

  constructor(clock: Clock, terminal: LineTerminal, receiver: ReceiverOptions | undefined) {
    this.#terminal = terminal;
    if (receiver !== undefined)
      this.#fifo = new ReceiveFifo(clock, receiver, (byte, status) => terminal.receive(byte, status));
  }

  get terminal(): LineTerminal {
    return this.#terminal;
  }

  get lost(): number {
    return this.#fifo?.lost ?? 0;
  }

  get waiting(): number {
    return this.#fifo?.waiting ?? 0;
  }

  /** Bytes this end has queued and not yet sent. */
  get backlog(): number {
    return this.#out?.backlog ?? 0;
  }

  join(peer: LineEnd, out: LineDirection): void {
    this.#peer = peer;
    this.#out = out;
  }

  transmit(bytes: Uint8Array, offset: number, length: number): void {
    this.#out?.transmit(bytes, offset, length);
  }

  breakFor(durationNs: number): void {
    this.#out?.breakFor(durationNs);
  }

  holdBreak(on: boolean): void {
    this.#out?.holdBreak(on);
  }

  driveModem(bits: number): void {
    this.#peer?.terminal.modem(bits);
  }

  /** A character has come off the line. */
  arrive(byte: number, lineStatus: number): void {
    if (this.#fifo === undefined) this.#terminal.receive(byte, lineStatus);
    else this.#fifo.push(byte, lineStatus);
  }

  hold(): void {
    this.#held = true;
    this.#fifo?.hold();
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#fifo?.release();
  }

  stop(): void {
    this.#fifo?.stop();
    this.#out?.stop();
  }
}

export interface SimulatedLineOptions {
  readonly clock: Clock;
  /** Named in errors. */
  readonly name: string;
  readonly a: LineTerminal;
  readonly b: LineTerminal;
  readonly aReceiver?: ReceiverOptions | undefined;
  readonly bReceiver?: ReceiverOptions | undefined;
}

/**
 * Joins two terminals. Each direction is paced by `LineDirection`; ends that are set differently receive what a real UART
 * would sample. A byte costs no allocation; two timers a direction, one more for a FIFO.
 */
export class SimulatedLine {
  readonly a: LineEnd;
  readonly b: LineEnd;

  constructor(options: SimulatedLineOptions) {
    const { clock } = options;
    this.a = new LineEnd(clock, options.a, options.aReceiver);
    this.b = new LineEnd(clock, options.b, options.bReceiver);
    this.a.join(this.b, this.#direction(options, this.a, this.b));
    this.b.join(this.a, this.#direction(options, this.b, this.a));
  }

  /** Both directions end; what is queued or waits is dropped. */
  stop(): void {
    this.a.stop();
    this.b.stop();
  }

  #direction(options: SimulatedLineOptions, from: LineEnd, to: LineEnd): LineDirection {
    return new LineDirection({
      clock: options.clock,
      where: options.name,
      backlogLimit: DEVICE_BACKLOG_LIMIT,
      transmitter: () => from.terminal.line(),
      receiver: () => to.terminal.line(),
      deliver: (byte, status) => to.arrive(byte, status),
      idle: () => from.terminal.idle(),
    });
  }
}
