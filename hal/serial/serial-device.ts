/** The contract of a simulated serial device: a stateful peer behind a port, which knows its wire, its clock and nothing of the host. */

import type { LineSettings } from './serial-port.js';

/** What a device may do to its side of the wire. Every call returns at once and allocates nothing per byte. */
export interface SerialDeviceOutput {
  /**
   * Queues bytes behind what is queued already; they leave one by one at the device's line settings, without a gap.
   * The bytes are copied before it returns. Throws `HAL_OVERRUN` when more than `DEVICE_BACKLOG_LIMIT` bytes would wait.
   */
  transmit(bytes: Uint8Array, offset: number, length: number): void;
  /** Queues a low line of `durationNs` behind what is queued already, followed by one bit time of high line. */
  breakFor(durationNs: number): void;
  /** Drives the host's modem status inputs (`MODEM_STATUS` bits) from now on. */
  modemStatus(bits: number): void;
  /** Bytes queued and not yet completely on the line: 0 when the line is idle. A device with a small buffer checks it and drops. */
  readonly backlog: number;
}

/**
 * A simulated device. It is given its clock at construction, schedules its own `Timer`s on it, and never reads another time.
 * All calls come from one thread, in time order. Bytes queued from inside a call leave after it has returned; only
 * `modemControl` may come while `modemStatus` is being called, when the host answers one modem line with another.
 */
export interface SerialDevice {
  /**
   * Settings of the device's own transmitter and receiver now. Read when a character begins, so a change (a command that
   * sets the baud rate) takes effect with the next one. `baudRate` may be fractional: a crystal that is 300 ppm off.
   */
  readonly line: LineSettings;
  /** Power on, when the host side attaches; again only after `stop`, where the power comes over the plug (USB). */
  start(output: SerialDeviceOutput): void;
  /** A character from the host has been received completely; `lineStatus` holds `LINE_STATUS` bits. */
  receive(byte: number, lineStatus: number): void;
  /** The host drives its outputs (`MODEM_CONTROL` bits without `break`, which arrives as a received break). */
  modemControl(bits: number): void;
  /** The last queued byte has left: `backlog` has become 0. Optional. */
  transmitIdle?(): void;
  /** Power off: cancel every timer. Nothing is called afterwards but `start`. */
  stop(): void;
}

/** More bytes than this never wait on one side of a simulated line; a peer that queues more has lost its pacing. */
export const DEVICE_BACKLOG_LIMIT = 1 << 24;
