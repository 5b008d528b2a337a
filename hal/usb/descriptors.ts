/** Descriptors read into a typed topology, whatever they hold (USB 2.0, section 9.6). */

import { ENDPOINT_IN, TRANSFER_TYPE, type TransferType } from '../../base/index.js';
import { HalError } from '../errors.js';

/** `bDescriptorType` (USB 2.0, table 9-5; interface association: its ECN; HID 1.11, section 7.1). */
export const DESCRIPTOR = {
  device: 1,
  configuration: 2,
  string: 3,
  interface: 4,
  endpoint: 5,
  deviceQualifier: 6,
  otherSpeedConfiguration: 7,
  interfaceAssociation: 11,
  hid: 0x21,
  hidReport: 0x22,
} as const;

export const DEVICE_DESCRIPTOR_BYTES = 18;
/** `wTotalLength` is 16 bits wide. */
const MOST_CONFIGURATION_BYTES = 0xffff;

/** The device descriptor's fields (USB 2.0, table 9-8). */
export interface DeviceDescriptor {
  readonly bcdUSB: number;
  readonly bDeviceClass: number;
  readonly bDeviceSubClass: number;
  readonly bDeviceProtocol: number;
  readonly bMaxPacketSize0: number;
  readonly idVendor: number;
  readonly idProduct: number;
  readonly bcdDevice: number;
  readonly iManufacturer: number;
  readonly iProduct: number;
  readonly iSerialNumber: number;
  readonly bNumConfigurations: number;
}

export interface UsbEndpoint {
  /** With `ENDPOINT_IN`. */
  readonly address: number;
  readonly transferType: TransferType;
  /** `wMaxPacketSize` without its high-bandwidth bits. */
  readonly maxPacketBytes: number;
  /** `bInterval` as it stands. */
  readonly interval: number;
  /** Class-specific descriptors behind it. */
  readonly extra: readonly Uint8Array[];
}

export interface UsbAlternate {
  readonly interfaceNumber: number;
  readonly alternateSetting: number;
  readonly interfaceClass: number;
  readonly interfaceSubclass: number;
  readonly interfaceProtocol: number;
  /** String index of its name, 0 for none. */
  readonly nameIndex: number;
  readonly endpoints: readonly UsbEndpoint[];
  /** Class-specific descriptors between it and its first endpoint. */
  readonly extra: readonly Uint8Array[];
}

export interface UsbInterface {
  readonly number: number;
  /** In order of appearance; alternate setting 0 need not be the first. */
  readonly alternates: readonly UsbAlternate[];
}

export interface UsbConfiguration {
  readonly value: number;
  readonly nameIndex: number;
  readonly attributes: number;
  /** `bMaxPower` as it stands: in units of 2 mA below super speed. */
  readonly maxPower: number;
  readonly interfaces: readonly UsbInterface[];
  /** Descriptors in front of the first interface: interface associations. */
  readonly extra: readonly Uint8Array[];
}

function invalid(what: string, why: string): HalError {
  return new HalError('HAL_INVALID', `the ${what} descriptor ${why}`, { where: `${what} descriptor` });
}

/** Throws `HAL_INVALID` for what is no device descriptor. */
export function parseDevice(bytes: Uint8Array): DeviceDescriptor {
  if (bytes.length < DEVICE_DESCRIPTOR_BYTES || bytes[0] < DEVICE_DESCRIPTOR_BYTES)
    throw invalid('device', `has ${bytes.length} bytes where ${DEVICE_DESCRIPTOR_BYTES} are needed`);
  if (bytes[1] !== DESCRIPTOR.device) throw invalid('device', `is of type ${bytes[1]}`);
  const u16 = (at: number): number => bytes[at] | (bytes[at + 1] << 8);
  return {
    bcdUSB: u16(2),
    bDeviceClass: bytes[4],
    bDeviceSubClass: bytes[5],
    bDeviceProtocol: bytes[6],
    bMaxPacketSize0: bytes[7],
    idVendor: u16(8),
    idProduct: u16(10),
    bcdDevice: u16(12),
    iManufacturer: bytes[14],
    iProduct: bytes[15],
    iSerialNumber: bytes[16],
    bNumConfigurations: bytes[17],
  };
}

interface Drafts {
  readonly alternates: (UsbAlternate & { endpoints: UsbEndpoint[]; extra: Uint8Array[] })[];
  readonly extra: Uint8Array[];
}

/** Throws `HAL_INVALID` for what is no configuration descriptor with the descriptors that belong to it. */
export function parseConfiguration(bytes: Uint8Array): UsbConfiguration {
  if (bytes.length < 9 || bytes[0] < 9 || bytes[1] !== DESCRIPTOR.configuration)
    throw invalid('configuration', `begins with ${bytes[0] ?? 'no'} bytes of type ${bytes[1] ?? 'none'}`);
  const total = Math.min(bytes[2] | (bytes[3] << 8), MOST_CONFIGURATION_BYTES);
  if (total > bytes.length || total < bytes[0])
    throw invalid('configuration', `says it has ${total} bytes and has ${bytes.length}`);
  const drafts: Drafts = { alternates: [], extra: [] };
  for (let at = bytes[0]; at < total; at += bytes[at]) {
    const length = bytes[at];
    if (length < 2 || at + length > total)
      throw invalid('configuration', `holds a descriptor of ${length} bytes at byte ${at} of ${total}`);
    take(bytes.subarray(at, at + length), drafts);
  }
  return {
    value: bytes[5],
    nameIndex: bytes[6],
    attributes: bytes[7],
    maxPower: bytes[8],
    interfaces: grouped(drafts.alternates),
    extra: drafts.extra,
  };
}

function take(descriptor: Uint8Array, { alternates, extra }: Drafts): void {
  const last = alternates.at(-1);
  const type = descriptor[1];
  if (type === DESCRIPTOR.interface && descriptor.length >= 9) {
    alternates.push({
      interfaceNumber: descriptor[2],
      alternateSetting: descriptor[3],
      interfaceClass: descriptor[5],
      interfaceSubclass: descriptor[6],
      interfaceProtocol: descriptor[7],
      nameIndex: descriptor[8],
      endpoints: [],
      extra: [],
    });
  } else if (type === DESCRIPTOR.endpoint && descriptor.length >= 7 && last !== undefined) {
    last.endpoints.push({
      address: descriptor[2] & 0x8f,
      transferType: ENDPOINT_TYPES[descriptor[3] & 3],
      maxPacketBytes: (descriptor[4] | (descriptor[5] << 8)) & 0x7ff,
      interval: descriptor[6],
      extra: [],
    });
  } else if (last === undefined) {
    extra.push(descriptor);
  } else {
    const endpoint = last.endpoints.at(-1);
    (endpoint === undefined ? last.extra : (endpoint.extra as Uint8Array[])).push(descriptor);
  }
}

/** By bits 0 and 1 of `bmAttributes` (USB 2.0, table 9-13). */
const ENDPOINT_TYPES: readonly TransferType[] = [
  TRANSFER_TYPE.control,
  TRANSFER_TYPE.isochronous,
  TRANSFER_TYPE.bulk,
  TRANSFER_TYPE.interrupt,
];

/** `bmAttributes` of a transfer type. */
export function endpointAttributes(type: TransferType): number {
  return ENDPOINT_TYPES.indexOf(type);
}

function grouped(alternates: readonly UsbAlternate[]): UsbInterface[] {
  const byNumber = new Map<number, UsbAlternate[]>();
  for (const alternate of alternates) {
    const settings = byNumber.get(alternate.interfaceNumber);
    if (settings === undefined) byNumber.set(alternate.interfaceNumber, [alternate]);
    else settings.push(alternate);
  }
  return [...byNumber].map(([number, settings]) => ({ number, alternates: settings }));
}

/** Place of an endpoint in a table of 32: OUT 0..15, IN 16..31. */
export function endpointIndex(address: number): number {
  return (address & 0x0f) | ((address & ENDPOINT_IN) >> 3);
}
