/** Builds what a device says of itself from plain data, so that a simulator's descriptors are a table and not bytes. */

import type { TransferType } from '../../base/index.js';
import { DESCRIPTOR, DEVICE_DESCRIPTOR_BYTES, endpointAttributes } from './descriptors.js';
import type { UsbDescription, UsbSpeed } from './usb-port.js';

export interface EndpointData {
  /** With `ENDPOINT_IN`. */
  readonly address: number;
  readonly type: TransferType;
  readonly maxPacketBytes: number;
  /** `bInterval`; 0 when absent. */
  readonly interval?: number;
  /** Class-specific descriptors behind it, whole. */
  readonly extra?: readonly Uint8Array[];
}

export interface InterfaceData {
  readonly number: number;
  readonly alternateSetting?: number;
  readonly interfaceClass: number;
  readonly interfaceSubclass?: number;
  readonly interfaceProtocol?: number;
  readonly endpoints: readonly EndpointData[];
  /** Class-specific descriptors in front of its endpoints, whole. */
  readonly extra?: readonly Uint8Array[];
  /** Descriptors in front of it (interface association), whole. */
  readonly before?: readonly Uint8Array[];
  /** HID report descriptor; its length goes into a HID descriptor that is made for it (HID 1.11, section 6.2.1). */
  readonly report?: Uint8Array;
}

export interface DeviceData {
  readonly speed: UsbSpeed;
  readonly vendorId: number;
  readonly productId: number;
  /** `bcdDevice`; 0x0100 when absent. */
  readonly version?: number;
  /** `bcdUSB`; 0x0200 when absent. */
  readonly usbVersion?: number;
  readonly deviceClass?: number;
  readonly deviceSubclass?: number;
  readonly deviceProtocol?: number;
  /** Endpoint 0's packets; 8 at low, 64 at other speeds when absent. */
  readonly maxPacketBytes0?: number;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly serialNumber?: string;
  /** The only configuration, value 1. */
  readonly interfaces: readonly InterfaceData[];
  /** 100 mA when absent. */
  readonly maxPowerMa?: number;
}

/** The description of a device with one configuration. */
export function describeDevice(data: DeviceData): UsbDescription {
  const strings = new Map<number, string>();
  const index = (text: string | undefined): number => {
    if (text === undefined) return 0;
    strings.set(strings.size + 1, text);
    return strings.size;
  };
  const reports = new Map<number, Uint8Array>();
  for (const { number, report } of data.interfaces) if (report !== undefined) reports.set(number, report);
  return {
    speed: data.speed,
    device: deviceBytes(data, index),
    configurations: [configurationBytes(data)],
    strings,
    reports,
  };
}

function deviceBytes(data: DeviceData, index: (text: string | undefined) => number): Uint8Array {
  const packet0 = data.maxPacketBytes0 ?? (data.speed === 'low' ? 8 : 64);
  return Uint8Array.of(
    DEVICE_DESCRIPTOR_BYTES,
    DESCRIPTOR.device,
    ...u16(data.usbVersion ?? 0x0200),
    data.deviceClass ?? 0,
    data.deviceSubclass ?? 0,
    data.deviceProtocol ?? 0,
    packet0,
    ...u16(data.vendorId),
    ...u16(data.productId),
    ...u16(data.version ?? 0x0100),
    index(data.manufacturer),
    index(data.product),
    index(data.serialNumber),
    1,
  );
}

function configurationBytes({ interfaces, maxPowerMa = 100 }: DeviceData): Uint8Array {
  const body = interfaces.flatMap((data) => [
    ...flat(data.before ?? []),
    9,
    DESCRIPTOR.interface,
    data.number,
    data.alternateSetting ?? 0,
    data.endpoints.length,
    data.interfaceClass,
    data.interfaceSubclass ?? 0,
    data.interfaceProtocol ?? 0,
    0,
    ...(data.report === undefined ? [] : hidDescriptor(data.report.length)),
    ...flat(data.extra ?? []),
    ...data.endpoints.flatMap((endpoint) => [
      7,
      DESCRIPTOR.endpoint,
      endpoint.address,
      endpointAttributes(endpoint.type),
      ...u16(endpoint.maxPacketBytes),
      endpoint.interval ?? 0,
      ...flat(endpoint.extra ?? []),
    ]),
  ]);
  const numbers = new Set(interfaces.map(({ number }) => number));
  const head = [9, DESCRIPTOR.configuration, ...u16(9 + body.length), numbers.size, 1, 0, 0x80, maxPowerMa >> 1];
  return Uint8Array.from([...head, ...body]);
}

/** HID 1.11, country 0, one report descriptor. */
function hidDescriptor(reportBytes: number): number[] {
  return [9, DESCRIPTOR.hid, ...u16(0x0111), 0, 1, DESCRIPTOR.hidReport, ...u16(reportBytes)];
}

function u16(value: number): [number, number] {
  return [value & 0xff, value >> 8];
}

function flat(parts: readonly Uint8Array[]): number[] {
  return parts.flatMap((part) => [...part]);
}

const LANGUAGE_ENGLISH_US = 0x0409;

/** String descriptor `index` as it crosses the wire, undefined when there is none; 0 lists the languages (USB 2.0, section 9.6.7). */
export function stringDescriptor(strings: ReadonlyMap<number, string>, index: number): Uint8Array | undefined {
  if (index === 0)
    return strings.size === 0 ? undefined : Uint8Array.of(4, DESCRIPTOR.string, ...u16(LANGUAGE_ENGLISH_US));
  const text = strings.get(index);
  if (text === undefined) return undefined;
  const units = Array.from({ length: Math.min(text.length, 126) }, (_, i) => text.charCodeAt(i));
  return Uint8Array.of(2 + 2 * units.length, DESCRIPTOR.string, ...units.flatMap(u16));
}

/** Text of a string descriptor; empty for what is none. */
export function stringText(descriptor: Uint8Array): string {
  if (descriptor.length < 2 || descriptor[1] !== DESCRIPTOR.string) return '';
  const end = Math.min(descriptor[0], descriptor.length);
  let text = '';
  for (let at = 2; at + 1 < end; at += 2) text += String.fromCharCode(descriptor[at] | (descriptor[at + 1] << 8));
  return text;
}
