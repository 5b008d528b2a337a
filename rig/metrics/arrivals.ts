/** When each byte of a stream was complete on the wire: stamped one by one on a serial line, by the transfer over USB. */

import { countUpTo } from './integrity.js';

export interface Arrivals {
  /** Bytes that arrived and are stamped. */
  readonly length: number;
  /** When byte `index` (0 = first) was complete; NaN for one that never came. */
  timeOf(index: number): number;
  /** How many were complete at `limitNs`, inclusive. */
  upTo(limitNs: number): number;
  /** The same as plain data, for another process; `arrivalsOf` makes arrivals of it again. */
  columns(): ArrivalColumns;
}

export interface ArrivalColumns {
  readonly times: Float64Array;
  /** How many bytes had arrived with each of `times`; absent where each byte has a time of its own. */
  readonly ends?: Float64Array;
}

export function arrivalsOf({ times, ends }: ArrivalColumns): Arrivals {
  if (ends === undefined) return byteArrivals(times);
  const arrivals = new TransferArrivals();
  for (let i = 0; i < times.length; i++) arrivals.add(ends[i] - arrivals.length, times[i]);
  return arrivals;
}

/** Bytes with a stamp each, in order. */
export function byteArrivals(times: ArrayLike<number>): Arrivals {
  return {
    length: times.length,
    timeOf: (index) => times[index] ?? Number.NaN,
    upTo: (limitNs) => countUpTo(times, limitNs),
    columns: () => ({ times: Float64Array.from(times) }),
  };
}

const FIRST_CAPACITY = 1 << 12;

/** Bytes that come by the transfer: 16 bytes of memory for each of those. Adding one allocates only when the arrays double. */
export class TransferArrivals implements Arrivals {
  #times = new Float64Array(FIRST_CAPACITY);
  /** Bytes that had arrived with each transfer. */
  #ends = new Float64Array(FIRST_CAPACITY);
  #count = 0;

  get length(): number {
    return this.#count === 0 ? 0 : this.#ends[this.#count - 1];
  }

  /** Transfers that brought something. */
  get transfers(): number {
    return this.#count;
  }

  /** `bytes` more were complete at `atNs`, which must not decrease. */
  add(bytes: number, atNs: number): void {
    if (bytes === 0) return;
    if (this.#count === this.#times.length) this.#grow();
    this.#times[this.#count] = atNs;
    this.#ends[this.#count] = this.length + bytes;
    this.#count++;
  }

  /** Number of the transfer (0 = first) that holds byte `index`; -1 when none does. */
  transferOf(index: number): number {
    if (index < 0 || index >= this.length) return -1;
    return countUpTo(this.#ends.subarray(0, this.#count), index);
  }

  timeOf(index: number): number {
    const transfer = this.transferOf(index);
    return transfer < 0 ? Number.NaN : this.#times[transfer];
  }

  upTo(limitNs: number): number {
    const transfers = countUpTo(this.#times.subarray(0, this.#count), limitNs);
    return transfers === 0 ? 0 : this.#ends[transfers - 1];
  }

  columns(): ArrivalColumns {
    return { times: this.#times.slice(0, this.#count), ends: this.#ends.slice(0, this.#count) };
  }

  #grow(): void {
    const grown = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const next = new Float64Array(2 * old.length);
      next.set(old);
      return next;
    };
    this.#times = grown(this.#times);
    this.#ends = grown(this.#ends);
  }
}
