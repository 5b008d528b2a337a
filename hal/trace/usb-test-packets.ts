/** USB packets for tests, field by field. */

import { PcapngWriter } from './pcapng-writer.js';
import { MemorySink } from './trace-sink.js';

/** Fields of a usbmon packet; what is left out is 0, bus 1, device 2. */
export interface UsbmonPacket {
  readonly id: number;
  readonly event: string;
  readonly transferType: number;
  readonly endpoint: number;
  readonly bus: number;
  readonly device: number;
  readonly setup: Uint8Array;
  readonly status: number;
  /** `urb_len`; the length of `data` when absent. */
  readonly length: number;
  readonly data: readonly number[];
  /** As usbmon sets it when absent. */
  readonly dataFlag: number;
  readonly isoDescriptors: number;
  readonly interval: number;
}

export function usbmonBytes(packet: Partial<UsbmonPacket>, littleEndian = true): Uint8Array {
  const { data = [], event = 'S', endpoint = 0, isoDescriptors = 0 } = packet;
  const { length = data.length } = packet;
  const isSubmit = event === 'S';
  const isIn = (endpoint & 0x80) !== 0;
  const bytes = new Uint8Array(64 + isoDescriptors * 16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(packet.id ?? 0), littleEndian);
  bytes[8] = event.charCodeAt(0);
  bytes[9] = packet.transferType ?? 0;
  bytes[10] = endpoint;
  bytes[11] = packet.device ?? 2;
  view.setUint16(12, packet.bus ?? 1, littleEndian);
  bytes[14] = packet.setup === undefined ? 0x2d : 0;
  bytes[15] = packet.dataFlag ?? (isSubmit === isIn ? (isIn ? 0x3c : 0x3e) : 0);
  view.setInt32(28, packet.status ?? (isSubmit ? -115 : 0), littleEndian);
  view.setUint32(32, length, littleEndian);
  view.setUint32(36, data.length, littleEndian);
  bytes.set(packet.setup ?? [], 40);
  view.setUint32(48, packet.interval ?? 0, littleEndian);
  view.setUint32(60, isoDescriptors, littleEndian);
  bytes.set(data, 64 + isoDescriptors * 16);
  return bytes;
}

export interface UsbPcapPacket {
  readonly id: number;
  readonly transferType: number;
  readonly endpoint: number;
  readonly isComplete?: boolean;
  /** `USBD_STATUS`. */
  readonly status?: number;
  /** Of a control transfer. */
  readonly stage?: number;
  readonly data?: readonly number[];
}

export function usbPcapBytes(packet: UsbPcapPacket): Uint8Array {
  const { data = [], stage } = packet;
  const head = stage === undefined ? 27 : 28;
  const bytes = new Uint8Array(head + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, head, true);
  view.setBigUint64(2, BigInt(packet.id), true);
  view.setUint32(10, packet.status ?? 0, true);
  bytes[16] = packet.isComplete === true ? 1 : 0;
  view.setUint16(17, 1, true);
  view.setUint16(19, 2, true);
  bytes[21] = packet.endpoint;
  bytes[22] = packet.transferType;
  view.setUint32(23, data.length, true);
  if (stage !== undefined) bytes[27] = stage;
  bytes.set(data, head);
  return bytes;
}

/** A trace of one interface that says nothing of itself, as other programs write it. */
export function rawTrace(
  linkType: number,
  packets: readonly { readonly timeNs: number; readonly bytes: Uint8Array }[],
): Uint8Array {
  const sink = new MemorySink();
  const writer = new PcapngWriter(sink, { flushEachBlock: true });
  writer.addInterface({ linkType, name: 'usb' });
  for (const { timeNs, bytes } of packets) {
    writer.beginPacket(0, timeNs);
    writer.bytes(bytes, 0, bytes.length);
    writer.endPayload();
    writer.endPacket();
  }
  return sink.bytes();
}
