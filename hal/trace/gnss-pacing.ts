/** Reconstructs when the characters of an untimed GNSS log were sent. */

import type { TimeMarks } from './gnss-time-scanner.js';

/** A stretch of characters sent back to back. */
export interface PacedRun {
  readonly offset: number;
  readonly length: number;
  /** When its epoch begins, relative to the first one; the run waits for it, or follows at once when that is past. */
  readonly epochNs: number;
}

export interface Pacing {
  readonly runs: readonly PacedRun[];
  /** Epochs with a time. */
  readonly epochs: number;
  /** How often the receiver set its clock back, or ahead by more than an hour: the epoch then follows as the one before did. */
  readonly discontinuities: number;
}

/** Times closer than this are of one epoch: receiver time and navigation time of one solution differ by some ms. */
const SAME_EPOCH_MS = 20;
const MAX_GAP_MS = 3_600_000;
const DEFAULT_INTERVAL_MS = 1000;

/** Rates receivers have; the lowest that carries the load is assumed. */
const BAUD_RATES = [4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600] as const;
const BITS_PER_CHARACTER = 10;
const MAX_LOAD = 0.95;

/** Follows the times of a log and cuts it where an epoch begins. */
class EpochCutter {
  readonly runs: PacedRun[] = [];
  readonly #periodMs: number;
  #startOffset = 0;
  /** Of the epoch at hand: since the first, and as its receiver told it. */
  #epochMs = 0;
  #timeMs = -1;
  /** The latest time before that of the epoch at hand, while only such times come; -1 otherwise. */
  #earlierMs = -1;
  #intervalMs = DEFAULT_INTERVAL_MS;
  epochs = 0;
  discontinuities = 0;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  mark(offset: number, timeMs: number): void {
    if (this.#timeMs < 0) {
      this.#begin(offset, timeMs, 0);
      return;
    }
    const ahead = this.#ahead(timeMs, this.#timeMs);
    if (isSame(ahead, this.#periodMs)) this.#earlierMs = -1;
    else if (ahead <= MAX_GAP_MS) {
      this.#intervalMs = ahead;
      this.#begin(offset, timeMs, ahead);
    } else if (ahead <= this.#periodMs / 2 || this.#runsOnEarlier(timeMs)) {
      this.discontinuities++;
      this.#begin(offset, timeMs, this.#intervalMs);
    }
  }

  cut(offset: number): void {
    const length = offset - this.#startOffset;
    if (length > 0) this.runs.push({ offset: this.#startOffset, length, epochNs: Math.round(this.#epochMs * 1e6) });
    this.#startOffset = offset;
  }

  #begin(offset: number, timeMs: number, laterMs: number): void {
    this.cut(offset);
    this.#epochMs += laterMs;
    this.#timeMs = timeMs;
    this.#earlierMs = -1;
    this.epochs++;
  }

  /** One earlier time is a straggler; when time runs on from there, the receiver has set its clock back. */
  #runsOnEarlier(timeMs: number): boolean {
    const before = this.#earlierMs;
    this.#earlierMs = timeMs;
    if (before < 0) return false;
    const ahead = this.#ahead(timeMs, before);
    return !isSame(ahead, this.#periodMs) && ahead <= MAX_GAP_MS;
  }

  #ahead(timeMs: number, ofMs: number): number {
    return (timeMs - ofMs + this.#periodMs) % this.#periodMs;
  }
}

function isSame(aheadMs: number, periodMs: number): boolean {
  return aheadMs < SAME_EPOCH_MS || periodMs - aheadMs < SAME_EPOCH_MS;
}

/** Cuts `length` characters into epochs at the marks. What comes before the first mark belongs to no epoch and goes out first. */
export function paceEpochs(times: TimeMarks, length: number): Pacing {
  const cutter = new EpochCutter(times.periodMs);
  for (const { offset, timeMs } of times.marks) cutter.mark(offset, timeMs);
  cutter.cut(length);
  return { runs: cutter.runs, epochs: cutter.epochs, discontinuities: cutter.discontinuities };
}

/** The lowest usual baud rate, at least 4800, at which every epoch is sent before the next begins; the highest when none does. */
export function baudRateFor(pacing: Pacing): number {
  let needed = 0;
  for (let i = 0; i + 1 < pacing.runs.length; i++) {
    const { length, epochNs } = pacing.runs[i];
    const interval = pacing.runs[i + 1].epochNs - epochNs;
    if (interval > 0) needed = Math.max(needed, (length * BITS_PER_CHARACTER * 1e9) / (interval * MAX_LOAD));
  }
  return BAUD_RATES.find((rate) => rate >= needed) ?? BAUD_RATES[BAUD_RATES.length - 1];
}
