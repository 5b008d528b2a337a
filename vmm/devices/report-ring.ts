/** The report ring of a partitioned guest: its records, fetched from its RAM without an exit (docs/guest-abi.md). */

import type { GuestRam } from './guest-ram.js';
import { checkPowerOfTwo, checkRingArea, copyRing, RING_HEADER_BYTES, ringDistance } from './ring-area.js';

/** Offsets from the start of the area. */
export const REPORT_RING = {
  magic: 0x000,
  version: 0x004,
  dataOffset: 0x008,
  dataBytes: 0x00c,
  head: 0x040,
  tail: 0x080,
  dropped: 0x0c0,
} as const;

export const REPORT_RING_MAGIC = 0x5252_5652;
export const REPORT_RING_VERSION = 1;

/** Layout of one record. */
export const REPORT_RECORD = {
  channel: 0,
  sequence: 4,
  time: 8,
  type: 16,
  payloadLength: 20,
  headerBytes: 24,
  maxPayloadBytes: 1024,
  /** `channel` is smaller. */
  channels: 256,
} as const;

export interface ReportRingOptions {
  readonly ram: GuestRam;
  /** Guest physical address of the area, 64-byte aligned; `reportRingBytes` long. */
  readonly base: number;
  /** A power of two of at least 2,048, so that the largest record fits. */
  readonly dataBytes: number;
}

/**
 * Takes one record: `record[0 .. length)` is header and payload; the buffer is reused after the call. `atNs` says when it
 * came, where that is not now.
 */
export type ReportSink = (record: Uint8Array, length: number, atNs?: number) => void;

/** Bytes that the area of such a ring takes. */
export function reportRingBytes(dataBytes: number): number {
  return RING_HEADER_BYTES + dataBytes;
}

/**
 * One ring. A guest that writes an impossible index or a malformed record stops it for good: `fault` says why, and
 * the records before the bad one have been delivered.
 */
export class ReportRing {
  readonly #ram: GuestRam;
  readonly #base: number;
  readonly #dataBytes: number;
  readonly #fetched: Uint8Array;
  readonly #view: DataView;
  readonly #record = new Uint8Array(REPORT_RECORD.headerBytes + REPORT_RECORD.maxPayloadBytes);
  readonly #read: (gpa: number, buffer: Uint8Array, offset: number, length: number) => void;
  #tail = 0;
  #fault = '';

  /** @throws VmmError `VMM_CONFIG` when the area is not RAM or `dataBytes` is no power of two. */
  constructor(options: ReportRingOptions) {
    const { ram, base, dataBytes } = options;
    checkPowerOfTwo(dataBytes, 2048, 'data_bytes', 'report ring');
    checkRingArea(ram, base, reportRingBytes(dataBytes), 'report ring');
    this.#ram = ram;
    this.#base = base;
    this.#dataBytes = dataBytes;
    this.#fetched = new Uint8Array(dataBytes);
    this.#view = new DataView(this.#fetched.buffer);
    this.#read = (gpa, buffer, offset, length) => ram.read(gpa, buffer, offset, length);
  }

  /** Why the ring stands still; empty while it works. */
  get fault(): string {
    return this.#fault;
  }

  /** Records that the guest could not write for lack of room, as it says. */
  get dropped(): number {
    return this.#ram.readU32(this.#base + REPORT_RING.dropped);
  }

  /** Writes the rig's fields; before the guest boots. */
  initialise(): void {
    const header = new Uint8Array(RING_HEADER_BYTES);
    const view = new DataView(header.buffer);
    view.setUint32(REPORT_RING.magic, REPORT_RING_MAGIC, true);
    view.setUint32(REPORT_RING.version, REPORT_RING_VERSION, true);
    view.setUint32(REPORT_RING.dataOffset, RING_HEADER_BYTES, true);
    view.setUint32(REPORT_RING.dataBytes, this.#dataBytes, true);
    this.#ram.write(this.#base, header, 0, header.length);
  }

  /** Delivers every complete record to `sink`, then frees its room. Returns how many there were. */
  poll(sink: ReportSink): number {
    if (this.#fault !== '') return 0;
    const head = this.#ram.readU32(this.#base + REPORT_RING.head);
    const available = ringDistance(head, this.#tail);
    if (available === 0) return 0;
    if (available > this.#dataBytes || available % 8 !== 0) {
      this.#fault = `the guest wrote an impossible ring index: head is ${head} while tail is ${this.#tail}`;
      return 0;
    }
    const data = this.#base + RING_HEADER_BYTES;
    copyRing(this.#read, data, this.#dataBytes, this.#tail, this.#fetched, available, 1);
    const records = this.#deliver(available, sink);
    this.#ram.writeU32(this.#base + REPORT_RING.tail, this.#tail);
    return records;
  }

  #deliver(available: number, sink: ReportSink): number {
    let records = 0;
    for (let at = 0; at < available; records++) {
      const length = this.#recordLength(at, available);
      if (length === 0) break;
      for (let i = 0; i < length; i++) this.#record[i] = this.#fetched[at + i];
      const padded = Math.ceil(length / 8) * 8;
      at += padded;
      this.#tail = (this.#tail + padded) >>> 0;
      sink(this.#record, length);
    }
    return records;
  }

  /** Length of the record at `at`, 0 (with `fault` set) when it is malformed. */
  #recordLength(at: number, available: number): number {
    const { headerBytes, maxPayloadBytes, channels } = REPORT_RECORD;
    if (at + headerBytes > available) return this.#refuse(`only ${available - at} bytes are left for its header`);
    const channel = this.#view.getUint32(at + REPORT_RECORD.channel, true);
    if (channel >= channels) return this.#refuse(`its channel is ${channel}`);
    const payload = this.#view.getUint32(at + REPORT_RECORD.payloadLength, true);
    if (payload > maxPayloadBytes) return this.#refuse(`its payload is ${payload} bytes long`);
    if (at + headerBytes + payload > available) return this.#refuse('it reaches beyond head');
    return headerBytes + payload;
  }

  #refuse(problem: string): number {
    this.#fault = `the guest wrote a malformed report record: ${problem}`;
    return 0;
  }
}
