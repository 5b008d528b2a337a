/** The FIFO of the RV-DAQ16: samples with their numbers and instants, so that a loss shows as a jump of the number. */

export class NumberedFifo {
  readonly #codes: Uint16Array;
  readonly #numbers: Float64Array;
  readonly #times: Float64Array;
  #first = 0;
  #length = 0;

  /** `capacity` is a power of two. */
  constructor(readonly capacity: number) {
    this.#codes = new Uint16Array(capacity);
    this.#numbers = new Float64Array(capacity);
    this.#times = new Float64Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get room(): number {
    return this.capacity - this.#length;
  }

  clear(): void {
    this.#first = 0;
    this.#length = 0;
  }

  /** Appends a sample; only while there is room. */
  push(code: number, number: number, timeNs: number): void {
    const at = (this.#first + this.#length) & (this.capacity - 1);
    this.#codes[at] = code;
    this.#numbers[at] = number;
    this.#times[at] = timeNs;
    this.#length++;
  }

  /** The code at position `index` (0 = oldest); only below `length`. */
  code(index: number): number {
    return this.#codes[(this.#first + index) & (this.capacity - 1)];
  }

  /** The running number of the sample at `index`, lost ones counted. */
  number(index: number): number {
    return this.#numbers[(this.#first + index) & (this.capacity - 1)];
  }

  timeNs(index: number): number {
    return this.#times[(this.#first + index) & (this.capacity - 1)];
  }

  /** How many of the oldest `limit` samples follow each other without a loss, the first being `number`. */
  unbroken(number: number, limit: number): number {
    const end = Math.min(limit, this.#length);
    let n = 0;
    while (n < end && this.number(n) === number + n) n++;
    return n;
  }

  /** Forgets the oldest `count` samples. */
  drop(count: number): void {
    this.#first = (this.#first + count) & (this.capacity - 1);
    this.#length -= count;
  }
}
