/** USB devices of this machine, without opening any: what a person needs to name one and to be allowed to use it. */

import { describeUsb, hex4, listRealUsb, loadProfile, type UsbDeviceInfo } from '../../hal/index.js';
import { listProfiles, PROFILES_DIR } from '../paths.js';
import type { UsbDevices } from '../run/services.js';

export async function usbDevices(): Promise<UsbDevices> {
  const { devices, reason } = await listRealUsb();
  return {
    devices: devices.map((device) => ({
      name: `usb:${device.portPath}`,
      title: describeUsb(device),
      profile: profileOf(device),
      node: `/dev/bus/usb/${digits(device.busNumber)}/${digits(device.deviceAddress)}`,
      vendorId: hex4(device.vendorId),
      productId: hex4(device.productId),
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
