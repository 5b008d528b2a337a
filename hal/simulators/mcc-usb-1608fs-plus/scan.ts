/** One analogue input scan: which sample is taken when, and the FIFO it goes to. */

import { FIFO_SAMPLES, PACER_HZ, SCAN_OPTION } from './protocol.js';

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
  readonly #fifo = new Uint16Array(FIFO_SAMPLES);
  readonly #convert: Converter;
  readonly #count: number;
  #counter = 0;
  #start = 0;
  #length = 0;
  #sentSamples = 0;

  constructor(
    request: ScanRequest,
    readonly startNs: number,
    clockPpm: number,
    convert: Converter,
  ) {
    const { count, pacerPeriod, channelMask, options } = request;
    this.periodNs = ((pacerPeriod + 1) * 1e9) / (PACER_HZ * (1 + clockPpm * 1e-6));
    this.channels = [0, 1, 2, 3, 4, 5, 6, 7].filter((channel) => (channelMask & (1 << channel)) !== 0);
    this.isCounter = (options & SCAN_OPTION.debug) !== 0;
    this.isImmediate = (options & SCAN_OPTION.immediate) !== 0;
    this.inhibitsStall = (options & SCAN_OPTION.inhibitStall) !== 0;
    this.#count = count;
    this.#convert = convert;
  }

  /** Bytes that wait. */
  get waiting(): number {
    return 2 * this.#length;
  }

  /** Everything was sampled and sent. */
  get isDone(): boolean {
    return !this.running && this.#length === 0;
  }

  /** Bytes sent so far. */
  get sentBytes(): number {
    return 2 * this.#sentSamples;
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
    const missing = Math.ceil((bytes - this.waiting) / (2 * this.channels.length));
    const last = this.scans + Math.max(1, missing) - 1;
    const bounded = this.#count === 0 ? last : Math.min(last, this.#count - 1);
    return this.timeOf(bounded);
  }

  /** Takes every scan that was due by `nowNs`. */
  advance(nowNs: number): void {
    while (this.running && this.timeOf(this.scans) <= nowNs) {
      const atNs = this.timeOf(this.scans);
      if (this.#length + this.channels.length > FIFO_SAMPLES) {
        this.overrunNs = atNs;
        this.running = false;
        return;
      }
      for (const channel of this.channels)
        this.#push(this.isCounter ? this.#counter++ & 0xffff : this.#convert(channel, atNs));
      this.scans++;
      if (this.isComplete) this.running = false;
    }
  }

  stop(): void {
    this.running = false;
  }

  clear(): void {
    this.#length = 0;
  }

  /** Takes up to `bytes` out, whole samples. */
  read(target: Uint8Array, offset: number, bytes: number): number {
    const samples = Math.min(bytes >> 1, this.#length);
    for (let i = 0; i < samples; i++) {
      const sample = this.#fifo[(this.#start + i) & (FIFO_SAMPLES - 1)];
      target[offset + 2 * i] = sample;
      target[offset + 2 * i + 1] = sample >> 8;
    }
    this.#start = (this.#start + samples) & (FIFO_SAMPLES - 1);
    this.#length -= samples;
    this.#sentSamples += samples;
    return 2 * samples;
  }

  #push(sample: number): void {
    this.#fifo[(this.#start + this.#length) & (FIFO_SAMPLES - 1)] = sample;
    this.#length++;
  }
}
