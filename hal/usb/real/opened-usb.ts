/** A device of the USB library, opened in a process of its own: what is taken from the kernel is given back in order. */

import { type AcquiredLock, acquireDeviceLock } from '../../host-process/device-lock.js';
import { InQueue, OutQueue, SLICE_MS } from './endpoint-queue.js';
import { loadNativeUsb, type NativeUsbDevice } from './native-usb.js';
import type {
  OpenedUsbFields,
  UsbConfigurationFields,
  UsbDeviceFields,
  UsbInAnswer,
  UsbInArguments,
  UsbOpenArguments,
  UsbOutAnswer,
  UsbOutArguments,
} from './protocol.js';
import { interfaceDriver } from './sysfs.js';
import { usbTrouble } from './usb-texts.js';

/** Opens the device for this process alone. Rejects with the library's words, or `HAL_IN_USE` of the lock. */
export async function openUsb(where: UsbOpenArguments): Promise<OpenedUsb> {
  const acquired = acquireDeviceLock(`usb-${where.portPath}`, `usb:${where.portPath}`, where.locks);
  try {
    const usb = await loadNativeUsb(where.nativeModule);
    const device = (await usb.getDevices()).find((each) => isAt(each, where));
    if (device === undefined) throw new Error('device not found');
    await device.open();
    return new OpenedUsb(device, where, acquired);
  } catch (error) {
    // What a dead owner has left stays written down for the next one.
    if (acquired.inherited.length > 0) acquired.lock.owe(acquired.inherited);
    else acquired.lock.release();
    throw error;
  }
}

function isAt(device: NativeUsbDevice, where: UsbOpenArguments): boolean {
  const bus = Number.parseInt(device.bus, 10);
  return (
    device.vendorId === where.vendorId &&
    device.productId === where.productId &&
    device.address === where.deviceAddress &&
    (Number.isNaN(bus) || bus === where.busNumber)
  );
}

export class OpenedUsb {
  readonly #device: NativeUsbDevice;
  readonly #where: UsbOpenArguments;
  readonly #acquired: AcquiredLock;
  readonly #claimed = new Set<number>();
  /** Interfaces whose kernel driver was detached and not given back yet. */
  readonly #owed: Set<number>;
  readonly #inQueues = new Map<number, InQueue>();
  readonly #outQueues = new Map<number, OutQueue>();

  constructor(device: NativeUsbDevice, where: UsbOpenArguments, acquired: AcquiredLock) {
    this.#device = device;
    this.#where = where;
    this.#acquired = acquired;
    this.#owed = new Set(acquired.inherited);
    acquired.lock.owe([...this.#owed]);
  }

  /** Whether kernel drivers wait for their interfaces. */
  get owes(): boolean {
    return this.#owed.size > 0;
  }

  /** Whether the library has transfers that nobody can take back. */
  get busy(): boolean {
    return [...this.#inQueues.values(), ...this.#outQueues.values()].some((queue) => queue.busy);
  }

  describe(): OpenedUsbFields {
    const device = this.#device;
    return {
      fields: fieldsOf(device),
      configurations: device.configurations.map(configurationOf),
      configurationValue: this.#configurationValue(),
    };
  }

  async selectConfiguration(value: number): Promise<undefined> {
    // To set what is set already would fail while any kernel driver has an interface, and change nothing.
    if (this.#configurationValue() === value) return;
    const before = this.#activeConfiguration();
    for (const { interfaceNumber } of before?.interfaces ?? []) await this.#detach(interfaceNumber);
    try {
      await this.#device.selectConfiguration(value);
    } catch (error) {
      for (const number of [...this.#owed]) await this.#attach(number);
      throw error;
    }
    // The interfaces of before are gone, and the kernel has bound its drivers to the new ones.
    this.#claimed.clear();
    this.#owed.clear();
    this.#note();
  }

  async claim(interfaceNumber: number): Promise<{ detached: string | undefined }> {
    if (this.#claimed.has(interfaceNumber)) return { detached: undefined };
    const detached = await this.#detach(interfaceNumber);
    try {
      await this.#device.claimInterface(interfaceNumber);
    } catch (error) {
      await this.#attach(interfaceNumber);
      throw error;
    }
    this.#claimed.add(interfaceNumber);
    return { detached };
  }

  async release(interfaceNumber: number): Promise<undefined> {
    if (!this.#claimed.delete(interfaceNumber)) return;
    this.#forget(interfaceNumber);
    await this.#device.releaseInterface(interfaceNumber);
    await this.#attach(interfaceNumber);
  }

  async alternate(interfaceNumber: number, alternateSetting: number): Promise<undefined> {
    await this.#device.selectAlternateInterface(interfaceNumber, alternateSetting);
    this.#forget(interfaceNumber);
  }

  async controlIn(setup: USBControlTransferParameters, length: number, timeoutMs: number): Promise<UsbInAnswer> {
    try {
      const bytes = await this.#device.nativeControlTransferIn(setup, timeoutMs, length);
      return bytes === null ? STALLED_IN : { status: 'ok', data: bytes.slice() };
    } catch (error) {
      if (usbTrouble((error as Error).message) === 'stall') return STALLED_IN;
      throw error;
    }
  }

  async controlOut(setup: USBControlTransferParameters, data: Uint8Array, timeoutMs: number): Promise<UsbOutAnswer> {
    try {
      return { status: 'ok', bytesWritten: await this.#device.nativeControlTransferOut(setup, timeoutMs, data) };
    } catch (error) {
      if (usbTrouble((error as Error).message) === 'stall') return { status: 'stall', bytesWritten: 0 };
      throw error;
    }
  }

  transferIn(wanted: UsbInArguments): Promise<UsbInAnswer> {
    const { endpointNumber } = wanted;
    let queue = this.#inQueues.get(endpointNumber);
    if (queue === undefined) {
      queue = new InQueue((asked) => this.#device.nativeTransferIn(endpointNumber, SLICE_MS, asked));
      this.#inQueues.set(endpointNumber, queue);
    }
    return queue.read(wanted);
  }

  transferOut({ ticket, endpointNumber, data, timeoutMs }: UsbOutArguments): Promise<UsbOutAnswer> {
    let queue = this.#outQueues.get(endpointNumber);
    if (queue === undefined) {
      queue = new OutQueue((bytes) => this.#device.nativeTransferOut(endpointNumber, SLICE_MS, bytes));
      this.#outQueues.set(endpointNumber, queue);
    }
    return queue.write(ticket, data, timeoutMs);
  }

  cancel(ticket: number): void {
    for (const queue of [...this.#inQueues.values(), ...this.#outQueues.values()]) if (queue.cancel(ticket)) return;
  }

  /** Ends every wait; each rejects with what had come. */
  cancelAll(): void {
    for (const queue of [...this.#inQueues.values(), ...this.#outQueues.values()]) queue.cancelAll();
  }

  async clearHalt(direction: USBDirection, endpointNumber: number): Promise<undefined> {
    await this.#device.clearHalt(direction, endpointNumber);
  }

  async reset(): Promise<undefined> {
    await this.#device.reset();
  }

  /** Gives back interfaces, drivers, device and lock, in this order. Where something fails the rest still happens. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    const step = async (act: () => Promise<unknown>): Promise<void> => {
      await act().catch((error: unknown) => failures.push(error));
    };
    for (const number of [...this.#claimed]) await step(() => this.#device.releaseInterface(number));
    this.#claimed.clear();
    for (const number of [...this.#owed]) await step(() => this.#attach(number));
    await step(() => this.#device.close());
    this.#acquired.lock.release();
    const real = failures.filter((error) => usbTrouble((error as Error).message) !== 'disconnected');
    if (real.length > 0) throw real[0];
  }

  /** For a process that ends at once and owes nothing. */
  unlock(): void {
    this.#acquired.lock.release();
  }

  #forget(interfaceNumber: number): void {
    const owner = this.#activeConfiguration()?.interfaces.find((each) => each.interfaceNumber === interfaceNumber);
    for (const { endpoints } of owner?.alternates ?? [])
      for (const { direction, endpointNumber } of endpoints)
        if (direction === 'in') this.#inQueues.get(endpointNumber)?.forget();
  }

  /** Takes the interface from its kernel driver; answers which it was. */
  async #detach(interfaceNumber: number): Promise<string | undefined> {
    const driver = this.#driver(interfaceNumber);
    if (driver === undefined) return undefined;
    if (driver === 'usbfs') throw new Error(`interface ${interfaceNumber} is busy: another program has it`);
    this.#owed.add(interfaceNumber);
    this.#note();
    try {
      await this.#device.detachKernelDriver(interfaceNumber);
    } catch (error) {
      this.#owed.delete(interfaceNumber);
      this.#note();
      throw error;
    }
    return driver;
  }

  async #attach(interfaceNumber: number): Promise<void> {
    if (!this.#owed.delete(interfaceNumber)) return;
    try {
      // Somebody may have given it back meanwhile.
      if (this.#driver(interfaceNumber) === undefined) await this.#device.attachKernelDriver(interfaceNumber);
    } finally {
      this.#note();
    }
  }

  #driver(interfaceNumber: number): string | undefined {
    const value = this.#configurationValue();
    if (value === undefined || this.#claimed.has(interfaceNumber)) return undefined;
    return interfaceDriver(this.#where.portPath, value, interfaceNumber, this.#where.sysfs);
  }

  #note(): void {
    this.#acquired.lock.owe([...this.#owed]);
  }

  #activeConfiguration(): USBConfiguration | undefined {
    try {
      return this.#device.configuration;
    } catch {
      // The library throws where a device has no active configuration.
      return undefined;
    }
  }

  #configurationValue(): number | undefined {
    return this.#activeConfiguration()?.configurationValue;
  }
}

const STALLED_IN: UsbInAnswer = { status: 'stall', data: new Uint8Array(0) };

/** The library reads strings from the device by getters that throw where the device refuses. */
export function fieldsOf(device: NativeUsbDevice): UsbDeviceFields {
  const text = (read: () => string | null): string | null => {
    try {
      return read() ?? null;
    } catch {
      return null;
    }
  };
  return {
    vendorId: device.vendorId,
    productId: device.productId,
    usbVersionMajor: device.usbVersionMajor,
    usbVersionMinor: device.usbVersionMinor,
    usbVersionSubminor: device.usbVersionSubminor,
    deviceVersionMajor: device.deviceVersionMajor,
    deviceVersionMinor: device.deviceVersionMinor,
    deviceVersionSubminor: device.deviceVersionSubminor,
    deviceClass: device.deviceClass,
    deviceSubclass: device.deviceSubclass,
    deviceProtocol: device.deviceProtocol,
    manufacturerName: text(() => device.manufacturerName),
    productName: text(() => device.productName),
    serialNumber: text(() => device.serialNumber),
  };
}

function configurationOf(configuration: USBConfiguration): UsbConfigurationFields {
  return {
    configurationValue: configuration.configurationValue,
    configurationName: configuration.configurationName ?? null,
    interfaces: configuration.interfaces.map((each) => ({
      interfaceNumber: each.interfaceNumber,
      alternateSetting: each.alternate.alternateSetting,
      alternates: each.alternates.map((alternate) => ({
        alternateSetting: alternate.alternateSetting,
        interfaceClass: alternate.interfaceClass,
        interfaceSubclass: alternate.interfaceSubclass,
        interfaceProtocol: alternate.interfaceProtocol,
        interfaceName: alternate.interfaceName ?? null,
        endpoints: alternate.endpoints.map(({ endpointNumber, direction, type, packetSize }) => ({
          endpointNumber,
          direction,
          type,
          packetSize,
        })),
      })),
    })),
  };
}
