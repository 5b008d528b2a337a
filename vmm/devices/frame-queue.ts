/** A bounded first-in first-out queue of Ethernet frames; pushing and shifting allocate nothing. */

import { FRAME_BYTES } from './network.js';

export class FrameQueue {
  readonly #bytes: Uint8Array;
  readonly #lengths: Uint16Array;
  #head = 0;
  #count = 0;

  constructor(readonly capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`a queue needs room for at least one frame, not ${capacity}`);
    this.#bytes = new Uint8Array(capacity * FRAME_BYTES);
    this.#lengths = new Uint16Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** Appends a copy of the first `length` bytes, at most `FRAME_BYTES`; false, with nothing changed, when the queue is full. */
  push(frame: Uint8Array, length: number): boolean {
    if (this.#count === this.capacity) return false;
    const slot = (this.#head + this.#count) % this.capacity;
    const at = slot * FRAME_BYTES;
    for (let i = 0; i < length; i++) this.#bytes[at + i] = frame[i];
    this.#lengths[slot] = length;
    this.#count++;
    return true;
  }

  /** Moves the oldest frame to `target` at `offset`; returns its length, 0 when there is none. */
  shift(target: Uint8Array, offset: number): number {
    if (this.#count === 0) return 0;
    const at = this.#head * FRAME_BYTES;
    const length = this.#lengths[this.#head];
    for (let i = 0; i < length; i++) target[offset + i] = this.#bytes[at + i];
    this.#head = (this.#head + 1) % this.capacity;
    this.#count--;
    return length;
  }

  clear(): void {
    this.#head = 0;
    this.#count = 0;
  }
}
