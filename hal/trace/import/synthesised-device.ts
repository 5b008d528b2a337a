/** Descriptions of devices whose recording does not have them, so that it can be replayed as a USB device all the same. */

import { TRANSFER_TYPE, type TransferType } from '../../../base/index.js';
import { describeDevice, type EndpointData } from '../../usb/describe.js';
import type { UsbDescription, UsbSpeed } from '../../usb/usb-port.js';

/** A HID device as recordings without USB know it. */
export interface HidIdentity {
  readonly vendorId: number;
  readonly productId: number;
  /** Product name, '' when there is none. */
  readonly name: string;
  readonly reportDescriptor: Uint8Array;
}

const CLASS = { hid: 3, vendor: 0xff } as const;
/** Where devices usually have their strings: manufacturer, product, serial number. */
const USUAL_STRINGS = [14, 15, 16] as const;

/**
 * A full-speed HID device of one interface: 81h interrupt IN and 01h interrupt OUT, each of 64 bytes a millisecond. Its
 * vendor, product and report descriptor are the recording's, everything else is made up.
 */
export function synthesiseHid({ vendorId, productId, name, reportDescriptor }: HidIdentity): UsbDescription {
  const endpoint = (address: number): EndpointData => ({
    address,
    type: TRANSFER_TYPE.interrupt,
    maxPacketBytes: 64,
    interval: 1,
  });
  return describeDevice({
    speed: 'full',
    vendorId,
    productId,
    ...(name === '' ? {} : { product: name }),
    interfaces: [
      {
        number: 0,
        interfaceClass: CLASS.hid,
        endpoints: [endpoint(0x81), endpoint(0x01)],
        report: reportDescriptor,
      },
    ],
  });
}

/** An endpoint of a device of which nothing else is known. */
export interface SeenEndpoint {
  readonly type: TransferType;
  readonly maxPacketSize: number;
  readonly interval: number;
}

/**
 * A vendor-specific device (vendor and product 0) with the endpoints that were seen in use, and the strings that were read
 * under their numbers; strings 1 to 3 are taken for manufacturer, product and serial number.
 */
export function synthesiseDevice(
  speed: UsbSpeed,
  strings: ReadonlyMap<number, string>,
  endpoints: ReadonlyMap<number, SeenEndpoint>,
): UsbDescription {
  const description = describeDevice({
    speed,
    vendorId: 0,
    productId: 0,
    interfaces: [
      {
        number: 0,
        interfaceClass: CLASS.vendor,
        endpoints: [...endpoints].map(([address, { type, maxPacketSize, interval }]) => ({
          address,
          type,
          maxPacketBytes: maxPacketSize,
          interval: type === TRANSFER_TYPE.interrupt ? Math.max(1, interval) : interval,
        })),
      },
    ],
  });
  const device = description.device.slice();
  for (const [i, at] of USUAL_STRINGS.entries()) if (strings.has(i + 1)) device[at] = i + 1;
  return { ...description, device, strings };
}
