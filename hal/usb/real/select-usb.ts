/** Which device is meant: chosen by what the machine shows of it, and refused where two fit. */

import { HalError } from '../../errors.js';
import type { ProfileMatch } from '../../profile/profile-schema.js';
import type { UsbDeviceInfo, UsbListing } from './sysfs.js';

/** What must fit; what is left out fits anything. */
export interface UsbSelector {
  readonly vendorId?: number | undefined;
  readonly productId?: number | undefined;
  readonly serialNumber?: string | undefined;
  /** Where it is plugged in, as the kernel names it: `1-1.2`. */
  readonly portPath?: string | undefined;
  /** An interface that the device's active configuration must have. */
  readonly interfaceNumber?: number | undefined;
}

/** `10cf:5500`, `10cf:5500:SERIAL` or a place like `1-1.2`. Throws `HAL_INVALID`. */
export function parseUsbSelector(text: string): UsbSelector {
  const ids = /^([0-9a-f]{4}):([0-9a-f]{4})(?::(.+))?$/i.exec(text);
  if (ids !== null)
    return {
      vendorId: Number.parseInt(ids[1], 16),
      productId: Number.parseInt(ids[2], 16),
      ...(ids[3] === undefined ? {} : { serialNumber: ids[3] }),
    };
  if (/^\d+-\d+(\.\d+)*$/.test(text)) return { portPath: text };
  throw new HalError('HAL_INVALID', `"${text}" names no USB device`, {
    hint: 'Give vendor and product like 10cf:5500, with the serial number behind another colon, or a place like 1-1.2.',
  });
}

/** The device meant by a profile's `identification.match` entry; undefined for one that names no USB device. */
export function usbSelectorOf(match: ProfileMatch): UsbSelector | undefined {
  const { ID_VENDOR_ID, ID_MODEL_ID, ID_SERIAL_SHORT, ID_PATH, ID_USB_INTERFACE_NUM } = match;
  const place = ID_PATH === undefined ? undefined : /-usb-\d+:([0-9.]+)/.exec(ID_PATH)?.[1];
  if (ID_VENDOR_ID === undefined && ID_MODEL_ID === undefined && ID_SERIAL_SHORT === undefined && place === undefined)
    return undefined;
  return {
    vendorId: ID_VENDOR_ID === undefined ? undefined : Number.parseInt(ID_VENDOR_ID, 16),
    productId: ID_MODEL_ID === undefined ? undefined : Number.parseInt(ID_MODEL_ID, 16),
    serialNumber: ID_SERIAL_SHORT,
    // udev names the controller, not the number of its bus, which changes from start to start.
    portPath: place === undefined ? undefined : `*-${place}`,
    interfaceNumber: ID_USB_INTERFACE_NUM === undefined ? undefined : Number.parseInt(ID_USB_INTERFACE_NUM, 16),
  };
}

/** Whether `device` is what `selector` asks for. */
export function fitsUsb(device: UsbDeviceInfo, selector: UsbSelector): boolean {
  const { vendorId, productId, serialNumber, portPath, interfaceNumber } = selector;
  return (
    (vendorId === undefined || vendorId === device.vendorId) &&
    (productId === undefined || productId === device.productId) &&
    (serialNumber === undefined || serialNumber === device.serialNumber) &&
    (portPath === undefined || fitsPlace(device.portPath, portPath)) &&
    (interfaceNumber === undefined || device.interfaces.some(({ number }) => number === interfaceNumber))
  );
}

function fitsPlace(place: string, wanted: string): boolean {
  return wanted.startsWith('*-') ? place.slice(place.indexOf('-') + 1) === wanted.slice(2) : place === wanted;
}

/** The one device that fits. Throws `HAL_NOT_FOUND` with what is there, `HAL_INVALID` naming all where several fit. */
export function selectUsb(listing: UsbListing, selector: UsbSelector): UsbDeviceInfo {
  const fitting = listing.devices.filter((device) => fitsUsb(device, selector));
  if (fitting.length === 1) return fitting[0];
  if (fitting.length === 0)
    throw new HalError('HAL_NOT_FOUND', `there is no USB device ${describeUsbSelector(selector)}`, {
      hint:
        listing.devices.length > 0
          ? `The devices are: ${listing.devices.map(describeUsb).join('; ')}.`
          : (listing.reason ?? 'No USB device is plugged in.'),
    });
  throw new HalError(
    'HAL_INVALID',
    `${fitting.length} USB devices fit ${describeUsbSelector(selector)}: ${fitting.map(describeUsb).join('; ')}`,
    { hint: 'Say which one is meant: by its serial number or by its place.' },
  );
}

/** `10cf:5500 "USB K8055" serial 42 at 1-1.2`. */
export function describeUsb(device: UsbDeviceInfo): string {
  const { vendorId, productId, product, serialNumber, portPath } = device;
  const title = product === undefined ? '' : ` "${product}"`;
  const serial = serialNumber === undefined ? '' : ` serial ${serialNumber}`;
  return `${hex4(vendorId)}:${hex4(productId)}${title}${serial} at ${portPath}`;
}

export function describeUsbSelector(selector: UsbSelector): string {
  const { vendorId, productId, serialNumber, portPath, interfaceNumber } = selector;
  const ids =
    vendorId === undefined && productId === undefined
      ? ''
      : `${vendorId === undefined ? '*' : hex4(vendorId)}:${productId === undefined ? '*' : hex4(productId)}`;
  return [
    ids,
    serialNumber === undefined ? '' : `with serial number ${serialNumber}`,
    portPath === undefined ? '' : `at ${portPath}`,
    interfaceNumber === undefined ? '' : `with interface ${interfaceNumber}`,
  ]
    .filter((part) => part !== '')
    .join(' ');
}

/** Four hexadecimal digits, as udev writes ids. */
export function hex4(id: number): string {
  return id.toString(16).padStart(4, '0');
}
