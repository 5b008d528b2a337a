/** Link type 249: USB packets as USBPcap captures them on Windows (USBPcap, "USBPCAP_BUFFER_PACKET_HEADER"); packed, little-endian. */

import { TRANSFER_TYPE, type TransferType, URB_STATUS } from '../../base/index.js';
import type { PacketView } from './pcapng-reader.js';
import { USB_EVENT, type UsbRecord } from './usb-record.js';

const HEADER_BYTES = 27;
const CONTROL_HEADER_BYTES = 28;
/** Stages of a control transfer in the extra byte. */
const STAGE = { setup: 0, data: 1, status: 2, complete: 3 } as const;
const SETUP_BYTES = 8;

/** `USBD_STATUS` (Windows, usb.h) by ours. */
const STATUSES: ReadonlyMap<number, number> = new Map([
  [0, URB_STATUS.ok],
  [0xc000_0004, URB_STATUS.stall],
  [0xc000_0030, URB_STATUS.stall],
  [0xc000_0008, URB_STATUS.overflow],
  [0xc000_000c, URB_STATUS.overflow],
  [0xc000_0009, URB_STATUS.short],
  [0x8000_0300, URB_STATUS.invalid],
  [0xc000_7000, URB_STATUS.noDevice],
  [0xc001_0000, URB_STATUS.unlinked],
]);

/** Takes `packet` in; false when it is no packet of this kind. Never throws. */
export function decodeUsbPcap(packet: PacketView, record: UsbRecord): boolean {
  const { bytes, offset, length } = packet;
  if (length < HEADER_BYTES) return false;
  const u16 = (at: number): number => bytes[offset + at] | (bytes[offset + at + 1] << 8);
  const u32 = (at: number): number => (u16(at) | (u16(at + 2) << 16)) >>> 0;
  const headerBytes = u16(0);
  const transferType = bytes[offset + 22];
  if (headerBytes < HEADER_BYTES || headerBytes > length || transferType > 3) return false;
  const isControl = transferType === TRANSFER_TYPE.control;
  if (isControl && headerBytes < CONTROL_HEADER_BYTES) return false;
  const isComplete = (bytes[offset + 16] & 1) !== 0;
  record.event = isComplete ? USB_EVENT.complete : USB_EVENT.submit;
  record.id = u32(2) + (u32(6) & 0x1f_ffff) * 0x1_0000_0000;
  record.transferType = transferType as TransferType;
  record.endpointAddress = bytes[offset + 21] & 0x8f;
  record.bus = u16(17);
  record.device = u16(19);
  record.timeNs = packet.timeNs;
  record.status = isComplete ? (STATUSES.get(u32(10)) ?? URB_STATUS.protocol) : URB_STATUS.inProgress;
  record.interval = 0;
  record.flags = 0;
  record.packetId = packet.packetId;
  record.mark = packet.customText;
  record.bytes = bytes;
  record.offset = offset + headerBytes;
  record.length = Math.min(u32(23), length - headerBytes);
  record.dataLength = u32(23);
  record.hasSetup = false;
  record.setup.fill(0);
  record.urbLength = record.dataLength;
  record.hasLength = record.inbound === isComplete;
  return !isControl || decodeControl(bytes[offset + 27], record);
}

/** The setup stage stands in front of the data that go with it. */
function decodeControl(stage: number, record: UsbRecord): boolean {
  if (record.event === USB_EVENT.complete || stage !== STAGE.setup) return stage <= STAGE.complete;
  if (record.length < SETUP_BYTES) return false;
  const { bytes, offset, setup } = record;
  for (let i = 0; i < SETUP_BYTES; i++) setup[i] = bytes[offset + i];
  record.hasSetup = true;
  record.hasLength = true;
  record.endpointAddress = setup[0] & 0x80;
  record.offset += SETUP_BYTES;
  record.length -= SETUP_BYTES;
  record.dataLength = Math.max(0, record.dataLength - SETUP_BYTES);
  record.urbLength = setup[6] | (setup[7] << 8);
  return true;
}
