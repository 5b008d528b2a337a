/** One analogue input scan: which sample is taken when, and when the FIFO has no room for it. */

import { PACER_HZ, SCAN_OPTION } from './protocol.js';
import type { SampleFifo } from './sample-fifo.js';

export interface ScanRequest {
  /** 0: until it is stopped. */
  readonly count: number;
  readonly pacerPeriod: number;
  readonly channelMask: number;
  readonly options: number;
}

/** What is known to be true of a scan. */
export interface ScanTruth {
  readonly startNs: number;
  /** Exact, clock error included. */
  readonly periodNs: number;
  /** Channel numbers in the order of the samples. */
  readonly channels: readonly number[];
  readonly isCounter: boolean;
  /** Scans taken so far. */
  readonly scans: number;
  /** When a scan found no room in the FIFO; undefined while none did. */
  readonly overrunNs: number | undefined;
}

/** Value of a sample: of `channel`, at `timeNs`. */
export type Converter = (channel: number, timeNs: number) => number;

/** Samples are made when someone looks, at the instants at which they were due: nothing is lost by looking seldom. */
export class Scan implements ScanTruth {
  readonly periodNs: number;
  readonly channels: readonly number[];
  readonly isCounter: boolean;
  readonly isImmediate: boolean;
  readonly inhibitsStall: boolean;
  scans = 0;
  overrunNs: number | undefined;
  /** Samples are taken. */
  running = true;
  readonly #fifo: SampleFifo;
  readonly #convert: Converter;
  readonly #count: number;
  #counter = 0;

  constructor(
    request: ScanRequest,
    readonly startNs: number,
    clockPpm: number,
    fifo: SampleFifo,
    convert: Converter,
  ) {
    const { count, pacerPeriod, channelMask, options } = request;
    this.periodNs = ((pacerPeriod + 1) * 1e9) / (PACER_HZ * (1 + clockPpm * 1e-6));
    this.channels = [0, 1, 2, 3, 4, 5, 6, 7].filter((channel) => (channelMask & (1 << channel)) !== 0);
    this.isCounter = (options & SCAN_OPTION.debug) !== 0;
    this.isImmediate = (options & SCAN_OPTION.immediate) !== 0;
    this.inhibitsStall = (options & SCAN_OPTION.inhibitStall) !== 0;
    this.#count = count;
    this.#fifo = fifo;
    this.#convert = convert;
  }

  /** Whether `count` scans were taken. */
  get isComplete(): boolean {
    return this.#count !== 0 && this.scans === this.#count;
  }

  /** When scan `index` (0 = first) is taken. */
  timeOf(index: number): number {
    return this.startNs + Math.ceil((index + 1) * this.periodNs);
  }

  /** When `bytes` will wait, if nothing is taken out meanwhile; infinite when they never will. */
  dueNs(bytes: number): number {
    if (!this.running) return Number.POSITIVE_INFINITY;
    const missing = Math.ceil((bytes - 2 * this.#fifo.length) / (2 * this.channels.length));
    const last = this.scans + Math.max(1, missing) - 1;
    const bounded = this.#count === 0 ? last : Math.min(last, this.#count - 1);
    return this.timeOf(bounded);
  }

  /** Takes every scan that was due by `nowNs`. */
  advance(nowNs: number): void {
    const { channels } = this;
    while (this.running) {
      const atNs = this.timeOf(this.scans);
      if (atNs > nowNs) return;
      if (this.#fifo.room < channels.length) {
        this.overrunNs = atNs;
        this.running = false;
        return;
      }
      for (let i = 0; i < channels.length; i++)
        this.#fifo.push(this.isCounter ? this.#counter++ & 0xffff : this.#convert(channels[i], atNs));
      this.scans++;
      if (this.isComplete) this.running = false;
    }
  }

  stop(): void {
    this.running = false;
  }
}
