/**
 * The contract of a simulated USB device (a "function" in USB 2.0's words): a stateful peer that knows its endpoints, its
 * clock and nothing of the host. The simulated bus asks it packet by packet.
 */

import type { UsbDescription } from './usb-port.js';

/** What a device answers to a token (USB 2.0, section 8.4.5). `in` answers a length instead of `ack`. */
export const HANDSHAKE = { ack: 0, nak: -1, stall: -2 } as const;

/** What a device may do on its own. Every call returns at once. */
export interface UsbPeripheralOutput {
  /**
   * The endpoint would no longer answer NAK: there is something to send, or room again. The bus asks a bulk or interrupt
   * endpoint that has answered NAK only when it is told so (and, interrupt, at its next polling time). Telling in vain is harmless.
   */
  ready(endpointAddress: number): void;
  /** Frame number of the latest start of frame (11 bits). */
  readonly frame: number;
  /** The device leaves the bus by itself, as after a firmware reset; it comes back when the host side attaches anew. */
  detach(): void;
}

/**
 * A simulated device. It is given its clock and seeded random numbers at construction, schedules its own `Timer`s and never
 * reads another time. All calls come from one thread, in time order. It keeps no reference to a buffer it is handed.
 *
 * The bus answers the standard requests to the device, and SET_INTERFACE, GET_INTERFACE, GET_STATUS, SET_FEATURE and
 * CLEAR_FEATURE, from the description and its own state, endpoint halt included (USB 2.0, section 9.4); HID report
 * descriptors (GET_DESCRIPTOR to an interface) it answers from the description too.
 */
export interface UsbPeripheral {
  readonly description: UsbDescription;
  /** Power on; called once, when the host side attaches. */
  start(output: UsbPeripheralOutput): void;
  /** SET_CONFIGURATION was accepted, or a bus reset came (value 0): buffers empty, streams stopped. */
  configured(configurationValue: number): void;
  /** SET_INTERFACE was accepted. Optional. */
  alternate?(interfaceNumber: number, alternateSetting: number): void;
  /** CLEAR_FEATURE(ENDPOINT_HALT) was accepted. Optional. */
  haltCleared?(endpointAddress: number): void;
  /**
   * A class or vendor request. OUT: `data` holds `length` bytes; the answer is `HANDSHAKE.ack` or `stall`. IN: puts at most
   * `length` bytes into `data` and answers how many, or `stall`. `setup` holds the 8 bytes of the SETUP packet.
   */
  control(setup: Uint8Array, data: Uint8Array, length: number): number;
  /** A packet from the host; `nak`: no room, and the bus keeps it; `stall`: the endpoint is halted until the host clears it. */
  out(endpointAddress: number, packet: Uint8Array, offset: number, length: number): number;
  /**
   * The host asks for a packet: puts at most `maxLength` (the endpoint's packet size) bytes at `packet[offset]` and answers
   * how many: 0 is a zero-length packet. `nak`: nothing to send now. `stall`: the endpoint is halted until the host clears it.
   */
  in(endpointAddress: number, packet: Uint8Array, offset: number, maxLength: number): number;
  /** Power off: cancel every timer. Nothing is called afterwards. */
  stop(): void;
}
