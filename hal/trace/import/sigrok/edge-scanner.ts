/** Finds the changes of a few lines in packed samples; runs without a change are skipped four bytes at a time. */

export interface EdgeListener {
  /**
   * From sample `sample` on the lines have these levels: bit k is the k-th line asked for. Called for sample 0, and wherever
   * one of them changes.
   */
  edge(sample: number, levels: number): void;
}

export class EdgeScanner {
  readonly #unitSize: number;
  /** Positions of the lines in a sample. */
  readonly #bits: readonly number[];
  readonly #listener: EdgeListener;
  /** The lines' bits in each sample of a word; 0 where a word holds no whole number of samples. */
  readonly #mask: number;
  #levels = -1;
  /** What every sample of a word looks like while nothing changes. */
  #pattern = 0;
  /** Samples seen. */
  position = 0;

  /** `unitSize`: bytes of a sample, 1 to 8. `bits`: at most 31 positions below `unitSize * 8`. */
  constructor(unitSize: number, bits: readonly number[], listener: EdgeListener) {
    this.#unitSize = unitSize;
    this.#bits = bits;
    this.#listener = listener;
    this.#mask = 4 % unitSize === 0 ? this.#repeat((1 << bits.length) - 1) : 0;
  }

  /** Takes `count` samples that begin at `bytes[0]`; `bytes` begins at a multiple of four in its buffer. */
  push(bytes: Uint8Array, count: number): void {
    const length = count * this.#unitSize;
    const unit = this.#unitSize;
    let at = 0;
    if (this.#levels < 0 && count > 0) this.#examine(bytes, at, 0);
    if (this.#mask !== 0) {
      const words = new Int32Array(bytes.buffer, bytes.byteOffset, length >> 2);
      const mask = this.#mask;
      for (let word = 0; word < words.length; word++) {
        if ((words[word] & mask) === this.#pattern) continue;
        at = word << 2;
        for (let end = at + 4; at < end; at += unit) this.#examine(bytes, at, at / unit);
      }
      at = words.length << 2;
    }
    for (; at < length; at += unit) this.#examine(bytes, at, at / unit);
    this.position += count;
  }

  #examine(bytes: Uint8Array, at: number, index: number): void {
    let levels = 0;
    for (let k = 0; k < this.#bits.length; k++) {
      const bit = this.#bits[k];
      levels |= ((bytes[at + (bit >> 3)] >> (bit & 7)) & 1) << k;
    }
    if (levels === this.#levels) return;
    this.#levels = levels;
    if (this.#mask !== 0) this.#pattern = this.#repeat(levels);
    this.#listener.edge(this.position + index, levels);
  }

  /** A word whose samples all have `levels`, and zeros elsewhere. */
  #repeat(levels: number): number {
    const bytes = new Uint8Array(4);
    for (let at = 0; at < 4; at += this.#unitSize)
      for (let k = 0; k < this.#bits.length; k++)
        if ((levels >> k) & 1) bytes[at + (this.#bits[k] >> 3)] |= 1 << (this.#bits[k] & 7);
    return new Int32Array(bytes.buffer)[0];
  }
}
