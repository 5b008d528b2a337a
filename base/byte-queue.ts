/** A bounded first-in first-out queue of bytes, each with a status byte; pushing and shifting allocate nothing. */

export class ByteQueue {
  readonly #bytes: Uint8Array;
  readonly #status: Uint8Array;
  #head = 0;
  #length = 0;

  constructor(readonly capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`a queue needs room for at least one byte, not ${capacity}`);
    this.#bytes = new Uint8Array(capacity);
    this.#status = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#length === this.capacity;
  }

  /** Appends; answers false, and changes nothing, when the queue is full. */
  push(byte: number, status = 0): boolean {
    if (this.#length === this.capacity) return false;
    let tail = this.#head + this.#length;
    if (tail >= this.capacity) tail -= this.capacity;
    this.#bytes[tail] = byte;
    this.#status[tail] = status;
    this.#length++;
    return true;
  }

  /** The oldest byte, -1 when empty. */
  peek(): number {
    return this.#length === 0 ? -1 : this.#bytes[this.#head];
  }

  /** Status of the oldest byte, 0 when empty. */
  peekStatus(): number {
    return this.#length === 0 ? 0 : this.#status[this.#head];
  }

  /** Removes and returns the oldest byte, -1 when empty. */
  shift(): number {
    if (this.#length === 0) return -1;
    const byte = this.#bytes[this.#head];
    this.#head = this.#head + 1 === this.capacity ? 0 : this.#head + 1;
    this.#length--;
    return byte;
  }

  /** Moves up to `length` bytes into `target`; returns how many. */
  read(target: Uint8Array, offset: number, length: number): number {
    const count = Math.min(length, this.#length);
    for (let i = 0; i < count; i++) target[offset + i] = this.shift();
    return count;
  }

  clear(): void {
    this.#head = 0;
    this.#length = 0;
  }
}
