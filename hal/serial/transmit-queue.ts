/** What waits to go on a line: bytes and breaks in order; grows to its limit, and allocates nothing once it has grown. */

import { HalError } from '../errors.js';

const BREAK_ENTRY = 0x100;
const FIRST_CAPACITY = 256;

/** A first-in first-out queue of bytes and breaks, bounded by `limit` entries. */
export class TransmitQueue {
  #entries = new Uint16Array(FIRST_CAPACITY);
  #head = 0;
  #length = 0;
  readonly #breaks: number[] = [];

  constructor(
    readonly limit: number,
    readonly where: string,
  ) {}

  get length(): number {
    return this.#length;
  }

  /** Appends bytes; throws `HAL_OVERRUN`, having taken none, when they would exceed the limit. */
  pushBytes(bytes: Uint8Array, offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > bytes.length)
      throw new HalError('HAL_INVALID', `${length} bytes from ${offset} lie outside a buffer of ${bytes.length}`, {
        where: this.where,
      });
    this.#reserve(length);
    const mask = this.#entries.length - 1;
    for (let i = 0; i < length; i++) this.#entries[(this.#head + this.#length + i) & mask] = bytes[offset + i];
    this.#length += length;
  }

  pushBreak(durationNs: number): void {
    this.#reserve(1);
    this.#entries[(this.#head + this.#length) & (this.#entries.length - 1)] = BREAK_ENTRY;
    this.#length++;
    this.#breaks.push(durationNs);
  }

  /** The next byte; -1 when a break is next (then `shiftBreak` tells how long) or nothing waits. */
  shiftByte(): number {
    if (this.#length === 0) return -1;
    const entry = this.#entries[this.#head & (this.#entries.length - 1)];
    if (entry === BREAK_ENTRY) return -1;
    this.#head++;
    this.#length--;
    return entry;
  }

  /** Length of the break that is next, in nanoseconds; -1 when a byte is next or nothing waits. */
  shiftBreak(): number {
    if (this.#length === 0 || this.#entries[this.#head & (this.#entries.length - 1)] !== BREAK_ENTRY) return -1;
    this.#head++;
    this.#length--;
    return this.#breaks.shift() ?? 0;
  }

  clear(): void {
    this.#head = 0;
    this.#length = 0;
    this.#breaks.length = 0;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed > this.limit)
      throw new HalError('HAL_OVERRUN', `more than ${this.limit} bytes would wait for ${this.where}`, {
        where: this.where,
        hint: 'Send no faster than the line carries, or raise its rate.',
      });
    if (needed <= this.#entries.length) return;
    let capacity = this.#entries.length;
    while (capacity < needed) capacity *= 2;
    const grown = new Uint16Array(capacity);
    const mask = this.#entries.length - 1;
    for (let i = 0; i < this.#length; i++) grown[i] = this.#entries[(this.#head + i) & mask];
    this.#entries = grown;
    this.#head = 0;
  }
}
