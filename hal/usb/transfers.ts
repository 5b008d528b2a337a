/** Transfers of a port as promises, for whoever has time to wait: descriptors, adapters, programs. */

import { type Clock, ENDPOINT_IN, Timer, TRANSFER_TYPE, type TransferType, URB_STATUS, Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { encodeSetup, type SetupFields } from './setup-packet.js';
import type { UsbPort, UsbSink } from './usb-port.js';

/** How a transfer ended, stalls and errors of the bus included; `data` holds what came. */
export interface TransferResult {
  readonly status: number;
  readonly actualLength: number;
  /** IN: the bytes that came, its own memory. OUT: empty. */
  readonly data: Uint8Array;
}

interface Waiting {
  readonly resolve: (result: TransferResult) => void;
  readonly reject: (error: HalError) => void;
  readonly timer: Timer | undefined;
  late: boolean;
}

const NOTHING = new Uint8Array(0);

/** The host side of a port. Attach it by making it; one a port. */
export class Transfers implements UsbSink {
  readonly #port: UsbPort;
  readonly #clock: Clock;
  readonly #waiting = new Map<Urb, Waiting>();
  #id = 0;
  /** Set when the port ended by itself. */
  lost: HalError | undefined;
  /** The device is there. */
  present = true;
  onLost: (error: HalError) => void = () => {};
  onPlugged: (present: boolean) => void = () => {};

  constructor(port: UsbPort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
    port.attach(this);
  }

  /** IN where `bmRequestType` says so: at most `wLength` bytes come. OUT: `data`. */
  control(fields: SetupFields, data: Uint8Array = NOTHING, timeoutMs?: number): Promise<TransferResult> {
    const urb = this.#urb(TRANSFER_TYPE.control, fields.bmRequestType & ENDPOINT_IN);
    encodeSetup(urb.setup, fields);
    urb.data = urb.inbound ? new Uint8Array(fields.wLength) : data;
    urb.length = urb.inbound ? fields.wLength : data.length;
    return this.#run(urb, timeoutMs);
  }

  in(type: TransferType, endpointAddress: number, length: number, timeoutMs?: number): Promise<TransferResult> {
    const urb = this.#urb(type, endpointAddress);
    urb.data = new Uint8Array(length);
    urb.length = length;
    return this.#run(urb, timeoutMs);
  }

  /** `flags`: `URB_FLAGS.zeroPacket` ends a transfer of whole packets with an empty one. */
  out(
    type: TransferType,
    endpointAddress: number,
    data: Uint8Array,
    timeoutMs?: number,
    flags = 0,
  ): Promise<TransferResult> {
    const urb = this.#urb(type, endpointAddress);
    urb.data = data;
    urb.length = data.length;
    urb.flags = flags;
    return this.#run(urb, timeoutMs);
  }

  /** Takes everything back that waits; each still resolves or rejects. */
  cancelAll(): void {
    for (const urb of [...this.#waiting.keys()]) this.#port.cancel(urb);
  }

  completed(urb: Urb): void {
    const waiting = this.#waiting.get(urb);
    if (waiting === undefined) return;
    this.#waiting.delete(urb);
    if (waiting.timer !== undefined) this.#clock.cancel(waiting.timer);
    const data = urb.inbound ? urb.data.subarray(0, urb.actualLength) : NOTHING;
    if (waiting.late && urb.status === URB_STATUS.unlinked) waiting.reject(this.#timeOut(urb, data));
    else waiting.resolve({ status: urb.status, actualLength: urb.actualLength, data });
  }

  plugged(present: boolean): void {
    this.present = present;
    this.onPlugged(present);
  }

  disconnected(error: HalError): void {
    this.present = false;
    this.lost = error;
    this.onLost(error);
  }

  #urb(type: TransferType, endpointAddress: number): Urb {
    const urb = new Urb();
    urb.id = ++this.#id;
    urb.transferType = type;
    urb.endpointAddress = endpointAddress;
    return urb;
  }

  #run(urb: Urb, timeoutMs: number | undefined): Promise<TransferResult> {
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === undefined
          ? undefined
          : new Timer(() => {
              waiting.late = true;
              this.#port.cancel(urb);
            });
      const waiting: Waiting = { resolve, reject, timer, late: false };
      this.#waiting.set(urb, waiting);
      try {
        this.#port.submit(urb);
      } catch (error) {
        this.#waiting.delete(urb);
        reject(error as HalError);
        return;
      }
      if (timer !== undefined) this.#clock.schedule(timer, this.#clock.now() + (timeoutMs ?? 0) * 1e6);
    });
  }

  #timeOut(urb: Urb, partial: Uint8Array): HalError {
    const { name } = this.#port;
    const what = `endpoint 0x${urb.endpointAddress.toString(16).padStart(2, '0')} of ${name}`;
    return new HalError('HAL_TIMEOUT', `a transfer of ${what} took too long; ${urb.actualLength} bytes had crossed`, {
      where: name,
      partial,
    });
  }
}
