/** Makes URBs of USB transactions, device by device: the second pass over the USB lines of a capture. */

import { isStandard, STANDARD_REQUEST } from '../../../usb/setup-packet.js';
import { TRANSFER_TYPE, URB_STATUS, Urb } from '../../../usb/usb-port.js';
import { ControlDecoder, type ControlTransfer } from './usb-control-decoder.js';
import { EndpointDecoder, type UrbListener } from './usb-endpoint-decoder.js';
import { assumedEndpoint, type EndpointKnowledge, UsbDeviceKnowledge } from './usb-knowledge.js';
import type { UsbWireSpeed } from './usb-line-decoder.js';
import type { UsbSurvey } from './usb-survey.js';
import type { UsbTransaction, UsbTransactionListener } from './usb-transaction-decoder.js';

/** Where the URBs of all devices go; `address` is the device's, as it was given to it. Otherwise as `UrbListener`. */
export interface BusUrbListener {
  submitted(address: number, urb: Urb, atSample: number): void;
  completed(address: number, urb: Urb, atSample: number): void;
  /** The bus was reset; what was in flight has been completed. */
  reset(atSample: number): void;
}

/** A bulk transfer that has not gone on for so long is over. */
const PAUSE_SECONDS = 0.01;

class DeviceDecoder {
  readonly endpoints = new Map<number, EndpointDecoder>();
  readonly controls = new Map<number, ControlDecoder>();
  readonly knowledge: ReadonlyMap<number, EndpointKnowledge>;
  readonly urbs: UrbListener;

  constructor(
    readonly address: number,
    knowledge: UsbDeviceKnowledge,
    speed: UsbWireSpeed,
    listener: BusUrbListener,
  ) {
    this.knowledge = knowledge.endpoints(speed);
    this.urbs = {
      submitted: (urb, atSample) => listener.submitted(address, urb, atSample),
      completed: (urb, atSample) => listener.completed(address, urb, atSample),
    };
  }
}

export class UsbTransferDecoder implements UsbTransactionListener {
  readonly #survey: UsbSurvey;
  readonly #speed: UsbWireSpeed;
  readonly #samplesPerSecond: number;
  readonly #listener: BusUrbListener;
  readonly #devices = new Map<number, DeviceDecoder>();
  /** How many devices have been given an address. */
  #session = 0;
  #lastId = 0;
  /** Isochronous packets, which are left out: a URB of them has a layout of its own. */
  isochronousPackets = 0;
  /** Data packets that nobody acknowledged: the host or the device had lost them, or they are isochronous and nothing told so. */
  unacknowledged = 0;
  /** Control transfers that the capture ends in, or that a reset broke off. */
  unfinished = 0;

  constructor(survey: UsbSurvey, speed: UsbWireSpeed, samplesPerSecond: number, listener: BusUrbListener) {
    this.#survey = survey;
    this.#speed = speed;
    this.#samplesPerSecond = samplesPerSecond;
    this.#listener = listener;
  }

  /** No URB is told later that was submitted earlier than this. */
  get openSample(): number {
    let open = Number.POSITIVE_INFINITY;
    for (const device of this.#devices.values()) {
      for (const control of device.controls.values())
        if (control.open) open = Math.min(open, control.transfer.startSample);
      for (const endpoint of device.endpoints.values()) open = Math.min(open, endpoint.openSample);
    }
    return open;
  }

  transaction(transaction: UsbTransaction): void {
    const device = this.#device(transaction.address);
    const endpoint = transaction.endpointAddress;
    const knowledge = device.knowledge.get(endpoint);
    if (knowledge?.type === TRANSFER_TYPE.isochronous) {
      this.isochronousPackets++;
      return;
    }
    if (transaction.length >= 0 && transaction.handshake === 'none') this.unacknowledged++;
    if ((endpoint & 0x0f) === 0 || knowledge?.type === TRANSFER_TYPE.control) this.#control(device, transaction);
    else this.#endpoint(device, endpoint).take(transaction);
  }

  reset(_startSample: number, endSample: number): void {
    for (const device of this.#devices.values()) {
      for (const endpoint of device.endpoints.values()) endpoint.end(endSample, URB_STATUS.unlinked);
      this.#dropControls(device);
    }
    this.#listener.reset(endSample);
  }

  /** Ends bulk transfers that have not gone on for 10 ms. */
  settle(sample: number): void {
    const limit = sample - this.#samplesPerSecond * PAUSE_SECONDS;
    for (const device of this.#devices.values())
      for (const endpoint of device.endpoints.values()) endpoint.settle(limit);
  }

  /** The capture ends. What waits stays submitted. */
  finish(sample: number): void {
    for (const device of this.#devices.values()) {
      for (const endpoint of device.endpoints.values()) endpoint.end(sample);
      this.#dropControls(device);
    }
  }

  #dropControls(device: DeviceDecoder): void {
    for (const control of device.controls.values()) {
      if (control.open) this.unfinished++;
      control.open = false;
    }
  }

  #device(wireAddress: number): DeviceDecoder {
    const address = wireAddress === 0 ? (this.#survey.addresses[this.#session] ?? 0) : wireAddress;
    let device = this.#devices.get(address);
    if (device === undefined) {
      const knowledge =
        (address === 0 ? this.#survey.stray : this.#survey.devices.get(address)) ??
        new UsbDeviceKnowledge(address, this.#samplesPerSecond);
      device = new DeviceDecoder(address, knowledge, this.#speed, this.#listener);
      this.#devices.set(address, device);
    }
    return device;
  }

  #endpoint(device: DeviceDecoder, address: number): EndpointDecoder {
    let endpoint = device.endpoints.get(address);
    if (endpoint === undefined) {
      const knowledge = device.knowledge.get(address) ?? assumedEndpoint(this.#speed);
      endpoint = new EndpointDecoder(address, knowledge, device.urbs, () => ++this.#lastId);
      device.endpoints.set(address, endpoint);
    }
    return endpoint;
  }

  #control(device: DeviceDecoder, transaction: UsbTransaction): void {
    const number = transaction.endpointAddress & 0x0f;
    let control = device.controls.get(number);
    if (control === undefined) {
      control = new ControlDecoder();
      device.controls.set(number, control);
    }
    const done = control.take(transaction, (given) => this.#tell(device, number, given));
    if (done === undefined) return;
    this.#tell(device, number, done);
    if (done.status === URB_STATUS.ok) this.#heed(device, done, transaction.address === 0);
  }

  #tell(device: DeviceDecoder, number: number, transfer: ControlTransfer): void {
    const urb = new Urb();
    urb.id = ++this.#lastId;
    urb.transferType = TRANSFER_TYPE.control;
    urb.endpointAddress = number | (transfer.inbound ? 0x80 : 0);
    urb.setup.set(transfer.setup);
    urb.length = transfer.wanted;
    urb.data = new Uint8Array(transfer.wanted);
    urb.data.set(transfer.data.subarray(0, transfer.length));
    device.urbs.submitted(urb, transfer.startSample);
    urb.actualLength = transfer.length;
    urb.status = transfer.status;
    device.urbs.completed(urb, transfer.endSample);
  }

  /** Requests after which toggles start anew, and the one that names a device (USB 2.0, section 9.4). */
  #heed(device: DeviceDecoder, transfer: ControlTransfer, unaddressed: boolean): void {
    const { setup } = transfer;
    if (!isStandard(setup)) return;
    const request = setup[1];
    if (request === STANDARD_REQUEST.setAddress && unaddressed) this.#session++;
    else if (request === STANDARD_REQUEST.clearFeature && setup[0] === 2) device.endpoints.get(setup[4])?.restart();
    else if (request === STANDARD_REQUEST.setConfiguration || request === STANDARD_REQUEST.setInterface)
      for (const endpoint of device.endpoints.values()) endpoint.restart();
  }
}
