/** The tap: a decorator that shows everything crossing a serial port to a recorder, before it has its effect. */

import type { Clock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import type { FaultListener } from './faults.js';
import type { LineSettings, SerialPort, SerialSink } from './serial-port.js';

/**
 * What a recorder implements. Every call is synchronous, comes before the matter reaches the other side, carries the
 * time of the tap's clock, and must neither throw nor keep a reference to `bytes`. `fault` marks what `injectFaults` did,
 * so a tap can be given to it as its listener.
 */
export interface SerialTap extends FaultListener {
  /** One character reaches the host. */
  received(byte: number, lineStatus: number, atNs: number): void;
  /** The host queues a run of characters; they leave the line later, at its pace. */
  transmitted(bytes: Uint8Array, offset: number, length: number, atNs: number): void;
  configured(line: LineSettings, atNs: number): void;
  /** The host drives its outputs, `MODEM_CONTROL` bits. */
  modemControl(bits: number, atNs: number): void;
  /** The device drives the host's inputs, `MODEM_STATUS` bits. */
  modemStatus(bits: number, atNs: number): void;
  /** The port ended by itself. */
  disconnected(error: HalError, atNs: number): void;
  /** The host closed the port; called once. */
  closed(atNs: number): void;
}

class TappedPort implements SerialPort, SerialSink {
  readonly name: string;
  readonly #port: SerialPort;
  readonly #tap: SerialTap;
  readonly #clock: Clock;
  #sink: SerialSink | undefined;
  #closed = false;

  constructor(port: SerialPort, tap: SerialTap, clock: Clock) {
    this.name = port.name;
    this.#port = port;
    this.#tap = tap;
    this.#clock = clock;
  }

  attach(sink: SerialSink): void {
    this.#sink = sink;
    this.#port.attach(this);
  }

  configure(settings: LineSettings): void {
    this.#tap.configured(settings, this.#clock.now());
    this.#port.configure(settings);
  }

  transmit(bytes: Uint8Array, offset: number, length: number): void {
    this.#tap.transmitted(bytes, offset, length, this.#clock.now());
    this.#port.transmit(bytes, offset, length);
  }

  modemControl(bits: number): void {
    this.#tap.modemControl(bits, this.#clock.now());
    this.#port.modemControl(bits);
  }

  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#tap.closed(this.#clock.now());
    }
    this.#port.close();
  }

  receive(byte: number, lineStatus: number): void {
    this.#tap.received(byte, lineStatus, this.#clock.now());
    this.#sink?.receive(byte, lineStatus);
  }

  modemStatus(bits: number): void {
    this.#tap.modemStatus(bits, this.#clock.now());
    this.#sink?.modemStatus(bits);
  }

  disconnected(error: HalError): void {
    this.#tap.disconnected(error, this.#clock.now());
    this.#sink?.disconnected(error);
  }
}

/** `port` with `tap` on it. A call the port refuses (`HAL_CLOSED`) has been shown to the tap all the same. Allocates nothing per byte. */
export function tapPort(port: SerialPort, tap: SerialTap, clock: Clock): SerialPort {
  return new TappedPort(port, tap, clock);
}
