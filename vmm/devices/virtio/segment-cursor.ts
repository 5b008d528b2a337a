/** Reads and writes the buffers of a chain as one run of bytes, because a device may assume nothing of their framing. */

import type { GuestRam } from '../guest-ram.js';

/** Buffers of a chain, as a `SplitQueue` has them loaded or as they were kept. */
export interface SegmentList {
  readonly segmentGpa: Float64Array;
  readonly segmentLength: Float64Array;
}

/** A place in some of the buffers of a chain (virtio 1.2, section 2.7.4). Allocates nothing. */
export class SegmentCursor {
  /** Bytes from here to the end; callers ask for no more. */
  remaining = 0;
  readonly #ram: GuestRam;
  readonly #list: SegmentList;
  #index = 0;
  #offset = 0;
  #gpa = 0;

  constructor(ram: GuestRam, list: SegmentList) {
    this.#ram = ram;
    this.#list = list;
  }

  /** Goes to the start of buffer `first`; buffer `end` is the first one that is not part of the run. */
  load(first: number, end: number): void {
    this.#index = first;
    this.#offset = 0;
    this.remaining = 0;
    for (let i = first; i < end; i++) this.remaining += this.#list.segmentLength[i];
  }

  /** Copies the next `length` bytes from guest RAM to `target` at `offset`. */
  read(target: Uint8Array, offset: number, length: number): void {
    for (let done = 0; done < length; ) {
      const count = this.#step(length - done);
      this.#ram.read(this.#gpa, target, offset + done, count);
      done += count;
    }
  }

  /** Copies `length` bytes of `source` from `offset` on to guest RAM, with one DMA write for each buffer. */
  write(source: Uint8Array, offset: number, length: number): void {
    for (let done = 0; done < length; ) {
      const count = this.#step(length - done);
      this.#ram.write(this.#gpa, source, offset + done, count);
      done += count;
    }
  }

  skip(length: number): void {
    for (let done = 0; done < length; ) done += this.#step(length - done);
  }

  /** Moves on by up to `wanted` bytes of one buffer, at least 1; they begin at `#gpa`. */
  #step(wanted: number): number {
    const { segmentGpa, segmentLength } = this.#list;
    while (this.#offset === segmentLength[this.#index]) {
      this.#index++;
      this.#offset = 0;
    }
    const count = Math.min(wanted, segmentLength[this.#index] - this.#offset);
    this.#gpa = segmentGpa[this.#index] + this.#offset;
    this.#offset += count;
    this.remaining -= count;
    return count;
  }
}
