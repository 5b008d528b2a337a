/** A bounded first-in first-out queue of bytes that hands them over by the run and lets any of them be read again. */

import { copyBytes } from './big-endian.js';

export class ByteRing {
  readonly #bytes: Uint8Array;
  readonly #mask: number;
  #head = 0;
  #length = 0;

  constructor(readonly capacity: number) {
    if (capacity < 1 || (capacity & (capacity - 1)) !== 0)
      throw new RangeError(`the capacity must be a power of two, not ${capacity}`);
    this.#bytes = new Uint8Array(capacity);
    this.#mask = capacity - 1;
  }

  get length(): number {
    return this.#length;
  }

  get free(): number {
    return this.capacity - this.#length;
  }

  /** The bytes themselves: [start, start + run) are the oldest ones, up to the end of the array. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get start(): number {
    return this.#head;
  }

  get run(): number {
    return Math.min(this.#length, this.capacity - this.#head);
  }

  /** Appends as many bytes as there is room for; returns how many. */
  write(source: Uint8Array, offset: number, length: number): number {
    const count = Math.min(length, this.free);
    const tail = (this.#head + this.#length) & this.#mask;
    const first = Math.min(count, this.capacity - tail);
    copyBytes(source, offset, this.#bytes, tail, first);
    copyBytes(source, offset + first, this.#bytes, 0, count - first);
    this.#length += count;
    return count;
  }

  /** Copies bytes [from, from + length), counted from the oldest, which must be there. */
  copy(from: number, target: Uint8Array, at: number, length: number): void {
    const start = (this.#head + from) & this.#mask;
    const first = Math.min(length, this.capacity - start);
    copyBytes(this.#bytes, start, target, at, first);
    copyBytes(this.#bytes, 0, target, at + first, length - first);
  }

  /** Removes the oldest `count` bytes, or all when there are fewer. */
  drop(count: number): void {
    const dropped = Math.min(count, this.#length);
    this.#head = (this.#head + dropped) & this.#mask;
    this.#length -= dropped;
  }

  clear(): void {
    this.#head = 0;
    this.#length = 0;
  }
}
