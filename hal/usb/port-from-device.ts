/** Takes anybody's WebUSB `USBDevice` as a port: a real device, a mock, a device of another process. */

import { type Clock, ENDPOINT_IN, TRANSFER_TYPE, URB_STATUS, type Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { EndpointTable } from './endpoint-table.js';
import { FEATURE, isStandard, RECIPIENT, REQUEST_TYPE, STANDARD_REQUEST, wIndex, wValue } from './setup-packet.js';
import { checkUrb } from './simulated-port.js';
import { TransferLane } from './transfer-lane.js';
import type { UsbDescription, UsbPort, UsbSink } from './usb-port.js';

export interface DevicePortOptions {
  readonly name: string;
  readonly clock: Clock;
  /** What the device says of itself; `readDescription` or sysfs tell. */
  readonly description: UsbDescription;
}

/** A port over a WebUSB device. */
export interface DevicePort extends UsbPort {
  /** Someone noticed that the device or its process is gone; what is in flight is shut down. Idempotent. */
  lose(error: HalError): void;
  /** Resolves when the device has been closed after `close`; never rejects. */
  readonly whenClosed: Promise<void>;
}

const REQUEST_TYPES: readonly USBRequestType[] = ['standard', 'class', 'vendor'];
const RECIPIENTS: readonly USBRecipient[] = ['device', 'interface', 'endpoint', 'other'];

class WebUsbPort implements DevicePort {
  readonly name: string;
  readonly description: UsbDescription;
  readonly whenClosed: Promise<void>;
  readonly #device: USBDevice;
  readonly #table: EndpointTable;
  readonly #lanes = new Map<number, TransferLane>();
  #sink: UsbSink | undefined;
  #over: 'closed' | 'lost' | undefined;
  #resolveClosed: () => void = () => {};

  constructor(device: USBDevice, options: DevicePortOptions) {
    this.name = options.name;
    this.description = options.description;
    this.#device = device;
    this.#table = new EndpointTable(options.description);
    this.whenClosed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  attach(sink: UsbSink): void {
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has its host side already`, { where: this.name });
    this.#sink = sink;
  }

  submit(urb: Urb): void {
    if (this.#over === 'closed') throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
    checkUrb(urb, this.name);
    urb.status = URB_STATUS.inProgress;
    urb.actualLength = 0;
    const isControl = urb.transferType === TRANSFER_TYPE.control;
    if (this.#over === 'lost') this.#later(urb, URB_STATUS.noDevice);
    else if (!isControl && this.#table.typeOf(urb.endpointAddress) !== urb.transferType)
      this.#later(urb, URB_STATUS.stall);
    else this.#lane(isControl ? 0 : urb.endpointAddress).submit(urb);
  }

  cancel(urb: Urb): void {
    this.#lanes.get(urb.transferType === TRANSFER_TYPE.control ? 0 : urb.endpointAddress)?.cancel(urb);
  }

  reset(): void {
    for (const lane of this.#lanes.values()) lane.endAll(URB_STATUS.unlinked);
    this.#table.configure(0);
    this.#device.reset().catch((error: unknown) => this.#failed(error));
  }

  lose(error: HalError): void {
    if (this.#over !== undefined) return;
    this.#over = 'lost';
    for (const lane of this.#lanes.values()) lane.endAll(URB_STATUS.shutdown);
    this.#sink?.disconnected(error);
  }

  close(): void {
    if (this.#over === 'closed') return;
    this.#over = 'closed';
    for (const lane of this.#lanes.values()) lane.endAll(URB_STATUS.shutdown);
    this.#device
      .close()
      .catch(() => {})
      .then(this.#resolveClosed);
  }

  #later(urb: Urb, status: number): void {
    urb.status = status;
    queueMicrotask(() => this.#sink?.completed(urb));
  }

  #lane(address: number): TransferLane {
    let lane = this.#lanes.get(address);
    if (lane === undefined) {
      lane = new TransferLane({
        isInbound: (address & ENDPOINT_IN) !== 0,
        packetBytes: this.#table.find(address)?.maxPacketBytes ?? 1,
        run: (urb, length) => this.#transfer(urb, length),
        completed: (urb) => this.#sink?.completed(urb),
        failed: (error) => this.#failed(error),
      });
      this.#lanes.set(address, lane);
    }
    return lane;
  }

  /** Bytes of an IN transfer and its status. `length` is a whole number of packets, because the library drops what is beyond. */
  async #transfer(urb: Urb, length: number): Promise<{ status: number; bytes: Uint8Array; actualLength: number }> {
    if (urb.transferType === TRANSFER_TYPE.control) return this.#control(urb);
    const endpointNumber = urb.endpointAddress & 0x0f;
    if (urb.inbound) {
      const { status, data } = await this.#device.transferIn(endpointNumber, length);
      const bytes = data === undefined ? NOTHING : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return { status: statusOf(status), bytes, actualLength: bytes.length };
    }
    const { status, bytesWritten } = await this.#device.transferOut(endpointNumber, urb.data.slice(0, urb.length));
    return { status: statusOf(status), bytes: NOTHING, actualLength: bytesWritten };
  }

  async #control(urb: Urb): Promise<{ status: number; bytes: Uint8Array; actualLength: number }> {
    const { setup } = urb;
    if (await this.#asCall(setup)) {
      this.#table.accepted(setup);
      return { status: URB_STATUS.ok, bytes: NOTHING, actualLength: 0 };
    }
    const parameters: USBControlTransferParameters = {
      requestType: REQUEST_TYPES[(setup[0] & REQUEST_TYPE.mask) >> 5] ?? 'vendor',
      recipient: RECIPIENTS[setup[0] & RECIPIENT.mask] ?? 'other',
      request: setup[1],
      value: wValue(setup),
      index: wIndex(setup),
    };
    if (urb.inbound) {
      const { status, data } = await this.#device.controlTransferIn(parameters, urb.length);
      const bytes = data === undefined ? NOTHING : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return { status: statusOf(status), bytes, actualLength: bytes.length };
    }
    const { status, bytesWritten } = await this.#device.controlTransferOut(parameters, urb.data.slice(0, urb.length));
    return { status: statusOf(status), bytes: NOTHING, actualLength: bytesWritten };
  }

  /** Requests that a WebUSB device takes as calls of its own, because its operating system must know of them. */
  async #asCall(setup: Uint8Array): Promise<boolean> {
    if (!isStandard(setup)) return false;
    const device = this.#device;
    if (setup[1] === STANDARD_REQUEST.setConfiguration && setup[0] === RECIPIENT.device) {
      const value = wValue(setup) & 0xff;
      if (device.configuration?.configurationValue !== value) await device.selectConfiguration(value);
      // A guest claims nothing; its requests and transfers need every interface.
      for (const { interfaceNumber, claimed } of device.configuration?.interfaces ?? [])
        if (!claimed) await device.claimInterface(interfaceNumber);
      return true;
    }
    if (setup[1] === STANDARD_REQUEST.setInterface && setup[0] === RECIPIENT.interface) {
      await device.selectAlternateInterface(wIndex(setup), wValue(setup));
      return true;
    }
    if (setup[1] !== STANDARD_REQUEST.clearFeature || setup[0] !== RECIPIENT.endpoint) return false;
    if (wValue(setup) !== FEATURE.endpointHalt || (wIndex(setup) & 0x0f) === 0) return false;
    await device.clearHalt((wIndex(setup) & ENDPOINT_IN) !== 0 ? 'in' : 'out', wIndex(setup) & 0x0f);
    return true;
  }

  #failed(error: unknown): void {
    if (!(error instanceof HalError)) return;
    if (error.code === 'HAL_DISCONNECTED' || error.code === 'HAL_HOST_PROCESS') this.lose(error);
  }
}

const NOTHING = new Uint8Array(0);

function statusOf(status: USBTransferStatus | undefined): number {
  if (status === 'stall') return URB_STATUS.stall;
  return status === 'babble' ? URB_STATUS.overflow : URB_STATUS.ok;
}

/**
 * `device`, which is open, as a port. It closes the device when it is closed. A transfer that is taken back completes at
 * once; what the device sends for it all the same is the next transfer's, so that no byte is lost.
 */
export function portFromUsbDevice(device: USBDevice, options: DevicePortOptions): DevicePort {
  return new WebUsbPort(device, options);
}
