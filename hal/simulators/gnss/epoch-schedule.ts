/** When epochs happen: on multiples of the period in UTC, seen through a sample clock that is off by some ppm. */

export class EpochSchedule {
  readonly #ppb: number;

  /** The clock stood at `startNs` when the true time was `startUtcMs`. */
  constructor(
    readonly startNs: number,
    readonly startUtcMs: number,
    clockPpm: number,
  ) {
    this.#ppb = Math.round(clockPpm * 1000);
  }

  /** When the receiver takes it to be `utcMs`, on the clock, in integer nanoseconds: never an accumulated rounding. */
  eventNs(utcMs: number): number {
    const elapsedNs = (utcMs - this.startUtcMs) * 1_000_000;
    return this.startNs + elapsedNs - Math.round((elapsedNs * this.#ppb) / (1e9 + this.#ppb));
  }

  /** The first multiple of `periodMs` later than `afterUtcMs` that does not lie in the past at `nowNs`. */
  nextUtcMs(nowNs: number, periodMs: number, afterUtcMs: number): number {
    // A little before the estimate, so that rounding cannot make it skip an epoch.
    const estimateMs = this.startUtcMs + Math.floor(((nowNs - this.startNs) * (1 + this.#ppb / 1e9)) / 1_000_000);
    const earliestMs = Math.max(this.startUtcMs, afterUtcMs + 1, estimateMs - 2);
    let utcMs = Math.ceil(earliestMs / periodMs) * periodMs;
    while (this.eventNs(utcMs) < nowNs) utcMs += periodMs;
    return utcMs;
  }
}
