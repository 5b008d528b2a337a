/** USB devices of this machine, without opening any: what a person needs to name one and to be allowed to use it. */

import {
  describeUsb,
  hex4,
  hidUdevRule,
  listRealHid,
  listRealUsb,
  loadProfile,
  type UsbDeviceInfo,
  usbUdevRule,
} from '../../hal/index.js';
import { listProfiles, PROFILES_DIR } from '../paths.js';
import type { UsbDevices } from '../run/services.js';

export async function usbDevices(): Promise<UsbDevices> {
  const { devices, reason } = await listRealUsb();
  const hid = (await listRealHid()).devices;
  return {
    devices: devices.map((device) => ({
      name: `usb:${device.portPath}`,
      title: describeUsb(device),
      profile: profileOf(device),
      node: `/dev/bus/usb/${digits(device.busNumber)}/${digits(device.deviceAddress)}`,
      rule: usbUdevRule(device.vendorId, device.productId),
      hid: hid
        .filter(({ portPath }) => portPath === device.portPath)
        .map(({ path, vendorId, productId }) => ({ node: path, rule: hidUdevRule(vendorId, productId) })),
    })),
    ...(reason === undefined ? {} : { reason }),
  };
}

function digits(number: number): string {
  return String(number).padStart(3, '0');
}

function profileOf({ vendorId, productId }: UsbDeviceInfo): string | undefined {
  return listProfiles().find((name) => {
    const { identification } = loadProfile(name, [PROFILES_DIR]);
    return identification.match.some(
      ({ ID_VENDOR_ID, ID_MODEL_ID }) => ID_VENDOR_ID === hex4(vendorId) && ID_MODEL_ID === hex4(productId),
    );
  });
}
