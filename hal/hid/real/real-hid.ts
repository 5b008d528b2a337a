/** Real HID devices: listed without being touched, chosen so that two never are mixed up, opened in a process of their own. */

import { HalError } from '../../errors.js';
import { lockFolder } from '../../host-process/device-lock.js';
import type { HostProvider } from '../../host-process/host-connection.js';
import { HostProcess, type HostProcessOptions } from '../../host-process/host-process.js';
import { hex4, parseUsbSelector, type UsbSelector } from '../../usb/real/select-usb.js';
import { hidError } from './hid-errors.js';
import { type HidListing, type RealHidInfo, readHidDevices } from './hid-sysfs.js';
import type { HidOpenArguments } from './protocol.js';
import { HID_HOST_MODULE, type HidHost, RealHidDevice } from './real-hid-device.js';

/** What must fit; what is left out fits anything. */
export interface HidSelector extends UsbSelector {
  readonly path?: string | undefined;
  readonly usagePage?: number | undefined;
  readonly usage?: number | undefined;
}

/** Where things are and how much is kept; the defaults fit all but tests. */
export interface RealHidOptions {
  /** The library, or what stands for it: a package's name or a module's URL. */
  readonly nativeModule?: string;
  readonly sysfs?: string;
  readonly dev?: string;
  /** The folder of the locks; every process of the machine has to use the same. */
  readonly locks?: string;
  /** Reports kept while nobody takes them; default 1024. */
  readonly queueLimit?: number;
  /** So long an open that is not permitted is tried again; default 1000 ms. */
  readonly accessRetryMs?: number;
  readonly host?: Partial<Omit<HostProcessOptions, 'where'>>;
  /** What owns the device that is opened; default: a process of its own. */
  readonly hosts?: HostProvider | undefined;
}

/** The devices of this machine, without opening any. Empty, with the reason, where it shows none. */
export async function listRealHid(options: RealHidOptions = {}): Promise<HidListing> {
  if (process.platform === 'linux' || options.sysfs !== undefined) return readHidDevices(options.sysfs, options.dev);
  const host: HidHost = new HostProcess({ module: HID_HOST_MODULE, ...options.host, where: 'the list of HID devices' });
  try {
    const listed = await host.request('list', { nativeModule: options.nativeModule ?? 'node-hid' });
    return {
      devices: listed.flatMap((each) =>
        each.path === undefined ? [] : [{ ...each, path: each.path, portPath: undefined }],
      ),
    };
  } catch (error) {
    throw hidError(error, { where: 'the list of HID devices', vendorId: 0, productId: 0 }, 'list');
  } finally {
    await host.end();
  }
}

/**
 * Finds the one device that fits (`HAL_NOT_FOUND`, `HAL_INVALID` where several do), locks it against other processes
 * (`HAL_IN_USE`, naming the owner) and opens it (`HAL_DENIED` with the udev rule to add, `HAL_UNSUPPORTED` where the
 * library or what it is linked with is missing, `HAL_HOST_PROCESS`). A text is a path like `/dev/hidraw0` or what
 * `parseUsbSelector` reads.
 */
export async function openRealHid(
  selector: HidSelector | string,
  options: RealHidOptions = {},
): Promise<RealHidDevice> {
  const wanted = typeof selector === 'string' ? parseHidSelector(selector) : selector;
  const info = selectHid(await listRealHid(options), wanted);
  const open: HidOpenArguments = {
    path: info.path,
    lockName: `hid-${info.portPath === undefined ? info.path : `${info.portPath}-${info.interface}`}`,
    locks: options.locks ?? lockFolder(),
    nativeModule: options.nativeModule ?? 'node-hid',
    accessRetryMs: options.accessRetryMs ?? 1000,
    queueLimit: options.queueLimit ?? 1024,
  };
  const identity = { where: info.path, vendorId: info.vendorId, productId: info.productId };
  const device = new RealHidDevice({ open, identity, host: options.host ?? {}, hosts: options.hosts });
  await device.open(open);
  return device;
}

/** The one device that fits. Throws `HAL_NOT_FOUND` with what is there, `HAL_INVALID` naming all where several fit. */
export function selectHid(listing: HidListing, selector: HidSelector): RealHidInfo {
  const fitting = listing.devices.filter((device) => fitsHid(device, selector));
  if (fitting.length === 1) return fitting[0];
  const asked = JSON.stringify(selector, (_, value) => (typeof value === 'number' ? `0x${hex4(value)}` : value));
  if (fitting.length === 0)
    throw new HalError('HAL_NOT_FOUND', `there is no HID device that fits ${asked}`, {
      hint:
        listing.devices.length > 0
          ? `The devices are: ${listing.devices.map(describeHid).join('; ')}.`
          : (listing.reason ?? 'No HID device is plugged in.'),
    });
  throw new HalError(
    'HAL_INVALID',
    `${fitting.length} HID devices fit ${asked}: ${fitting.map(describeHid).join('; ')}`,
    { hint: 'Say which one is meant: by its serial number, its interface, its usage or its path.' },
  );
}

/** `10cf:5500 "USB K8055" interface 0, /dev/hidraw0`. */
export function describeHid(device: RealHidInfo): string {
  const title = device.product === undefined ? '' : ` "${device.product}"`;
  const serial = device.serialNumber === undefined ? '' : ` serial ${device.serialNumber}`;
  return `${hex4(device.vendorId)}:${hex4(device.productId)}${title}${serial} interface ${device.interface}, ${device.path}`;
}

function parseHidSelector(text: string): HidSelector {
  return text.startsWith('/') ? { path: text } : parseUsbSelector(text);
}

function fitsHid(device: RealHidInfo, selector: HidSelector): boolean {
  const wanted: readonly (readonly [unknown, unknown])[] = [
    [selector.vendorId, device.vendorId],
    [selector.productId, device.productId],
    [selector.serialNumber, device.serialNumber],
    [selector.path, device.path],
    [selector.portPath, device.portPath],
    [selector.interfaceNumber, device.interface],
    [selector.usagePage, device.usagePage],
    [selector.usage, device.usage],
  ];
  return wanted.every(([asked, is]) => asked === undefined || asked === is);
}
