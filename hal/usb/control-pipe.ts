/** Control transfers of a simulated device, stage by stage (USB 2.0, section 8.5.3). */

import { ENDPOINT_IN, SETUP_BYTES, URB_FLAGS, URB_STATUS, type Urb } from '../../base/index.js';
import type { Pipe } from './pipe.js';
import { wLength } from './setup-packet.js';
import { NOT_STANDARD, type StandardRequests } from './standard-requests.js';
import { HANDSHAKE, type UsbPeripheral } from './usb-peripheral.js';

/** Data stages are held here: `wLength` is 16 bits wide. */
const LARGEST_DATA = 0x1_0000;

/** Endpoint 0: the setup stage, as many data packets as there are, the status stage. */
export class ControlPipe {
  readonly #requests: StandardRequests;
  readonly #device: UsbPeripheral;
  #data = new Uint8Array(256);
  /** Bytes of the data stage; of an IN transfer what the device gave. */
  #length = 0;

  constructor(
    readonly pipe: Pipe,
    requests: StandardRequests,
    device: UsbPeripheral,
  ) {
    this.#requests = requests;
    this.#device = device;
  }

  /** Data bytes of the transaction that comes next. */
  stageBytes(): number {
    const { pipe } = this;
    if (pipe.stage === 'setup') return SETUP_BYTES;
    return pipe.stage === 'status' ? 0 : Math.min(pipe.maxPacketBytes, this.#length - pipe.progress);
  }

  /** A stage's transaction is over: the transfer's status when it is done, undefined while it goes on. */
  stageOver(urb: Urb): number | undefined {
    const { pipe } = this;
    if (pipe.stage === 'setup') return urb.inbound ? this.#setupIn(urb) : this.#setupOut(urb);
    if (pipe.stage === 'data') return this.#dataOver(urb);
    return this.#statusOver(urb);
  }

  #setupIn(urb: Urb): number | undefined {
    const asked = Math.min(wLength(urb.setup), LARGEST_DATA);
    this.#reserve(asked);
    const answer = this.#answer(urb, asked);
    if (answer < 0) return URB_STATUS.stall;
    this.#length = Math.min(answer, asked);
    this.pipe.stage = this.#length === 0 ? 'status' : 'data';
    return undefined;
  }

  #setupOut(urb: Urb): number | undefined {
    this.#length = urb.length;
    this.pipe.stage = this.#length === 0 ? 'status' : 'data';
    return undefined;
  }

  #dataOver(urb: Urb): number | undefined {
    const { pipe } = this;
    const count = this.stageBytes();
    const end = pipe.progress + count;
    if (urb.inbound) {
      const fits = Math.min(end, urb.length);
      for (let i = pipe.progress; i < fits; i++) urb.data[i] = this.#data[i];
      pipe.progress = fits;
      if (end > urb.length) return URB_STATUS.overflow;
    } else {
      pipe.progress = end;
    }
    if (end >= this.#length) pipe.stage = 'status';
    return undefined;
  }

  #statusOver(urb: Urb): number {
    if (!urb.inbound) return this.#answer(urb, urb.length) < 0 ? URB_STATUS.stall : URB_STATUS.ok;
    const isShort = this.pipe.progress < urb.length && (urb.flags & URB_FLAGS.shortNotOk) !== 0;
    return isShort ? URB_STATUS.short : URB_STATUS.ok;
  }

  #answer(urb: Urb, length: number): number {
    if (length > 0 && urb.inbound !== ((urb.setup[0] & ENDPOINT_IN) !== 0)) return HANDSHAKE.stall;
    const data = urb.inbound ? this.#data.subarray(0, length) : urb.data;
    const standard = this.#requests.answer(urb.setup, data);
    if (standard !== NOT_STANDARD) return standard;
    const answer = this.#device.control(urb.setup, data, length);
    return answer === HANDSHAKE.nak ? HANDSHAKE.stall : answer;
  }

  #reserve(bytes: number): void {
    if (this.#data.length < bytes) this.#data = new Uint8Array(LARGEST_DATA);
  }
}
