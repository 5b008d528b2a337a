/** USB/IP on the wire: numbers and layouts (Linux, Documentation/usb/usbip_protocol.rst). Everything is big-endian. */

import type { UsbSpeed } from '../usb/usb-port.js';

export const USBIP_VERSION = 0x0111;
export const USBIP_PORT = 3240;

/** Codes of the operations in front of an attachment. */
export const OPERATION = {
  requestImport: 0x8003,
  replyImport: 0x0003,
  requestList: 0x8005,
  replyList: 0x0005,
} as const;

/** `command` of the messages of an attached device. */
export const COMMAND = { submit: 1, unlink: 2, returnSubmit: 3, returnUnlink: 4 } as const;

export const OPERATION_BYTES = 8;
export const BUSID_BYTES = 32;
export const PATH_BYTES = 256;
export const DEVICE_BYTES = 0x138;
/** Every message of an attached device begins with so many bytes. */
export const MESSAGE_BYTES = 48;

/** Places in a message. */
export const FIELD = {
  command: 0x00,
  seqnum: 0x04,
  devid: 0x08,
  direction: 0x0c,
  endpoint: 0x10,
  /** SUBMIT: transfer flags; UNLINK: the seqnum to unlink; returns: status. */
  first: 0x14,
  /** SUBMIT: `transfer_buffer_length`; RET_SUBMIT: `actual_length`. */
  length: 0x18,
  startFrame: 0x1c,
  packets: 0x20,
  /** SUBMIT: interval; RET_SUBMIT: error count. */
  interval: 0x24,
  setup: 0x28,
} as const;

export const DIRECTION_IN = 1;
/** `number_of_packets` of what is not isochronous. */
export const NOT_ISOCHRONOUS = 0xffff_ffff;

/** Status of an operation that was refused. */
export const REFUSED = { failed: 1, busy: 2, noDevice: 4 } as const;

/** No transfer over USB/IP holds more; Linux' drivers ask for 64 KiB to 1 MiB. */
export const MOST_TRANSFER_BYTES = 16 << 20;

const SPEED_CODES: Readonly<Record<UsbSpeed, number>> = { low: 1, full: 2, high: 3, super: 5 };

export function speedCode(speed: UsbSpeed): number {
  return SPEED_CODES[speed];
}

/** Full speed for a code that no table names. */
export function speedOf(code: number): UsbSpeed {
  const found = (Object.keys(SPEED_CODES) as UsbSpeed[]).find((speed) => SPEED_CODES[speed] === code);
  return found ?? 'full';
}

/** What a server says of a device it exports. */
export interface ExportedDevice {
  readonly path: string;
  readonly busid: string;
  readonly bus: number;
  readonly device: number;
  readonly speed: UsbSpeed;
  readonly vendorId: number;
  readonly productId: number;
  readonly version: number;
  readonly deviceClass: number;
  readonly deviceSubclass: number;
  readonly deviceProtocol: number;
  readonly configurationValue: number;
  readonly configurations: number;
  readonly interfaces: readonly { readonly code: number; readonly subclass: number; readonly protocol: number }[];
}

export function writeText(target: Uint8Array, at: number, length: number, text: string): void {
  new TextEncoder().encodeInto(text, target.subarray(at, at + length - 1));
}

/** Up to the first zero byte. */
export function readText(source: Uint8Array, at: number, length: number): string {
  const end = source.indexOf(0, at);
  return new TextDecoder().decode(source.subarray(at, end < 0 || end > at + length ? at + length : end));
}

export function operationHeader(code: number, status: number): Uint8Array {
  const bytes = new Uint8Array(OPERATION_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, USBIP_VERSION);
  view.setUint16(2, code);
  view.setUint32(4, status);
  return bytes;
}

/** The 0x138 bytes of a device; a list's entry has its interfaces behind them. */
export function encodeDevice(device: ExportedDevice): Uint8Array {
  const bytes = new Uint8Array(DEVICE_BYTES);
  const view = new DataView(bytes.buffer);
  writeText(bytes, 0, PATH_BYTES, device.path);
  writeText(bytes, PATH_BYTES, BUSID_BYTES, device.busid);
  view.setUint32(0x120, device.bus);
  view.setUint32(0x124, device.device);
  view.setUint32(0x128, speedCode(device.speed));
  view.setUint16(0x12c, device.vendorId);
  view.setUint16(0x12e, device.productId);
  view.setUint16(0x130, device.version);
  bytes[0x132] = device.deviceClass;
  bytes[0x133] = device.deviceSubclass;
  bytes[0x134] = device.deviceProtocol;
  bytes[0x135] = device.configurationValue;
  bytes[0x136] = device.configurations;
  bytes[0x137] = device.interfaces.length;
  return bytes;
}

/** `interfaces` stays empty: a list has them behind the device, an import does not; `interfaceCount` tells how many. */
export function decodeDevice(bytes: Uint8Array): ExportedDevice & { readonly interfaceCount: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, DEVICE_BYTES);
  return {
    path: readText(bytes, 0, PATH_BYTES),
    busid: readText(bytes, PATH_BYTES, BUSID_BYTES),
    bus: view.getUint32(0x120),
    device: view.getUint32(0x124),
    speed: speedOf(view.getUint32(0x128)),
    vendorId: view.getUint16(0x12c),
    productId: view.getUint16(0x12e),
    version: view.getUint16(0x130),
    deviceClass: bytes[0x132],
    deviceSubclass: bytes[0x133],
    deviceProtocol: bytes[0x134],
    configurationValue: bytes[0x135],
    configurations: bytes[0x136],
    interfaceCount: bytes[0x137],
    interfaces: [],
  };
}
