/** USB devices of the machine by product and driver. */

import { listRealUsb } from '../../hal/index.js';
import type { UsbDeviceInfo } from '../../hal/usb/real/sysfs.js';
import { until } from './until.js';

/** The device whose first interface `driver` holds, now. */
export async function lookForUsb(product: string, driver: string): Promise<UsbDeviceInfo | undefined> {
  const { devices } = await listRealUsb();
  return devices.find((each) => each.product === product && each.interfaces[0]?.driver === driver);
}

/** Waits until it is there. */
export async function findUsb(product: string, driver: string): Promise<UsbDeviceInfo> {
  return until(`${product} with the driver ${driver}`, () => lookForUsb(product, driver));
}
