/** Numbers of the Velleman K8055 (rm-hull/k8055, libk8055.c; Linux, drivers/comedi/drivers/vmk80xx.c). */

import { TRANSFER_TYPE } from '../../../base/index.js';
import { describeDevice } from '../../usb/describe.js';
import type { UsbDescription } from '../../usb/usb-port.js';

export const K8055_VENDOR_ID = 0x10cf;
/** Plus the address that two jumpers set, 0..3. */
export const K8055_PRODUCT_ID = 0x5500;
export const INPUT_ENDPOINT = 0x81;
export const OUTPUT_ENDPOINT = 0x01;
export const REPORT_BYTES = 8;
const POLLING_MS = 10;

/** Byte 0 of an output report. */
export const COMMAND = {
  reset: 0,
  setDebounce1: 1,
  setDebounce2: 2,
  resetCounter1: 3,
  resetCounter2: 4,
  setOutputs: 5,
} as const;

/** Places in an output report. */
export const OUTPUT = { command: 0, digital: 1, dac1: 2, dac2: 3, debounce1: 6, debounce2: 7 } as const;

/** Bits of input byte 0 by digital input, I1 first. */
export const DIGITAL_BITS = [0x10, 0x20, 0x01, 0x40, 0x80] as const;

/** A debounce byte counts in this way: milliseconds = 0.115 · byte². */
export function debounceNs(byte: number): number {
  return Math.round(115_000 * byte * byte);
}

/** HID 1.11: eight bytes in and eight out, of a usage page of the vendor's, without report ids. */
const REPORT_DESCRIPTOR = Uint8Array.of(
  ...[0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01],
  ...[0x19, 0x01, 0x29, 0x08, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x08, 0x81, 0x02],
  ...[0x19, 0x01, 0x29, 0x08, 0x91, 0x02],
  0xc0,
);

export function describeK8055(address: number): UsbDescription {
  const endpoint = { type: TRANSFER_TYPE.interrupt, maxPacketBytes: REPORT_BYTES, interval: POLLING_MS };
  return describeDevice({
    speed: 'low',
    vendorId: K8055_VENDOR_ID,
    productId: K8055_PRODUCT_ID + address,
    version: 0x0000,
    usbVersion: 0x0110,
    manufacturer: 'Velleman',
    product: 'USB K8055',
    interfaces: [
      {
        number: 0,
        interfaceClass: 3,
        report: REPORT_DESCRIPTOR,
        endpoints: [
          { address: INPUT_ENDPOINT, ...endpoint },
          { address: OUTPUT_ENDPOINT, ...endpoint },
        ],
      },
    ],
  });
}
