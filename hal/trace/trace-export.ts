/** Takes one interface out of a trace: as a pcapng of its own, as bytes, as a table, as readable lines. */

import { resolve } from 'node:path';
import { HalError } from '../errors.js';
import { LINK_TYPE } from './pcapng-format.js';
import type { PcapngReader } from './pcapng-reader.js';
import { RTAC_EVENT, SerialRecord } from './rtac-serial.js';
import type { TraceInterface } from './trace-block.js';
import { type InterfaceSelector, openTrace, selectInterface } from './trace-file.js';
import { fileSink, type TraceSink } from './trace-sink.js';
import { upperPayloadOffset } from './upper-channel.js';
import { decodeUsbPacket, isUsbLink } from './usb-device-table.js';
import { USB_EVENT, UsbRecord } from './usb-record.js';

export interface TraceExportOptions {
  /** Name or number; may be left out when the trace has one interface. */
  readonly interface?: InterfaceSelector;
  /** `pcapng`: the blocks of the interface, unchanged but for its number (0). `bytes`: payload without headers. */
  readonly format: 'pcapng' | 'bytes' | 'csv' | 'text';
  /** `bytes`: which characters of a serial interface, or data of a USB one; what the host received when omitted. */
  readonly direction?: 'received' | 'transmitted';
  /** A file to create or empty, or a sink (it is left open). */
  readonly to: string | TraceSink;
}

export interface TraceExportResult {
  readonly interface: TraceInterface;
  readonly packets: number;
  readonly bytes: number;
}

const EVENT_NAMES: { readonly [event: number]: string } = Object.fromEntries(
  Object.entries(RTAC_EVENT).map(([name, event]) => [event, name]),
);

const TRANSFER_NAMES = ['isochronous', 'interrupt', 'control', 'bulk'] as const;

/** What a packet holds without the headers of its link type. */
class PacketContent {
  readonly #record = new SerialRecord();
  readonly #usb = new UsbRecord();
  event = '';
  direction = '';
  note = '';
  offset = 0;
  length = 0;
  /** Whether it belongs to a stream of bytes: characters, and what endpoints other than 0 carry. */
  isData = true;

  decode(reader: PcapngReader): void {
    const { packet } = reader;
    const { linkType } = reader.packetInterface;
    this.event = '';
    this.isData = true;
    this.note = packet.comment ?? '';
    this.direction = (packet.flags & 3) === 1 ? 'in' : (packet.flags & 3) === 2 ? 'out' : '';
    this.offset = packet.offset;
    this.length = packet.length;
    if (linkType === LINK_TYPE.rtacSerial && this.#record.decode(packet)) {
      this.event = EVENT_NAMES[this.#record.event] ?? String(this.#record.event);
      this.direction = this.#record.outbound ? 'out' : 'in';
      this.offset = this.#record.offset;
      this.length = this.#record.length;
      this.isData = this.event.endsWith('Start') || this.event.endsWith('End');
    } else if (isUsbLink(linkType) && decodeUsbPacket(reader, this.#usb)) {
      this.#takeUsb(this.#usb);
    } else if (linkType === LINK_TYPE.upperPdu) {
      const start = upperPayloadOffset(packet.bytes, packet.offset, packet.length);
      if (start >= 0) {
        this.offset += start;
        this.length -= start;
      }
    }
  }

  /** A description in front of a recording has no data of the device: it is in no stream of bytes. */
  #takeUsb(record: UsbRecord): void {
    const isSubmit = record.event === USB_EVENT.submit;
    this.event = isSubmit ? 'submit' : 'complete';
    this.direction = record.inbound ? 'in' : 'out';
    this.offset = record.offset;
    this.length = record.length;
    this.note = [
      `${TRANSFER_NAMES[record.transferType]} ${record.endpointAddress.toString(16).padStart(2, '0')}h`,
      record.hasSetup ? `setup ${hex(record.setup, 0, record.setup.length)}` : '',
      isSubmit ? `wants ${record.urbLength}` : `status ${record.status}`,
      record.isTruncated ? `cut, ${record.dataLength} bytes in all` : '',
      record.mark ?? '',
    ]
      .filter((part) => part !== '')
      .join('; ');
    this.isData = (record.endpointAddress & 0x0f) !== 0;
  }
}

function hex(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('hex');
}

function csvField(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csvRow(reader: PcapngReader, content: PacketContent): string {
  const { packet } = reader;
  const data = hex(packet.bytes, content.offset, content.length);
  return `${packet.timeNs},${content.direction},${content.event},${packet.packetId},${content.length},${data},${csvField(content.note)}\n`;
}

function textLine(reader: PcapngReader, content: PacketContent): string {
  const { packet } = reader;
  const data = packet.bytes.subarray(content.offset, content.offset + content.length);
  const shown = Array.from(data, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : escapeOf(byte)));
  const seconds = (packet.timeNs / 1e9).toFixed(9).padStart(14);
  const what = [content.direction.padEnd(3), content.event.padEnd(8)].join(' ');
  return `${seconds} ${what} ${shown.join('')}${content.note === '' ? '' : ` # ${content.note}`}\n`;
}

function escapeOf(byte: number): string {
  if (byte === 10) return '\\n';
  if (byte === 13) return '\\r';
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** Copies section headers, the interface's description, its packets and statistics; every other block is left out. */
function copyBlock(reader: PcapngReader, wanted: TraceInterface, sink: TraceSink): void {
  const { rawBytes, rawOffset, blockLength, kind } = reader;
  const block = rawBytes.slice(rawOffset, rawOffset + blockLength);
  const view = new DataView(block.buffer);
  if (kind === 'section') view.setBigInt64(16, -1n);
  else if (kind === 'packet' || kind === 'statistics') view.setUint32(8, 0);
  else if (kind === 'interface' && reader.interfaces.length - 1 !== wanted.index) return;
  sink.write(block, 0, block.length);
}

function belongs(reader: PcapngReader, wanted: TraceInterface): boolean {
  if (reader.kind === 'packet') return reader.packet.interfaceIndex === wanted.index;
  if (reader.kind === 'statistics') return reader.statistics?.interfaceIndex === wanted.index;
  return reader.kind === 'section' || reader.kind === 'interface';
}

/**
 * Exports one interface of the trace at `path`, in constant memory. Throws as `openTrace` and `selectInterface`, and
 * what writing throws.
 */
export function exportTrace(path: string, options: TraceExportOptions): TraceExportResult {
  const trace = openTrace(path);
  const wanted = selectInterface(trace, options.interface);
  if (typeof options.to === 'string' && resolve(options.to) === resolve(path))
    throw new HalError('HAL_INVALID', `${path} cannot be exported onto itself`, {
      where: path,
      hint: 'Name another file.',
    });
  const reader = trace.reader();
  const sink = typeof options.to === 'string' ? fileSink(options.to) : options.to;
  const content = new PacketContent();
  const isDevice = wanted.linkType === LINK_TYPE.rtacSerial || isUsbLink(wanted.linkType);
  const direction = options.direction === 'transmitted' ? 'out' : 'in';
  let packets = 0;
  let bytes = 0;
  const put = (text: string): void => {
    const encoded = new TextEncoder().encode(text);
    sink.write(encoded, 0, encoded.length);
  };
  try {
    if (options.format === 'csv') put('time_ns,direction,event,packet_id,length,data,note\n');
    while (reader.next()) {
      if (!belongs(reader, wanted)) continue;
      if (options.format === 'pcapng') copyBlock(reader, wanted, sink);
      if (reader.kind !== 'packet') continue;
      packets++;
      content.decode(reader);
      if (options.format === 'csv') put(csvRow(reader, content));
      else if (options.format === 'text') put(textLine(reader, content));
      else if (options.format === 'bytes') {
        if (isDevice && (!content.isData || content.direction !== direction)) continue;
        sink.write(reader.packet.bytes, content.offset, content.length);
      }
      bytes += content.length;
    }
  } finally {
    reader.close();
    if (typeof options.to === 'string') sink.close();
  }
  return { interface: wanted, packets, bytes };
}
