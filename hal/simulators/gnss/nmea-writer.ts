/** Writes NMEA 0183 sentences into a buffer: fields, checksum, line end (NMEA 0183). */

import type { MessageBuffer } from './message-buffer.js';

const COMMA = 0x2c;
const POINT = 0x2e;
const MINUS = 0x2d;
const ZERO = 0x30;
const HEX = '0123456789ABCDEF';

/** 10^0 to 10^15, exact; the language does not promise that of its power operator. */
export const POWERS_OF_TEN: readonly number[] = [
  1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/** The value of an NMEA checksum: exclusive or of the characters between `$` and `*`. */
export function nmeaChecksum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum ^= bytes[i];
  return sum;
}

/** Writes one sentence after another. Every field method writes the comma before its field; none allocates. */
export class NmeaWriter {
  #start = 0;

  constructor(readonly buffer: MessageBuffer) {}

  /** `$` and the address field, `GPGGA` for instance. */
  begin(address: string): void {
    this.#start = this.buffer.length;
    this.buffer.put(0x24);
    this.buffer.putText(address);
  }

  /** `count` empty fields. */
  empty(count = 1): void {
    for (let i = 0; i < count; i++) this.buffer.put(COMMA);
  }

  text(text: string): void {
    this.buffer.put(COMMA);
    this.buffer.putText(text);
  }

  /** An integer with at least `digits` digits. */
  integer(value: number, digits = 1): void {
    this.buffer.put(COMMA);
    this.append(value, digits);
  }

  /** The decimal number `scaled / 10^decimals`, without an exponent and without any rounding. */
  fixed(scaled: number, decimals: number): void {
    this.buffer.put(COMMA);
    const magnitude = Math.abs(scaled);
    if (scaled < 0) this.buffer.put(MINUS);
    const unit = POWERS_OF_TEN[decimals];
    const whole = Math.floor(magnitude / unit);
    this.append(whole, 1);
    if (decimals === 0) return;
    this.buffer.put(POINT);
    this.append(magnitude - whole * unit, decimals);
  }

  /** Digits without a comma before them. */
  append(value: number, digits: number): void {
    const magnitude = Math.abs(value);
    if (value < 0) this.buffer.put(MINUS);
    let count = digits;
    while (count < 15 && magnitude >= POWERS_OF_TEN[count]) count++;
    for (let i = count - 1; i >= 0; i--) this.buffer.put(ZERO + (Math.floor(magnitude / POWERS_OF_TEN[i]) % 10));
  }

  /** A point followed by digits, without a comma before. */
  appendFraction(value: number, digits: number): void {
    if (digits === 0) return;
    this.buffer.put(POINT);
    this.append(value, digits);
  }

  /** Checksum in upper-case hexadecimal, and the line end. */
  end(): void {
    const sum = nmeaChecksum(this.buffer.bytes, this.#start + 1, this.buffer.length);
    this.buffer.put(0x2a);
    this.buffer.put(HEX.charCodeAt(sum >> 4));
    this.buffer.put(HEX.charCodeAt(sum & 15));
    this.buffer.put(0x0d);
    this.buffer.put(0x0a);
  }
}
