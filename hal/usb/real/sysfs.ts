/** USB devices of a Linux machine from its sysfs: read without opening, waking or asking any device. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { UsbSpeed } from '../usb-port.js';

export interface UsbInterfaceInfo {
  readonly number: number;
  readonly interfaceClass: number;
  readonly interfaceSubclass: number;
  readonly interfaceProtocol: number;
  /** The kernel driver that holds it; undefined when none does. `usbfs`: a program. */
  readonly driver: string | undefined;
}

/** A device as the machine shows it. */
export interface UsbDeviceInfo {
  /** Where it is plugged in: bus and the ports of the hubs on the way, as the kernel names it: `1-1.2`. */
  readonly portPath: string;
  readonly busNumber: number;
  readonly deviceAddress: number;
  readonly vendorId: number;
  readonly productId: number;
  readonly manufacturer: string | undefined;
  readonly product: string | undefined;
  readonly serialNumber: string | undefined;
  readonly speed: UsbSpeed | undefined;
  /** `bConfigurationValue` of the active configuration; undefined when the device has none. */
  readonly configurationValue: number | undefined;
  /** Interfaces of the active configuration. */
  readonly interfaces: readonly UsbInterfaceInfo[];
}

/** A listing; `reason` says why it is empty where the machine shows no USB at all. */
export interface UsbListing {
  readonly devices: readonly UsbDeviceInfo[];
  readonly reason?: string;
}

const DEVICE_NAME = /^\d+-\d+(\.\d+)*$/;

/** Linux, Documentation/ABI/stable/sysfs-bus-usb: `speed` in Mbit/s. */
const SPEEDS: Readonly<Record<string, UsbSpeed>> = { '1.5': 'low', '12': 'full', '480': 'high' };

/** Devices in the order of their places; root hubs are left out. Never throws: a machine without USB lists nothing. */
export function readUsbDevices(sysfs = '/sys'): UsbListing {
  const folder = join(sysfs, 'bus/usb/devices');
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : (error as Error).message;
    return {
      devices: [],
      reason: `${folder} ${why}: this machine (or container) has no USB controller or does not show it`,
    };
  }
  const devices: UsbDeviceInfo[] = [];
  for (const name of names.filter((each) => DEVICE_NAME.test(each)).sort(comparePlaces)) {
    const info = readDevice(folder, name, names);
    if (info !== undefined) devices.push(info);
  }
  return { devices };
}

/** The kernel driver of one interface, now; undefined when it has none, or the machine does not tell. */
export function interfaceDriver(
  portPath: string,
  configurationValue: number,
  interfaceNumber: number,
  sysfs = '/sys',
): string | undefined {
  return driverOf(join(sysfs, 'bus/usb/devices', `${portPath}:${configurationValue}.${interfaceNumber}`));
}

/** A device that leaves while it is read is not there. */
function readDevice(folder: string, name: string, names: readonly string[]): UsbDeviceInfo | undefined {
  const attribute = (file: string, of = name): string | undefined => {
    try {
      return readFileSync(join(folder, of, file), 'utf8').replace(/\n$/, '');
    } catch {
      return undefined;
    }
  };
  const number = (file: string, radix: number, of = name): number => Number.parseInt(attribute(file, of) ?? '', radix);
  const vendorId = number('idVendor', 16);
  const deviceAddress = number('devnum', 10);
  if (Number.isNaN(vendorId) || Number.isNaN(deviceAddress)) return undefined;
  const configurationValue = number('bConfigurationValue', 10);
  const prefix = `${name}:${configurationValue}.`;
  const speed = attribute('speed');
  return {
    portPath: name,
    busNumber: number('busnum', 10),
    deviceAddress,
    vendorId,
    productId: number('idProduct', 16),
    manufacturer: attribute('manufacturer'),
    product: attribute('product'),
    serialNumber: attribute('serial'),
    speed: speed === undefined ? undefined : (SPEEDS[speed] ?? 'super'),
    configurationValue: configurationValue > 0 ? configurationValue : undefined,
    interfaces: names
      .filter((each) => each.startsWith(prefix))
      .map((each) => ({
        number: number('bInterfaceNumber', 16, each),
        interfaceClass: number('bInterfaceClass', 16, each),
        interfaceSubclass: number('bInterfaceSubClass', 16, each),
        interfaceProtocol: number('bInterfaceProtocol', 16, each),
        driver: driverOf(join(folder, each)),
      }))
      .filter((each) => !Number.isNaN(each.number))
      .sort((a, b) => a.number - b.number),
  };
}

function driverOf(folder: string): string | undefined {
  try {
    return basename(readlinkSync(join(folder, 'driver')));
  } catch {
    return undefined;
  }
}

/** `1-2` before `1-10`. */
function comparePlaces(a: string, b: string): number {
  const [left, right] = [a, b].map((each) => each.split(/[-.]/).map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? -1) - (right[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
