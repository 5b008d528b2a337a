/** Packets of link type 252: what is not a device, shown by a named dissector. */

import type { PacketOutlet } from './packet-outlet.js';

/** How Wireshark shows the payload: raw bytes, or lines of text. */
export type UpperDissector = 'data' | 'text';

const DISSECTOR_NAME = { data: 'data', text: 'data-text-lines' } as const;

/** TLV tags of exported PDUs (LINKTYPE_WIRESHARK_UPPER_PDU). */
const TAG = { dissector: 12, protocol: 33, end: 0 } as const;

/** The TLVs in front of every payload: big-endian tag and length, value padded to 4 bytes. `protocol` stands in that column. */
export function upperHeader(dissector: UpperDissector, protocol: string): Uint8Array {
  const bytes: number[] = [];
  for (const [tag, text] of [
    [TAG.dissector, DISSECTOR_NAME[dissector]],
    [TAG.protocol, protocol],
  ] as const) {
    const value = new TextEncoder().encode(text).subarray(0, 252);
    const padded = (value.length + 3) & ~3;
    bytes.push(0, tag, 0, padded, ...value, ...new Array<number>(padded - value.length).fill(0));
  }
  bytes.push(0, TAG.end, 0, 0);
  return Uint8Array.from(bytes);
}

/** Where the payload of an upper packet begins, counted from the packet's start; -1 when its TLVs are malformed. */
export function upperPayloadOffset(bytes: Uint8Array, offset: number, length: number): number {
  for (let at = 0; at + 4 <= length; ) {
    const tag = (bytes[offset + at] << 8) | bytes[offset + at + 1];
    const size = (bytes[offset + at + 2] << 8) | bytes[offset + at + 3];
    at += 4 + size;
    if (tag === TAG.end) return at <= length ? at : -1;
  }
  return -1;
}

/** A stream of packets beside the devices: journal, VM exits, guest reports, notes. */
export class UpperChannel {
  readonly interfaceId: number;
  readonly #outlet: PacketOutlet;
  readonly #header: Uint8Array;

  constructor(outlet: PacketOutlet, interfaceId: number, dissector: UpperDissector, name: string) {
    this.#outlet = outlet;
    this.interfaceId = interfaceId;
    this.#header = upperHeader(dissector, name);
  }

  /**
   * Records `length` bytes, copied before it returns. `causeId`: id of the packet that caused it, 0 for none.
   * Returns the packet's id (`causeId` when there is one). At most 262,000 bytes: more makes the recording fail.
   */
  data(bytes: Uint8Array, offset: number, length: number, atNs: number, causeId = 0): number {
    const id = this.#begin(atNs, causeId);
    if (id < 0) return 0;
    this.#outlet.writer.bytes(bytes, offset, length);
    this.#end(id, length);
    return id;
  }

  /** Records a text; as `data` otherwise. */
  text(text: string, atNs: number, causeId = 0): number {
    const id = this.#begin(atNs, causeId);
    if (id < 0) return 0;
    this.#end(id, this.#outlet.writer.text(text));
    return id;
  }

  /** Counts packets that were never handed over; they stand in the statistics block at the end. */
  lost(count: number): void {
    this.#outlet.drop(this.interfaceId, count);
  }

  #begin(atNs: number, causeId: number): number {
    this.#outlet.settle(atNs);
    if (!this.#outlet.begin(this.interfaceId, atNs)) return -1;
    this.#outlet.writer.bytes(this.#header, 0, this.#header.length);
    return causeId > 0 ? causeId : this.#outlet.takeId();
  }

  #end(id: number, length: number): void {
    this.#outlet.options(0, id);
    this.#outlet.end(this.interfaceId, length);
  }
}
