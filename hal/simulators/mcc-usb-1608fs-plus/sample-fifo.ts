/** The FIFO between the converters of a USB-1608FS-Plus and its endpoint: one for all scans of a device. */

import { FIFO_SAMPLES } from './protocol.js';

export class SampleFifo {
  readonly #samples = new Uint16Array(FIFO_SAMPLES);
  #start = 0;
  #length = 0;

  /** Samples that wait. */
  get length(): number {
    return this.#length;
  }

  get room(): number {
    return FIFO_SAMPLES - this.#length;
  }

  /** There is `room` for it: who pushes has looked. */
  push(sample: number): void {
    this.#samples[(this.#start + this.#length) & (FIFO_SAMPLES - 1)] = sample;
    this.#length++;
  }

  /** Takes up to `bytes` out into `target` at `offset`, whole samples, low byte first; answers how many bytes. */
  read(target: Uint8Array, offset: number, bytes: number): number {
    const count = Math.min(bytes >> 1, this.#length);
    for (let i = 0; i < count; i++) {
      const sample = this.#samples[(this.#start + i) & (FIFO_SAMPLES - 1)];
      target[offset + 2 * i] = sample;
      target[offset + 2 * i + 1] = sample >> 8;
    }
    this.#start = (this.#start + count) & (FIFO_SAMPLES - 1);
    this.#length -= count;
    return 2 * count;
  }

  clear(): void {
    this.#length = 0;
  }
}
