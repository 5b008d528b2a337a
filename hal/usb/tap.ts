/** The tap: a decorator that shows everything crossing a USB port to a recorder, before it has its effect. */

import type { Clock, Urb } from '../../base/index.js';
import type { HalError } from '../errors.js';
import type { UsbDescription, UsbPort, UsbSink } from './usb-port.js';

/** What a recorder implements. Every call is synchronous and must neither throw nor keep a reference to the URB or its data. */
export interface UsbTap {
  /** The host submits; `data` of an OUT transfer is what will be sent. */
  submitted(urb: Urb, atNs: number): void;
  /** The transfer is done. */
  completed(urb: Urb, atNs: number): void;
  /** The host takes a transfer back that has not completed yet. */
  cancelled(urb: Urb, atNs: number): void;
  /** The host resets the port. */
  reset(atNs: number): void;
  /** The device was pulled, or is there again. */
  plugged(present: boolean, atNs: number): void;
  /** The port ended by itself. */
  disconnected(error: HalError, atNs: number): void;
  /** The host closes the port; called once, and nothing after it: transfers that wait have no end in a recording. */
  closed(atNs: number): void;
}

class TappedUsbPort implements UsbPort, UsbSink {
  readonly name: string;
  readonly description: UsbDescription;
  readonly #port: UsbPort;
  readonly #tap: UsbTap;
  readonly #clock: Clock;
  #sink: UsbSink | undefined;
  #closed = false;

  constructor(port: UsbPort, tap: UsbTap, clock: Clock) {
    this.name = port.name;
    this.description = port.description;
    this.#port = port;
    this.#tap = tap;
    this.#clock = clock;
  }

  attach(sink: UsbSink): void {
    this.#sink = sink;
    this.#port.attach(this);
  }

  submit(urb: Urb): void {
    this.#tap.submitted(urb, this.#clock.now());
    this.#port.submit(urb);
  }

  cancel(urb: Urb): void {
    this.#tap.cancelled(urb, this.#clock.now());
    this.#port.cancel(urb);
  }

  reset(): void {
    this.#tap.reset(this.#clock.now());
    this.#port.reset();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tap.closed(this.#clock.now());
    this.#port.close();
  }

  completed(urb: Urb): void {
    // What the closing ends has not happened on the wire.
    if (!this.#closed) this.#tap.completed(urb, this.#clock.now());
    this.#sink?.completed(urb);
  }

  plugged(present: boolean): void {
    this.#tap.plugged(present, this.#clock.now());
    this.#sink?.plugged?.(present);
  }

  disconnected(error: HalError): void {
    this.#tap.disconnected(error, this.#clock.now());
    this.#sink?.disconnected(error);
  }
}

/** `port`, with everything that crosses it shown to `tap` first, stamped by `clock`. */
export function tapUsbPort(port: UsbPort, tap: UsbTap, clock: Clock): UsbPort {
  return new TappedUsbPort(port, tap, clock);
}
