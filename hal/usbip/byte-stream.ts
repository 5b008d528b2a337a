/** Bytes of a connection, gathered until what is waited for is whole. */

/** Bounded by whoever asks: it keeps no more than the longest message that was asked for, plus one piece of the socket. */
export class ByteStream {
  #buffer = new Uint8Array(4096);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  push(piece: Uint8Array): void {
    if (this.#end + piece.length > this.#buffer.length) this.#makeRoom(piece.length);
    this.#buffer.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** The next `length` bytes without taking them, undefined while there are fewer; valid until the next call. */
  peek(length: number): Uint8Array | undefined {
    return this.length < length ? undefined : this.#buffer.subarray(this.#start, this.#start + length);
  }

  /** Takes `length` bytes, which are there; valid until the next `push`. */
  take(length: number): Uint8Array {
    const bytes = this.#buffer.subarray(this.#start, this.#start + length);
    this.#start += length;
    return bytes;
  }

  #makeRoom(length: number): void {
    const needed = this.length + length;
    const target =
      needed > this.#buffer.length ? new Uint8Array(Math.max(needed, 2 * this.#buffer.length)) : this.#buffer;
    target.set(this.#buffer.subarray(this.#start, this.#end));
    this.#end = this.length;
    this.#start = 0;
    this.#buffer = target;
  }
}
