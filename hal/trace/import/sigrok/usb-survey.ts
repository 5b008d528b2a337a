/** The first pass over the USB lines of a capture: which devices there are and what they say of themselves. */

import { STANDARD_REQUEST } from '../../../usb/setup-packet.js';
import { URB_STATUS } from '../../../usb/usb-port.js';
import { ControlDecoder, type ControlTransfer } from './usb-control-decoder.js';
import { UsbDeviceKnowledge } from './usb-knowledge.js';
import type { UsbWireSpeed } from './usb-line-decoder.js';
import type { UsbTransaction, UsbTransactionListener } from './usb-transaction-decoder.js';

const MAX_SESSIONS = 100_000;

/** The speed of a bus, by the line that is high while it is idle. */
export class UsbSpeedSurvey {
  readonly #idleSamples: number;
  #since = -1;
  #levels = 0;
  #full = 0;
  #low = 0;

  constructor(samplesPerSecond: number) {
    // Longer than seven bits at either speed: no data.
    this.#idleSamples = samplesPerSecond * 8e-6;
  }

  edge(sample: number, levels: number): void {
    if (this.#since >= 0) this.#count(sample);
    this.#since = sample;
    this.#levels = levels & 3;
  }

  finish(sample: number): UsbWireSpeed {
    if (this.#since >= 0) this.#count(sample);
    return this.#low > this.#full ? 'low' : 'full';
  }

  #count(sample: number): void {
    const length = sample - this.#since;
    if (length < this.#idleSamples) return;
    if (this.#levels === 1) this.#full += length;
    else if (this.#levels === 2) this.#low += length;
  }
}

/** Gathers knowledge by device address. Traffic of a device that has no address yet belongs to the address it is given next. */
export class UsbSurvey implements UsbTransactionListener {
  readonly devices = new Map<number, UsbDeviceKnowledge>();
  /** Addresses given to devices, in order. */
  readonly addresses: number[] = [];
  readonly #controls = new Map<number, ControlDecoder>();
  readonly #samplesPerSecond: number;
  #unaddressed: UsbDeviceKnowledge;
  #strayTraffic = false;

  constructor(samplesPerSecond: number) {
    this.#samplesPerSecond = samplesPerSecond;
    this.#unaddressed = new UsbDeviceKnowledge(0, samplesPerSecond);
  }

  transaction(transaction: UsbTransaction): void {
    const { address } = transaction;
    const device = this.#device(address);
    if ((transaction.endpointAddress & 0x0f) !== 0) {
      device.use(transaction);
      return;
    }
    let control = this.#controls.get(address);
    if (control === undefined) {
      control = new ControlDecoder();
      this.#controls.set(address, control);
    }
    const done = control.take(transaction, () => {});
    if (done?.status === URB_STATUS.ok) this.#learn(device, done);
  }

  reset(): void {
    for (const control of this.#controls.values()) control.open = false;
  }

  /** The device that traffic to address 0 belongs to, when it was never given another; undefined without such traffic. */
  get stray(): UsbDeviceKnowledge | undefined {
    return this.#strayTraffic ? this.#unaddressed : undefined;
  }

  #learn(device: UsbDeviceKnowledge, transfer: ControlTransfer): void {
    const { setup } = transfer;
    if (setup[0] === 0 && setup[1] === STANDARD_REQUEST.setAddress) {
      if (this.addresses.length < MAX_SESSIONS) this.addresses.push(setup[2] & 0x7f);
      const target = this.#device(setup[2] & 0x7f);
      target.descriptor ??= device.descriptor;
      for (const [index, bytes] of device.configurations) target.configurations.set(index, bytes);
      this.#unaddressed = new UsbDeviceKnowledge(0, this.#samplesPerSecond);
      this.#strayTraffic = false;
    } else device.learn(transfer);
  }

  #device(address: number): UsbDeviceKnowledge {
    if (address === 0) {
      this.#strayTraffic = true;
      return this.#unaddressed;
    }
    let device = this.devices.get(address);
    if (device === undefined) {
      device = new UsbDeviceKnowledge(address, this.#samplesPerSecond);
      this.devices.set(address, device);
    }
    return device;
  }
}
