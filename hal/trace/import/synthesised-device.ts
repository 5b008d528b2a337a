/** Descriptors for devices whose recording does not have them, so that it can be replayed as a USB device all the same. */

import type { UsbDescription, UsbSpeed } from '../../usb/usb-port.js';

/** A HID device as recordings without USB know it. */
export interface HidIdentity {
  readonly vendorId: number;
  readonly productId: number;
  /** Product name, '' when there is none. */
  readonly name: string;
  readonly reportDescriptor: Uint8Array;
}

/** An endpoint of a device of which nothing else is known. */
export interface EndpointIdentity {
  readonly address: number;
  /** As in endpoint descriptors: 0 control, 1 isochronous, 2 bulk, 3 interrupt. */
  readonly attributes: number;
  readonly maxPacketSize: number;
  readonly interval: number;
}

const CLASS = { hid: 3, vendor: 0xff } as const;
const HID_DESCRIPTOR_BYTES = 9;

function word(value: number): [number, number] {
  return [value & 0xff, (value >> 8) & 0xff];
}

/** A device descriptor (USB 2.0, section 9.6.1); strings are numbered 1 manufacturer, 2 product, 3 serial number. */
function deviceDescriptor(vendorId: number, productId: number, strings: ReadonlyMap<number, string>): Uint8Array {
  const index = (number: number): number => (strings.has(number) ? number : 0);
  return Uint8Array.from([
    ...[18, 1, 0x00, 0x02, 0, 0, 0, 64],
    ...[...word(vendorId), ...word(productId), 0x00, 0x01],
    ...[index(1), index(2), index(3), 1],
  ]);
}

function endpointDescriptor({ address, attributes, maxPacketSize, interval }: EndpointIdentity): number[] {
  return [7, 5, address, attributes, ...word(maxPacketSize), interval];
}

/** A configuration of one interface, bus-powered with 100 mA (USB 2.0, sections 9.6.3 to 9.6.6). */
function configuration(
  deviceClass: number,
  classDescriptor: readonly number[],
  endpoints: readonly EndpointIdentity[],
): Uint8Array {
  const body = [
    ...[9, 4, 0, 0, endpoints.length, deviceClass, 0, 0, 0],
    ...classDescriptor,
    ...endpoints.flatMap(endpointDescriptor),
  ];
  return Uint8Array.from([9, 2, ...word(9 + body.length), 1, 1, 0, 0x80, 50, ...body]);
}

/**
 * A full-speed HID device of one interface: 81h interrupt IN and 01h interrupt OUT, each of 64 bytes a millisecond. Its
 * vendor, product and report descriptor are the recording's, everything else is made up.
 */
export function synthesiseHid(hid: HidIdentity): UsbDescription {
  const strings = new Map<number, string>();
  if (hid.name !== '') strings.set(2, hid.name);
  const maxPacketSize = 64;
  const classDescriptor = [HID_DESCRIPTOR_BYTES, 0x21, 0x11, 0x01, 0, 1, 0x22, ...word(hid.reportDescriptor.length)];
  const interval = 1;
  return {
    speed: 'full',
    device: deviceDescriptor(hid.vendorId, hid.productId, strings),
    configurations: [
      configuration(CLASS.hid, classDescriptor, [
        { address: 0x81, attributes: 3, maxPacketSize, interval },
        { address: 0x01, attributes: 3, maxPacketSize, interval },
      ]),
    ],
    strings,
    reports: new Map([[0, hid.reportDescriptor]]),
  };
}

/** A vendor-specific device with the endpoints that were seen in use, and the strings that were read. */
export function synthesiseDevice(
  speed: UsbSpeed,
  strings: ReadonlyMap<number, string>,
  endpoints: readonly EndpointIdentity[],
): UsbDescription {
  return {
    speed,
    device: deviceDescriptor(0, 0, strings),
    configurations: [configuration(CLASS.vendor, [], endpoints)],
    strings,
    reports: new Map(),
  };
}
