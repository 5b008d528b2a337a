/** One run of the RV-DAQ16's converter: which scan is taken when, what it yields, and what finds no room. */

import type { Random } from '../../../base/index.js';
import { CLOCK_HZ } from './registers.js';
import type { NumberedFifo } from './sample-fifo.js';

/** Code of a sample: of `channel`, at `timeNs`. */
export type BoardConverter = (channel: number, timeNs: number) => number;

export interface ConversionOptions {
  readonly startNs: number;
  /** Board clock cycles between scans. */
  readonly divisor: number;
  readonly clockPpm: number;
  readonly jitterNs: number;
  readonly random: Random;
  /** Channel numbers in the order of the samples; none converts nothing. */
  readonly channels: readonly number[];
  /** Samples count up instead of being converted. */
  readonly isCounter: boolean;
  readonly fifo: NumberedFifo;
  readonly convert: BoardConverter;
}

/** A jitter beyond this share of a period would let scans overtake each other. */
const MOST_JITTER = 0.45;

/** Scans are taken when someone looks, at the instants at which they were due. */
export class Conversion {
  /** Exact, clock error included. */
  readonly periodNs: number;
  /** Samples converted, lost ones included. */
  samples = 0;
  /** Samples that found the FIFO full. */
  lost = 0;
  /** When the first scan was lost. */
  firstLostNs: number | undefined;
  readonly #options: ConversionOptions;
  #scans = 0;
  #nextNs: number;

  constructor(options: ConversionOptions) {
    this.#options = options;
    this.periodNs = (options.divisor * 1e9) / (CLOCK_HZ * (1 + options.clockPpm * 1e-6));
    this.#nextNs = options.channels.length === 0 ? Number.POSITIVE_INFINITY : this.#instant();
  }

  /** When the FIFO will hold `samples` if nothing leaves it; infinite when it never will. */
  dueNs(samples: number): number {
    const { fifo, channels } = this.#options;
    if (channels.length === 0 || samples > fifo.capacity) return Number.POSITIVE_INFINITY;
    const scans = Math.ceil((samples - fifo.length) / channels.length);
    return scans <= 1 ? this.#nextNs : this.nominalNs(this.#scans + scans - 1);
  }

  /** Takes every scan that was due by `nowNs`. A scan that does not fit is lost as a whole. */
  advance(nowNs: number): void {
    const { fifo, channels, isCounter, convert } = this.#options;
    while (this.#nextNs <= nowNs) {
      const hasRoom = fifo.room >= channels.length;
      if (!hasRoom) {
        this.lost += channels.length;
        this.firstLostNs ??= this.#nextNs;
      }
      for (let i = 0; hasRoom && i < channels.length; i++) {
        const number = this.samples + i;
        fifo.push(isCounter ? number & 0xffff : convert(channels[i], this.#nextNs), number, this.#nextNs);
      }
      this.samples += channels.length;
      this.#scans++;
      this.#nextNs = this.#instant();
    }
  }

  /** When scan `scan` (0 = first) is due, jitter aside. */
  nominalNs(scan: number): number {
    return this.#options.startNs + Math.ceil((scan + 1) * this.periodNs);
  }

  #instant(): number {
    const { jitterNs, random } = this.#options;
    const nominal = this.nominalNs(this.#scans);
    if (jitterNs === 0) return nominal;
    const limit = MOST_JITTER * this.periodNs;
    return nominal + Math.round(Math.max(-limit, Math.min(limit, random.gaussian() * jitterNs)));
  }
}
