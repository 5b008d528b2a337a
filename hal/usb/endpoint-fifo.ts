/** The FIFO of a simulated endpoint: bounded, and it remembers what did not fit. */

/** Bytes in order; allocates nothing after it is made. */
export class EndpointFifo {
  readonly #bytes: Uint8Array;
  #start = 0;
  #length = 0;
  /** Bytes that found no room since the last `clear`. */
  overrun = 0;

  constructor(readonly capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get room(): number {
    return this.capacity - this.#length;
  }

  /** False when there was no room: then the byte is lost and counted. */
  push(byte: number): boolean {
    if (this.#length === this.capacity) {
      this.overrun++;
      return false;
    }
    let at = this.#start + this.#length;
    if (at >= this.capacity) at -= this.capacity;
    this.#bytes[at] = byte;
    this.#length++;
    return true;
  }

  /** Takes up to `length` bytes out into `target` at `offset`; answers how many. */
  read(target: Uint8Array, offset: number, length: number): number {
    const count = Math.min(length, this.#length);
    let at = this.#start;
    for (let i = 0; i < count; i++) {
      target[offset + i] = this.#bytes[at];
      if (++at === this.capacity) at = 0;
    }
    this.#start = at;
    this.#length -= count;
    return count;
  }

  /** Empty, and nothing lost. */
  clear(): void {
    this.#start = 0;
    this.#length = 0;
    this.overrun = 0;
  }
}
