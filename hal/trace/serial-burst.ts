/** Gathers the characters of an uninterrupted burst until they become packets. */

import { MAX_BURST } from './rtac-serial.js';

/** At most `MAX_BURST` characters of one direction. Appending allocates nothing. */
export class SerialBurst {
  readonly bytes = new Uint8Array(MAX_BURST);
  /** When each character was there; ascending. */
  readonly times = new Float64Array(MAX_BURST);
  length = 0;
  /** Packet id that all of it gets. */
  id = 0;
  #firstGap = 0;

  get lastNs(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.times[this.length - 1];
  }

  /**
   * Appends a character when it goes on where the burst is: at the same pace to the nanosecond, or at the same time.
   * False, and nothing changes, when it begins another burst. `characterNs`: nominal time of one. `merge`: characters
   * closer than the line could carry came in one piece (a chunk of a real port) and get the time of the first.
   */
  append(byte: number, atNs: number, characterNs: number, merge: boolean): boolean {
    const index = this.length;
    let timeNs = atNs;
    if (index > 0) {
      if (index === MAX_BURST) return false;
      const last = this.times[index - 1];
      const gap = merge && atNs - last < characterNs / 2 ? 0 : atNs - last;
      if (!this.#continues(index, gap, characterNs)) return false;
      if (index === 1) this.#firstGap = gap;
      timeNs = last + gap;
    }
    this.bytes[index] = byte;
    this.times[index] = timeNs;
    this.length = index + 1;
    return true;
  }

  #continues(index: number, gap: number, characterNs: number): boolean {
    if (index > 1) {
      const difference = gap - this.#firstGap;
      return this.#firstGap === 0 ? gap === 0 : difference >= -1 && difference <= 1;
    }
    return gap === 0 || (gap >= characterNs / 2 && gap < 2 * characterNs);
  }
}
