/** A bounded ring of characters with their line status, addressed by free-running positions, read by any number of readers. */

/** Power of two, so that a position's place is a mask away. */
export class ByteStream {
  readonly #bytes: Uint8Array;
  readonly #status: Uint8Array;
  readonly #mask: number;
  /** Characters ever appended. */
  end = 0;

  constructor(readonly capacity: number) {
    if (capacity < 1 || (capacity & (capacity - 1)) !== 0)
      throw new RangeError(`the capacity must be a power of two, not ${capacity}`);
    this.#bytes = new Uint8Array(capacity);
    this.#status = new Uint8Array(capacity);
    this.#mask = capacity - 1;
  }

  /** Appends without looking: the caller has checked that no reader is `capacity` behind. */
  append(byte: number, status: number): void {
    const slot = this.end & this.#mask;
    this.#bytes[slot] = byte;
    this.#status[slot] = status;
    this.end++;
  }

  byteAt(position: number): number {
    return this.#bytes[position & this.#mask];
  }

  statusAt(position: number): number {
    return this.#status[position & this.#mask];
  }
}
