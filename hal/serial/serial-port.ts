/**
 * The wire-level contract of an asynchronous serial port: synchronous, clocked, byte by byte, without a promise or an
 * allocation. Simulators, replays and decorators are written against it; `bindingFromPort` shows any of them as
 * `@serialport/bindings-interface`, `portFromBinding` takes anybody's binding.
 */

import type { HalError } from '../errors.js';

export { LINE_STATUS } from '../../base/index.js';

/** Modem status inputs (what the peer drives). */
export const MODEM_STATUS = { cts: 1, dsr: 2, ri: 4, dcd: 8 } as const;

/** Modem control outputs (what this side drives). */
export const MODEM_CONTROL = { dtr: 1, rts: 2, break: 4 } as const;

export interface LineSettings {
  readonly baudRate: number;
  readonly dataBits: 5 | 6 | 7 | 8;
  readonly parity: 'none' | 'even' | 'odd' | 'mark' | 'space';
  readonly stopBits: 1 | 1.5 | 2;
}

/** The host side of a port: where received characters go. */
export interface SerialSink {
  /** One character has been received completely, at the clock's present time. */
  receive(byte: number, lineStatus: number): void;
  modemStatus(bits: number): void;
  /** The port ended by itself: unplugged, replay exhausted with an error, library process lost. Called at most once. */
  disconnected(error: HalError): void;
}

export interface SerialPort {
  /** How a person names it: `/dev/ttyUSB0`, `sim:gnss-receiver`, `replay:trace.pcapng#0`. */
  readonly name: string;
  /** Connects the host side; once, before anything else. Characters that came earlier are handed over first. */
  attach(sink: SerialSink): void;
  /** Sets the line; on a real port the change is made in order with what is transmitted. */
  configure(settings: LineSettings): void;
  /**
   * Queues bytes for transmission and returns at once; the line paces them. The bytes are copied before it returns.
   * Throws `HAL_CLOSED` after `close`.
   */
  transmit(bytes: Uint8Array, offset: number, length: number): void;
  /** `MODEM_CONTROL` bits. */
  modemControl(bits: number): void;
  /** Stops delivery and frees what is held. Idempotent. Queued characters that were not yet on the line are dropped. */
  close(): void;
}

/** Bits on the line for one character: start, data, parity, stop. */
export function bitsPerCharacter(line: LineSettings): number {
  return 1 + line.dataBits + (line.parity === 'none' ? 0 : 1) + line.stopBits;
}

/** When character `index` (0 = first) of an uninterrupted run begun at `startNs` is complete; exact, without accumulated rounding. */
export function characterEndNs(line: LineSettings, startNs: number, index: number): number {
  return startNs + Math.floor(((index + 1) * bitsPerCharacter(line) * 1e9) / line.baudRate);
}
