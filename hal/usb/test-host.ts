/** The host side of a simulated device for tests: transfers on a virtual clock, one after the other or several in flight. */

import { ENDPOINT_IN, TRANSFER_TYPE, type TransferType, URB_STATUS, Urb, VirtualClock } from '../../base/index.js';
import { encodeSetup, STANDARD_REQUEST } from './setup-packet.js';
import { createSimulatedUsbPort, type SimulatedUsbPort } from './simulated-port.js';
import type { UsbPeripheral } from './usb-peripheral.js';
import type { UsbSink } from './usb-port.js';

export interface DoneTransfer {
  readonly urb: Urb;
  readonly atNs: number;
  readonly status: number;
  /** IN: what came. */
  readonly data: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const CONTROL_LIMIT_NS = 1e9;

export class TestHost implements UsbSink {
  readonly port: SimulatedUsbPort;
  readonly done: DoneTransfer[] = [];
  readonly plugs: boolean[] = [];
  onDone: (urb: Urb) => void = () => {};
  onPlugged: (present: boolean) => void = () => {};
  #id = 0;

  constructor(
    device: UsbPeripheral,
    readonly clock = new VirtualClock(),
  ) {
    this.port = createSimulatedUsbPort({ name: 'sim:test', clock, device });
    this.port.attach(this);
  }

  completed(urb: Urb): void {
    const data = urb.inbound ? urb.data.slice(0, urb.actualLength) : NOTHING;
    this.done.push({ urb, atNs: this.clock.now(), status: urb.status, data });
    this.onDone(urb);
  }

  plugged(present: boolean): void {
    this.plugs.push(present);
    this.onPlugged(present);
  }

  disconnected(): void {}

  run(ns: number): void {
    this.clock.advanceTo(this.clock.now() + ns);
  }

  submit(type: TransferType, endpointAddress: number, data: Uint8Array | number, flags = 0): Urb {
    const urb = new Urb();
    urb.id = ++this.#id;
    urb.transferType = type;
    urb.endpointAddress = endpointAddress;
    urb.data = typeof data === 'number' ? new Uint8Array(data) : data;
    urb.length = urb.data.length;
    urb.flags = flags;
    this.port.submit(urb);
    return urb;
  }

  /** Submits a control transfer; IN where `bmRequestType` says so, then `data` is how many bytes are asked for. */
  request(bmRequestType: number, bRequest: number, wValue = 0, wIndex = 0, data: Uint8Array | number = NOTHING): Urb {
    const urb = new Urb();
    urb.id = ++this.#id;
    urb.endpointAddress = bmRequestType & ENDPOINT_IN;
    urb.data = typeof data === 'number' ? new Uint8Array(data) : data;
    urb.length = urb.data.length;
    encodeSetup(urb.setup, { bmRequestType, bRequest, wValue, wIndex, wLength: urb.length });
    this.port.submit(urb);
    return urb;
  }

  /** The same, and lets time go on until it is done. Throws when it never is. */
  control(bmRequestType: number, bRequest: number, wValue = 0, wIndex = 0, data: Uint8Array | number = NOTHING): Urb {
    const urb = this.request(bmRequestType, bRequest, wValue, wIndex, data);
    const endNs = this.clock.now() + CONTROL_LIMIT_NS;
    while (urb.status === URB_STATUS.inProgress && this.clock.nextDueNs() <= endNs)
      this.clock.advanceTo(this.clock.nextDueNs());
    if (urb.status === URB_STATUS.inProgress) throw new Error('the control transfer never ends');
    return urb;
  }

  configure(value = 1): this {
    const { status } = this.control(0, STANDARD_REQUEST.setConfiguration, value);
    if (status !== URB_STATUS.ok) throw new Error(`SET_CONFIGURATION ends with ${status}`);
    return this;
  }

  /** Keeps `count` transfers of `length` bytes going at a bulk IN endpoint; `take` is given what comes. */
  stream(endpointAddress: number, count: number, length: number, take: (data: Uint8Array, urb: Urb) => void): void {
    const urbs = new Set<Urb>();
    this.onDone = (urb) => {
      if (!urbs.has(urb)) return;
      take(urb.data.subarray(0, urb.actualLength), urb);
      if (urb.status === URB_STATUS.ok) this.port.submit(urb);
    };
    for (let i = 0; i < count; i++) urbs.add(this.submit(TRANSFER_TYPE.bulk, endpointAddress, length));
  }
}
