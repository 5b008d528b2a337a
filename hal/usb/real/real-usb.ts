/** Real USB devices: listed without being touched, chosen so that two never are mixed up, opened in a process of their own. */

import { lockFolder } from '../../host-process/device-lock.js';
import type { HostProvider } from '../../host-process/host-connection.js';
import { HostProcess, type HostProcessOptions } from '../../host-process/host-process.js';
import type { UsbSpeed } from '../usb-port.js';
import type { UsbOpenArguments } from './protocol.js';
import { RealUsbDevice, USB_HOST_MODULE, type UsbHost } from './real-device.js';
import { parseUsbSelector, selectUsb, type UsbSelector } from './select-usb.js';
import { readUsbDevices, type UsbDeviceInfo, type UsbListing } from './sysfs.js';
import { usbError } from './usb-errors.js';

/** Where things are; the defaults fit all but tests. */
export interface RealUsbOptions {
  /** The library, or what stands for it: a package's name or a module's URL. */
  readonly nativeModule?: string;
  readonly sysfs?: string;
  /** The folder of the locks; every process of the machine has to use the same. */
  readonly locks?: string;
  /** How long a control transfer may take; default 5000 (as Linux' USB_CTRL_GET_TIMEOUT). */
  readonly controlTimeoutMs?: number;
  readonly host?: Partial<Omit<HostProcessOptions, 'where'>>;
  /** What owns the device that is opened; default: a process of its own. */
  readonly hosts?: HostProvider | undefined;
}

/** The devices of this machine, without opening any. Empty, with the reason, where it shows no USB. */
export async function listRealUsb(options: RealUsbOptions = {}): Promise<UsbListing> {
  if (process.platform === 'linux' || options.sysfs !== undefined) return readUsbDevices(options.sysfs);
  return listByLibrary(options);
}

/**
 * Finds the one device that fits (`HAL_NOT_FOUND`, `HAL_INVALID` where several do), locks it against other processes
 * (`HAL_IN_USE`, naming the owner) and opens it (`HAL_DENIED` with the udev rule to add, `HAL_HOST_PROCESS`). Nothing is
 * left running when it rejects. A text is read by `parseUsbSelector`.
 */
export async function openRealUsb(
  selector: UsbSelector | string,
  options: RealUsbOptions = {},
): Promise<RealUsbDevice> {
  const wanted = typeof selector === 'string' ? parseUsbSelector(selector) : selector;
  const device = realUsbDevice(selectUsb(await listRealUsb(options), wanted), options);
  await device.open();
  return device;
}

/** The device of a listing, not opened yet. */
export function realUsbDevice(info: UsbDeviceInfo, options: RealUsbOptions = {}): RealUsbDevice {
  const open: UsbOpenArguments = {
    portPath: info.portPath,
    busNumber: info.busNumber,
    deviceAddress: info.deviceAddress,
    vendorId: info.vendorId,
    productId: info.productId,
    nativeModule: options.nativeModule ?? 'usb',
    sysfs: options.sysfs ?? '/sys',
    locks: options.locks ?? lockFolder(),
  };
  const { host = {}, hosts, controlTimeoutMs } = options;
  return new RealUsbDevice({ open, host, hosts, controlTimeoutMs });
}

/** The library opens devices to read their names; systems without sysfs offer nothing gentler. */
async function listByLibrary(options: RealUsbOptions): Promise<UsbListing> {
  const host: UsbHost = new HostProcess({
    module: USB_HOST_MODULE,
    ...options.host,
    where: 'the list of USB devices',
  });
  try {
    const listed = await host.request('list', { nativeModule: options.nativeModule ?? 'usb' });
    return {
      devices: listed.map((each) => ({
        portPath: `${each.busNumber}-${each.ports.join('.')}`,
        busNumber: each.busNumber,
        deviceAddress: each.deviceAddress,
        vendorId: each.vendorId,
        productId: each.productId,
        manufacturer: each.manufacturerName ?? undefined,
        product: each.productName ?? undefined,
        serialNumber: each.serialNumber ?? undefined,
        speed: speedOf(each.speed),
        configurationValue: undefined,
        interfaces: [],
      })),
    };
  } catch (error) {
    throw usbError(error, { where: 'the list of USB devices', vendorId: 0, productId: 0 }, 'list');
  } finally {
    await host.end();
  }
}

function speedOf(speed: string | undefined): UsbSpeed | undefined {
  const lower = speed?.toLowerCase();
  if (lower === 'superplus') return 'super';
  return (['low', 'full', 'high', 'super'] as const).find((each) => each === lower);
}
