/** Writes UBX frames into a buffer (u-blox 8 / M8 receiver description, UBX-13003221, UBX frame structure and checksum). */

import type { MessageBuffer } from './message-buffer.js';

export const UBX_SYNC_1 = 0xb5;
export const UBX_SYNC_2 = 0x62;

/** Bytes of a frame around its payload. */
export const UBX_OVERHEAD = 8;

/** Fletcher checksum over class, id, length and payload; `CK_A | CK_B << 8`. */
export function ubxChecksum(bytes: Uint8Array, start: number, end: number): number {
  let a = 0;
  let b = 0;
  for (let i = start; i < end; i++) {
    a = (a + bytes[i]) & 0xff;
    b = (b + a) & 0xff;
  }
  return a | (b << 8);
}

/** Writes one frame after another; fields are little-endian and appended in order. Nothing allocates. */
export class UbxWriter {
  #start = 0;

  constructor(readonly buffer: MessageBuffer) {}

  begin(messageClass: number, id: number): void {
    this.#start = this.buffer.length;
    this.buffer.put(UBX_SYNC_1);
    this.buffer.put(UBX_SYNC_2);
    this.buffer.put(messageClass);
    this.buffer.put(id);
    this.u2(0);
  }

  u1(value: number): void {
    this.buffer.put(value & 0xff);
  }

  /** Unsigned or two's complement, 16 bits. */
  u2(value: number): void {
    this.buffer.put(value & 0xff);
    this.buffer.put((value >> 8) & 0xff);
  }

  /** Unsigned or two's complement, 32 bits. */
  u4(value: number): void {
    this.u2(value & 0xffff);
    this.u2(value >>> 16);
  }

  zeros(count: number): void {
    for (let i = 0; i < count; i++) this.buffer.put(0);
  }

  /** Text in a field of `length` bytes, filled up with zeros. */
  text(text: string, length: number): void {
    const cut = text.slice(0, length);
    this.buffer.putText(cut);
    this.zeros(length - cut.length);
  }

  bytes(source: Uint8Array, offset: number, length: number): void {
    for (let i = 0; i < length; i++) this.buffer.put(source[offset + i]);
  }

  /** Fills in the length and appends the checksum. */
  end(): void {
    const { bytes, length } = this.buffer;
    const payload = length - this.#start - 6;
    bytes[this.#start + 4] = payload & 0xff;
    bytes[this.#start + 5] = payload >> 8;
    this.u2(ubxChecksum(bytes, this.#start + 2, length));
  }
}
