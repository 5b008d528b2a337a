/** The class requests of HID, answered by a device that a HID library owns (HID 1.11, section 7.2). */

import { URB_STATUS } from '../../base/index.js';
import { HalError } from '../errors.js';
import { wValue } from '../usb/setup-packet.js';
import { HANDSHAKE } from '../usb/usb-peripheral.js';
import type { HidDevice } from './hid-device.js';
import { HID_REQUEST, HID_REQUEST_IN, HID_REQUEST_OUT } from './hid-requests.js';
import { HID_REPORT_TYPE } from './report-ids.js';

/** Bytes put into the data stage, or below zero `HANDSHAKE.stall` or a status of `URB_STATUS`; a promise where the device is asked. */
export type Outcome = number | Promise<number>;

export class HidClassRequests {
  readonly #device: HidDevice;
  readonly #numbered: boolean;
  /** By id. */
  readonly #latest = new Map<number, Uint8Array>();
  #protocol = 1;

  constructor(device: HidDevice, numbered: boolean) {
    this.#device = device;
    this.#numbered = numbered;
  }

  /** Keeps an input report for GET_REPORT; it must not change. */
  noteInput(report: Uint8Array): void {
    this.#latest.set(this.#numbered ? report[0] : 0, report);
  }

  /** Sends an output report, as it crosses the wire; answers its status. */
  write(report: Uint8Array): Promise<number> {
    return statusOf(this.#device.write(this.#report(report)));
  }

  /** A request to the interface; the first `length` bytes of `data` are what was sent. */
  answer(setup: Uint8Array, data: Uint8Array, length: number): Outcome {
    if (setup[0] === HID_REQUEST_IN) return this.#get(setup, data);
    return setup[0] === HID_REQUEST_OUT ? this.#set(setup, data.slice(0, length)) : HANDSHAKE.stall;
  }

  #get(setup: Uint8Array, data: Uint8Array): Outcome {
    const [id, type] = [setup[2], setup[3]];
    switch (setup[1]) {
      case HID_REQUEST.getReport:
        if (type === HID_REPORT_TYPE.input) return put(this.#latest.get(id), data);
        return type === HID_REPORT_TYPE.feature ? this.#getFeature(id, data) : HANDSHAKE.stall;
      case HID_REQUEST.getIdle:
        return put(Uint8Array.of(0), data);
      case HID_REQUEST.getProtocol:
        return put(Uint8Array.of(this.#protocol), data);
      default:
        return HANDSHAKE.stall;
    }
  }

  #getFeature(id: number, data: Uint8Array): Promise<number> {
    const idBytes = this.#numbered ? 0 : 1;
    return this.#device.getFeatureReport(id, data.length + idBytes).then(
      (report) => put(report.subarray(idBytes), data),
      (error: unknown) => statusOfError(error),
    );
  }

  #set(setup: Uint8Array, data: Uint8Array): Outcome {
    switch (setup[1]) {
      case HID_REQUEST.setReport:
        if (setup[3] === HID_REPORT_TYPE.output) return this.write(data);
        if (setup[3] === HID_REPORT_TYPE.feature) return statusOf(this.#device.sendFeatureReport(this.#report(data)));
        return HANDSHAKE.stall;
      case HID_REQUEST.setIdle:
        return HANDSHAKE.ack;
      case HID_REQUEST.setProtocol:
        this.#protocol = wValue(setup) & 1;
        return HANDSHAKE.ack;
      default:
        return HANDSHAKE.stall;
    }
  }

  /** As the library takes it: 0 in front of a report that is not numbered. */
  #report(data: Uint8Array): Uint8Array {
    return this.#numbered ? data : Uint8Array.of(0, ...data);
  }
}

function put(bytes: Uint8Array | undefined, data: Uint8Array): number {
  if (bytes === undefined) return HANDSHAKE.stall;
  const count = Math.min(bytes.length, data.length);
  data.set(bytes.subarray(0, count));
  return count;
}

function statusOf(done: Promise<unknown>): Promise<number> {
  return done.then(() => URB_STATUS.ok, statusOfError);
}

function statusOfError(error: unknown): number {
  const code = error instanceof HalError ? error.code : undefined;
  if (code === 'HAL_DISCONNECTED' || code === 'HAL_CLOSED' || code === 'HAL_HOST_PROCESS') return URB_STATUS.shutdown;
  if (code === 'HAL_STALL' || code === 'HAL_INVALID' || code === 'HAL_UNSUPPORTED') return URB_STATUS.stall;
  return URB_STATUS.protocol;
}
