/** Changes to a medium that must itself stay as it is, kept in memory piece by piece. */

/** Granularity of what is kept. */
export const PIECE_BYTES = 65_536;

/** Copies `length` bytes at `position` of the unchanged medium to `target` at `offset`; false when it cannot. */
export type ReadBelow = (position: number, target: Uint8Array, offset: number, length: number) => boolean;

/**
 * A medium of `bytes` bytes whose writes never reach what lies below. Callers stay within the medium. Memory grows by
 * one piece for each piece that is written to, so it is bounded by the size of the medium.
 */
export class PieceOverlay {
  readonly #pieces = new Map<number, Uint8Array>();
  readonly #readBelow: ReadBelow;

  constructor(
    readonly bytes: number,
    readBelow: ReadBelow,
  ) {
    this.#readBelow = readBelow;
  }

  /** Pieces that have been written to. */
  get pieces(): number {
    return this.#pieces.size;
  }

  /** Copies to `target` at `offset`; false when the medium below could not be read. */
  read(position: number, target: Uint8Array, offset: number, length: number): boolean {
    for (let done = 0; done < length; ) {
      const at = position + done;
      const within = at % PIECE_BYTES;
      const count = Math.min(length - done, PIECE_BYTES - within);
      const piece = this.#pieces.get((at - within) / PIECE_BYTES);
      if (piece !== undefined) copy(piece, within, target, offset + done, count);
      else if (!this.#readBelow(at, target, offset + done, count)) return false;
      done += count;
    }
    return true;
  }

  /** Copies from `source` at `offset`; false when the rest of a piece could not be read from below. */
  write(position: number, source: Uint8Array, offset: number, length: number): boolean {
    for (let done = 0; done < length; ) {
      const at = position + done;
      const within = at % PIECE_BYTES;
      const count = Math.min(length - done, PIECE_BYTES - within);
      const piece = this.#writable((at - within) / PIECE_BYTES, count);
      if (piece === undefined) return false;
      copy(source, offset + done, piece, within, count);
      done += count;
    }
    return true;
  }

  /** Piece `index`, of which `count` bytes are about to be written. */
  #writable(index: number, count: number): Uint8Array | undefined {
    const known = this.#pieces.get(index);
    if (known !== undefined) return known;
    const start = index * PIECE_BYTES;
    const length = Math.min(PIECE_BYTES, this.bytes - start);
    const piece = new Uint8Array(length);
    if (count < length && !this.#readBelow(start, piece, 0, length)) return undefined;
    this.#pieces.set(index, piece);
    return piece;
  }
}

function copy(source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void {
  for (let i = 0; i < length; i++) target[to + i] = source[from + i];
}
