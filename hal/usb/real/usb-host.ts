/** The inner side of one real USB device. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceHost, HostSend } from '../../host-process/host-connection.js';
import type { HostHandlers } from '../../host-process/serve-host.js';
import { loadNativeUsb } from './native-usb.js';
import { fieldsOf, type OpenedUsb, openUsb } from './opened-usb.js';
import type { UsbHotplugEvent, UsbOpenArguments, UsbRequests } from './protocol.js';

/**
 * Transfers that the library cannot take back keep the device until the process ends, so `end` gives back what it can: a
 * device that is `busy` then, with its lock and what it owes, is left to the end of the process.
 */
export class UsbHost implements DeviceHost<UsbRequests> {
  readonly #send: HostSend<UsbHotplugEvent>;
  device: OpenedUsb | undefined;
  openedAs: UsbOpenArguments | undefined;
  /** The other side gives the kernel's drivers back itself once this process has ended. */
  parentGivesBack = false;

  constructor(send: HostSend<UsbHotplugEvent>) {
    this.#send = send;
  }

  readonly handlers: HostHandlers<UsbRequests> = {
    list: async ({ nativeModule }) => {
      const usb = await loadNativeUsb(nativeModule);
      return (await usb.getDevices()).map((each) => ({
        ...fieldsOf(each),
        busNumber: Number.parseInt(each.bus, 10) || 0,
        deviceAddress: each.address,
        ports: [...each.ports],
        speed: each.speed,
      }));
    },
    open: async (where) => {
      this.device = await openUsb(where);
      this.openedAs = where;
      return this.device.describe();
    },
    selectConfiguration: async (value) => this.#opened().selectConfiguration(value),
    claim: async (interfaceNumber) => this.#opened().claim(interfaceNumber),
    release: async (interfaceNumber) => this.#opened().release(interfaceNumber),
    alternate: async ({ interfaceNumber, alternateSetting }) =>
      this.#opened().alternate(interfaceNumber, alternateSetting),
    controlIn: async ({ setup, length, timeoutMs }) => this.#opened().controlIn(setup, length, timeoutMs),
    controlOut: async ({ setup, data, timeoutMs }) => this.#opened().controlOut(setup, data, timeoutMs),
    transferIn: async (args) => this.#opened().transferIn(args),
    transferOut: async (args) => this.#opened().transferOut(args),
    cancel: async (ticket) => {
      this.device?.cancel(ticket);
      return undefined;
    },
    clearHalt: async ({ direction, endpointNumber }) => this.#opened().clearHalt(direction, endpointNumber),
    reset: async () => this.#opened().reset(),
    close: async () => {
      const closing = this.#opened();
      closing.cancelAll();
      if (closing.busy) {
        this.parentGivesBack = true;
        return { busy: true };
      }
      this.device = undefined;
      await closing.close();
      return { busy: false };
    },
    watch: async ({ nativeModule, sysfs }) => {
      // Without this folder the library rejects where nobody can catch it, which ends the process.
      const folder = join(sysfs, 'bus/usb/devices');
      if (process.platform === 'linux' && !existsSync(folder)) return { reason: `${folder} is not there` };
      const usb = await loadNativeUsb(nativeModule);
      for (const type of ['connect', 'disconnect'] as const)
        usb.addEventListener(type, () => this.#send({ hotplug: true }));
      return { reason: undefined };
    },
  };

  readonly end = async (): Promise<void> => {
    this.device?.cancelAll();
    if (this.device !== undefined && !this.device.busy) await this.device.close();
  };

  #opened(): OpenedUsb {
    if (this.device === undefined) throw new Error('invalid state: the device is not open');
    return this.device;
  }
}

/** One device, not open yet. */
export function createHost(send: HostSend<UsbHotplugEvent>): DeviceHost<UsbRequests> {
  return new UsbHost(send);
}
