/** A ring of records in shared memory between one thread that writes and one that reads; nothing is allocated on the way. */

const HEADER_WORDS = 16;
/** Each index has a cache line of its own. */
const HEAD = 0;
const TAIL = 8;
const WORD_BYTES = 4;
/** A record that fills the rest of the ring, so that the next one lies in one piece. */
const PADDING = 0;

/** Bytes of shared memory for a ring of `words` 32-bit words, a power of two. */
export function sharedRingBytes(words: number): number {
  return (HEADER_WORDS + words) * WORD_BYTES;
}

/**
 * A record is a header word (kind in bits 0..7, words of the whole record in bits 8..31) and its content, in one piece.
 * What was published before is visible to whoever sees the record.
 */
export class SharedRing {
  /** The content of records, as words and as bytes: `bytes[4 * i]` is the first byte of `words[i]`. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly #indices: Int32Array;
  readonly #mask: number;
  /** Producer: first word that is not written yet. Consumer: first word that is not read yet. Both free-running. */
  #at = 0;
  /** Producer: `TAIL` as last seen. */
  #free = 0;

  /**
   * `words`, a power of two, as the shared memory was made for; it may also be memory that two processes have mapped, on
   * which nobody can wait for room. The ring begins `offset` bytes, a multiple of 4, behind the start.
   */
  constructor(
    memory: ArrayBufferLike,
    readonly capacity: number,
    offset = 0,
  ) {
    this.#indices = new Int32Array(memory, offset, HEADER_WORDS);
    this.words = new Int32Array(memory, offset + HEADER_WORDS * WORD_BYTES, capacity);
    this.bytes = new Uint8Array(memory, offset + HEADER_WORDS * WORD_BYTES, capacity * WORD_BYTES);
    this.#mask = capacity - 1;
  }

  /** Most words of content that one record can have: half of the ring, so that padding never keeps it out for ever. */
  get largest(): number {
    return (this.capacity >> 1) - 1;
  }

  /** Producer: makes room for a record of `content` words and answers the place of the first; -1 when there is none now. */
  begin(kind: number, content: number): number {
    const size = content + 1;
    const place = this.#at & this.#mask;
    const rest = this.capacity - place;
    const needed = rest < size ? rest + size : size;
    if (this.#room() < needed) return -1;
    if (rest < size) {
      this.words[place] = PADDING | (rest << 8);
      this.#at = (this.#at + rest) | 0;
    }
    const start = this.#at & this.#mask;
    this.words[start] = kind | (size << 8);
    this.#at = (this.#at + size) | 0;
    return start + 1;
  }

  /** Producer: shows the reader every record begun so far; their content is written. */
  publish(): void {
    Atomics.store(this.#indices, HEAD, this.#at);
  }

  /** Producer: words that are free now; a record may need twice its size of them, for the sake of lying in one piece. */
  get room(): number {
    return this.#room();
  }

  /** Producer: whether `publish` would show anything. */
  get isPending(): boolean {
    return Atomics.load(this.#indices, HEAD) !== this.#at;
  }

  /** Producer: free-running index behind the last record that was begun. */
  get written(): number {
    return this.#at;
  }

  /** Producer: free-running index of the first record that the reader has not released. */
  get released(): number {
    return Atomics.load(this.#indices, TAIL);
  }

  /** Producer: place of the header of the record at a free-running index between `released` and `written`; padding has kind 0. */
  placeOf(index: number): number {
    return index & this.#mask;
  }

  /** Words of the record whose header is at `place`, header included. */
  sizeAt(place: number): number {
    return this.words[place] >>> 8;
  }

  /** Consumer: place of the header of the next record, -1 when there is none. */
  next(): number {
    for (;;) {
      if (Atomics.load(this.#indices, HEAD) === this.#at) return -1;
      const place = this.#at & this.#mask;
      // A record has a size, unless another process has written over it.
      if (this.words[place] >>> 8 === 0) return -1;
      if ((this.words[place] & 0xff) !== PADDING) return place;
      this.#at = (this.#at + (this.words[place] >>> 8)) | 0;
      Atomics.store(this.#indices, TAIL, this.#at);
    }
  }

  kindAt(place: number): number {
    return this.words[place] & 0xff;
  }

  /** Consumer: done with the record at `place`, the one that `next` answered; its room is free. */
  release(place: number): void {
    this.#at = (this.#at + (this.words[place] >>> 8)) | 0;
    Atomics.store(this.#indices, TAIL, this.#at);
    Atomics.notify(this.#indices, TAIL);
  }

  /**
   * Producer: waits until the reader has freed something, at most `timeoutMs`; the calling thread stands still. Answers
   * whether it has: that need not be enough for the next record.
   */
  waitForRoom(timeoutMs: number): boolean {
    return Atomics.wait(this.#indices, TAIL, this.#free, timeoutMs) !== 'timed-out';
  }

  #room(): number {
    this.#free = Atomics.load(this.#indices, TAIL);
    return this.capacity - ((this.#at - this.#free) | 0);
  }
}
