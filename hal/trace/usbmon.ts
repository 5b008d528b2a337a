/** Link types 220 and 189: USB packets with the 64- or 48-byte header of Linux' usbmon (Linux, Documentation/usb/usbmon.rst, "struct usbmon_packet"). */

import { TRANSFER_TYPE, type TransferType, URB_STATUS, type Urb } from '../../base/index.js';
import type { PacketView } from './pcapng-reader.js';
import type { PcapngWriter } from './pcapng-writer.js';
import { USB_EVENT, type UsbEvent, type UsbRecord } from './usb-record.js';

export const USBMON_HEADER_BYTES = 64;
/** Of link type 189, which ends behind the SETUP packet. */
export const USBMON_SHORT_HEADER_BYTES = 48;
const ISO_DESCRIPTOR_BYTES = 16;
/** More descriptors than this are a damaged count. */
const MOST_ISO_DESCRIPTORS = 1024;

/** Values of the setup and data flags. */
const FLAG = { present: 0, absentSetup: 0x2d, absentIn: 0x3c, absentOut: 0x3e } as const;

const EVENTS: Readonly<Record<number, UsbEvent>> = {
  [USB_EVENT.submit.charCodeAt(0)]: USB_EVENT.submit,
  [USB_EVENT.complete.charCodeAt(0)]: USB_EVENT.complete,
  [USB_EVENT.error.charCodeAt(0)]: USB_EVENT.error,
};

const ID_HIGH_MASK = 0x1f_ffff;

/** Takes `packet` in; false when it is no packet of this kind. Never throws. */
export function decodeUsbmon(
  packet: PacketView,
  littleEndian: boolean,
  record: UsbRecord,
  headerBytes: number = USBMON_HEADER_BYTES,
): boolean {
  const { bytes, offset, length } = packet;
  if (length < headerBytes) return false;
  const isLong = headerBytes === USBMON_HEADER_BYTES;
  const u32 = (at: number): number => {
    const i = offset + at;
    return littleEndian
      ? (bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)) >>> 0
      : (bytes[i + 3] | (bytes[i + 2] << 8) | (bytes[i + 1] << 16) | (bytes[i] << 24)) >>> 0;
  };
  const event = EVENTS[bytes[offset + 8]];
  const transferType = bytes[offset + 9];
  if (event === undefined || transferType > 3) return false;
  record.event = event;
  record.id = u32(littleEndian ? 0 : 4) + (u32(littleEndian ? 4 : 0) & ID_HIGH_MASK) * 0x1_0000_0000;
  record.transferType = transferType as TransferType;
  record.endpointAddress = bytes[offset + 10] & 0x8f;
  record.device = bytes[offset + 11];
  record.bus = littleEndian
    ? bytes[offset + 12] | (bytes[offset + 13] << 8)
    : bytes[offset + 13] | (bytes[offset + 12] << 8);
  record.timeNs = packet.timeNs;
  record.status = u32(28) | 0;
  record.urbLength = u32(32);
  record.hasSetup = transferType === 2 && event === USB_EVENT.submit && bytes[offset + 14] === FLAG.present;
  for (let i = 0; i < 8; i++) record.setup[i] = record.hasSetup ? bytes[offset + 40 + i] : 0;
  record.interval = isLong ? u32(48) : 0;
  record.flags = isLong ? u32(56) : 0;
  record.packetId = packet.packetId;
  record.mark = packet.customText;
  const isoDescriptors = isLong && transferType === TRANSFER_TYPE.isochronous ? u32(60) : 0;
  if (isoDescriptors > MOST_ISO_DESCRIPTORS) return false;
  decodeData(packet, u32(36), headerBytes + isoDescriptors * ISO_DESCRIPTOR_BYTES, record);
  return true;
}

/** `head`: bytes in front of the data. */
function decodeData(packet: PacketView, captured: number, head: number, record: UsbRecord): void {
  const { bytes, offset, length } = packet;
  const carries = record.inbound ? record.event === USB_EVENT.complete : record.event === USB_EVENT.submit;
  // Another flag than these says why the kernel could not look at the data: they crossed the wire nevertheless.
  const isPresent = bytes[offset + 15] === FLAG.present;
  const isIsochronous = record.transferType === TRANSFER_TYPE.isochronous;
  record.hasLength = true;
  record.bytes = bytes;
  record.offset = offset + Math.min(head, length);
  record.length = isPresent ? Math.max(0, Math.min(captured, length - head)) : 0;
  // Packets of an isochronous transfer lie apart in its buffer, so what was captured is longer than what crossed.
  if (isIsochronous) record.dataLength = isPresent ? captured : 0;
  else record.dataLength = carries ? Math.max(record.urbLength, record.length) : record.length;
}

/** Where a device is, as usbmon numbers it. */
export interface UsbPlace {
  readonly bus: number;
  readonly device: number;
}

/**
 * Writes header and data of one event of `urb` as the payload of the packet at hand; answers how many data bytes. Data
 * beyond `mostBytes` are left out, and the header says so.
 */
export function writeUsbmon(
  writer: PcapngWriter,
  event: UsbEvent,
  urb: Urb,
  place: UsbPlace,
  seconds: number,
  microseconds: number,
  mostBytes: number,
): number {
  const isSubmit = event === USB_EVENT.submit;
  const length = isSubmit ? urb.length : urb.actualLength;
  const carries = isSubmit !== urb.inbound;
  const captured = carries ? Math.min(length, mostBytes) : 0;
  const hasSetup = isSubmit && urb.transferType === 2;
  u64(writer, urb.id);
  writer.byte(event.charCodeAt(0));
  writer.byte(urb.transferType);
  writer.byte(urb.endpointAddress);
  writer.byte(place.device);
  writer.byte(place.bus);
  writer.byte(place.bus >> 8);
  writer.byte(hasSetup ? FLAG.present : FLAG.absentSetup);
  writer.byte(carries ? FLAG.present : urb.inbound ? FLAG.absentIn : FLAG.absentOut);
  u64(writer, seconds);
  u32(writer, microseconds);
  u32(writer, isSubmit ? URB_STATUS.inProgress : urb.status);
  u32(writer, length);
  u32(writer, captured);
  for (let i = 0; i < 8; i++) writer.byte(hasSetup ? urb.setup[i] : 0);
  u32(writer, urb.interval);
  u32(writer, 0);
  u32(writer, urb.flags);
  u32(writer, 0);
  if (captured > 0) writer.bytes(urb.data, 0, captured);
  return captured;
}

function u32(writer: PcapngWriter, value: number): void {
  writer.byte(value);
  writer.byte(value >>> 8);
  writer.byte(value >>> 16);
  writer.byte(value >>> 24);
}

function u64(writer: PcapngWriter, value: number): void {
  u32(writer, value >>> 0);
  u32(writer, Math.floor(value / 0x1_0000_0000));
}
