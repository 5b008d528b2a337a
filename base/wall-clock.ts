/** Wall time: the host's monotonic clock, the only place in the project that reads it for measurement. */

import type { Clock, Timer, WallNs } from './clock.js';
import { TimerQueue } from './timer-queue.js';

/** Longest single host timer; longer waits are cut into several (the host's limit is 2^31 ms). */
const MAX_SLEEP_MS = 60_000;

/** Where a wall clock begins: one instant on two clocks of the host. */
export interface WallOrigin {
  readonly unixNs: bigint;
  /** `CLOCK_MONOTONIC`. */
  readonly monotonicNs: bigint;
}

export interface WallClockOptions {
  /** That of another clock, which this one is to agree with; now when absent. */
  readonly origin?: WallOrigin;
  /** No host timer fires anything: the thread that has this clock calls `runDue`, because its event loop stands still. */
  readonly polled?: boolean;
}

/**
 * Monotonic host time since the clock was made. Timers fire from the event loop, never early,
 * and as late as the host's timer resolution (about 1 ms) and its load make them.
 */
export class WallClock implements Clock<'wall'> {
  readonly domain = 'wall';
  /** `CLOCK_MONOTONIC` at the origin: the same in every process of this host, so stamps from a child can be moved here. */
  readonly originMonotonicNs: bigint;
  /** Unix time of the origin, in nanoseconds; its resolution is 1 ms. */
  readonly originUnixNs: bigint;
  readonly #queue = new TimerQueue();
  readonly #isPolled: boolean;
  #host: NodeJS.Timeout | undefined;

  constructor(options: WallClockOptions = {}) {
    this.originUnixNs = options.origin?.unixNs ?? BigInt(Date.now()) * 1_000_000n;
    this.originMonotonicNs = options.origin?.monotonicNs ?? process.hrtime.bigint();
    this.#isPolled = options.polled === true;
  }

  /** For clocks of other threads and processes that are to tell the same time. */
  get origin(): WallOrigin {
    return { unixNs: this.originUnixNs, monotonicNs: this.originMonotonicNs };
  }

  now(): WallNs {
    return Number(process.hrtime.bigint() - this.originMonotonicNs);
  }

  /** Moves a `CLOCK_MONOTONIC` stamp, taken in any process of this host, onto this clock. */
  fromMonotonic(monotonicNs: bigint): WallNs {
    return Number(monotonicNs - this.originMonotonicNs);
  }

  nextDueNs(): WallNs {
    return this.#queue.nextDueNs();
  }

  schedule(timer: Timer, dueNs: WallNs): void {
    this.#queue.add(timer, dueNs);
    this.#arm();
  }

  cancel(timer: Timer): void {
    this.#queue.remove(timer);
    this.#arm();
  }

  /** Fires what is due now; the host timer calls it, and so may a loop that holds the thread for long. */
  runDue(): void {
    const nowNs = this.now();
    for (let timer = this.#queue.takeDue(nowNs); timer !== undefined; timer = this.#queue.takeDue(nowNs)) timer.fire();
    this.#arm();
  }

  #arm(): void {
    if (this.#isPolled) return;
    clearTimeout(this.#host);
    this.#host = undefined;
    const dueNs = this.#queue.nextDueNs();
    if (dueNs === Number.POSITIVE_INFINITY) return;
    const ms = Math.min(MAX_SLEEP_MS, Math.max(0, Math.ceil((dueNs - this.now()) / 1e6)));
    this.#host = setTimeout(() => this.runDue(), ms);
  }
}
