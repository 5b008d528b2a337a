/** HID devices of a Linux machine from its sysfs: read without opening any. */

import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { HidDeviceInfo } from '../hid-device.js';

export interface RealHidInfo extends HidDeviceInfo {
  readonly path: string;
  /** Where its USB device is plugged in, `1-1.2`; undefined for another bus. */
  readonly portPath: string | undefined;
}

/** A listing; `reason` says why it is empty where the machine shows no HID devices at all. */
export interface HidListing {
  readonly devices: readonly RealHidInfo[];
  readonly reason?: string;
}

/** Devices in the order of their nodes. Never throws. */
export function readHidDevices(sysfs = '/sys', dev = '/dev'): HidListing {
  const folder = join(sysfs, 'class/hidraw');
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return { devices: [], reason: `${folder} is not there: this machine (or container) shows no HID devices` };
  }
  const devices = names
    .filter((name) => /^hidraw\d+$/.test(name))
    .sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)))
    .map((name) => readDevice(join(folder, name), join(dev, name)))
    .filter((each) => each !== undefined);
  return { devices };
}

function readDevice(node: string, path: string): RealHidInfo | undefined {
  let device: string;
  try {
    device = realpathSync(join(node, 'device'));
  } catch {
    return undefined;
  }
  const uevent = new Map(
    (text(join(device, 'uevent')) ?? '').split('\n').map((line) => {
      const [key, ...rest] = line.split('=');
      return [key, rest.join('=')] as const;
    }),
  );
  // HID_ID=BUS:VENDOR:PRODUCT (Linux, drivers/hid/hid-core.c); its ids have eight digits.
  const ids = /^[0-9A-F]+:([0-9A-F]+):([0-9A-F]+)$/i.exec(uevent.get('HID_ID') ?? '');
  if (ids === null) return undefined;
  const interfaceName = basename(dirname(device));
  const place = /^(\d+-[\d.]+):\d+\.(\d+)$/.exec(interfaceName);
  const usb = dirname(dirname(device));
  const usage = firstUsage(bytes(join(device, 'report_descriptor')));
  return {
    path,
    vendorId: Number.parseInt(ids[1], 16),
    productId: Number.parseInt(ids[2], 16),
    serialNumber: uevent.get('HID_UNIQ') || undefined,
    manufacturer: place === null ? undefined : text(join(usb, 'manufacturer')),
    product: (place === null ? undefined : text(join(usb, 'product'))) ?? (uevent.get('HID_NAME') || undefined),
    release: place === null ? 0 : Number.parseInt(text(join(usb, 'bcdDevice')) ?? '0', 16),
    interface: place === null ? -1 : Number.parseInt(text(join(dirname(device), 'bInterfaceNumber')) ?? place[2], 16),
    portPath: place?.[1],
    ...usage,
  };
}

/** Usage page and usage of the first collection (HID 1.11, section 6.2.2): short items with prefixes 04, 08 and A0. */
export function firstUsage(descriptor: Uint8Array): { usagePage?: number; usage?: number } {
  let usagePage: number | undefined;
  let usage: number | undefined;
  for (let at = 0; at < descriptor.length; ) {
    const prefix = descriptor[at];
    // A long item (6.2.2.3) tells its length in the next byte.
    const size = prefix === 0xfe ? (descriptor[at + 1] ?? 0) + 2 : [0, 1, 2, 4][prefix & 3];
    let value = 0;
    for (let i = Math.min(size, 4); i > 0; i--) value = value * 256 + (descriptor[at + i] ?? 0);
    const item = prefix & 0xfc;
    if (item === 0x04) usagePage = value;
    else if (item === 0x08) usage ??= value;
    else if (item === 0xa0) break;
    at += 1 + size;
  }
  return { ...(usagePage === undefined ? {} : { usagePage }), ...(usage === undefined ? {} : { usage }) };
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}

function bytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    return new Uint8Array(0);
  }
}
