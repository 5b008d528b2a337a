/** Clock domains: virtual and wall time are different types, and nothing but an injected clock tells the time. */

import { TimerQueue } from './timer-queue.js';

/** The two time bases of the rig. A value of one is never compared with a value of the other. */
export type ClockDomain = 'virtual' | 'wall';

declare const domainTag: unique symbol;

/** Integer nanoseconds on the clock of one domain. Exact up to 2^53 ns (104 days). */
export type Ns<D extends ClockDomain = ClockDomain> = number & { readonly [domainTag]?: D };
export type VirtualNs = Ns<'virtual'>;
export type WallNs = Ns<'wall'>;

export const NS_PER_SECOND = 1_000_000_000;
export const NS_PER_MS = 1_000_000;
export const NS_PER_US = 1_000;

/**
 * A one-shot callback that a clock fires. Allocate it once and schedule it again and again:
 * scheduling allocates nothing. A timer belongs to at most one clock at a time.
 */
export class Timer {
  /** When it fires, on the clock it is scheduled on; meaningless while it is not armed. */
  dueNs = 0;
  /** Order among timers due at the same nanosecond: first scheduled, first fired. */
  sequence = 0;
  /** Position in its clock's queue, -1 while not armed. Owned by the queue. */
  heapIndex = -1;

  constructor(readonly fire: () => void) {}

  get armed(): boolean {
    return this.heapIndex >= 0;
  }
}

/** What every timed part of the rig is given instead of a host clock. */
export interface Clock<D extends ClockDomain = ClockDomain> {
  readonly domain: D;
  /** Now, in integer nanoseconds since the clock's origin. Never decreases. */
  now(): Ns<D>;
  /** Arms `timer` for `dueNs`; an armed timer is moved. A due time in the past fires as soon as the clock runs timers. */
  schedule(timer: Timer, dueNs: Ns<D>): void;
  /** Disarms `timer`; does nothing when it is not armed. */
  cancel(timer: Timer): void;
}

/**
 * Virtual time: moves only when it is told to. Timers fire in order of (due time, order of scheduling),
 * with `now()` equal to their due time, so the same calls give the same history on every machine.
 */
export class VirtualClock implements Clock<'virtual'> {
  readonly domain = 'virtual';
  readonly #queue = new TimerQueue();
  #nowNs = 0;

  now(): VirtualNs {
    return this.#nowNs;
  }

  schedule(timer: Timer, dueNs: VirtualNs): void {
    this.#queue.add(timer, dueNs < this.#nowNs ? this.#nowNs : dueNs);
  }

  cancel(timer: Timer): void {
    this.#queue.remove(timer);
  }

  /** Due time of the next timer, `Infinity` when none is armed. */
  nextDueNs(): VirtualNs {
    return this.#queue.nextDueNs();
  }

  /** Fires every timer due at or before `targetNs`, in order, then stands at `targetNs` (or later, if it already did). */
  advanceTo(targetNs: VirtualNs): void {
    for (let timer = this.#queue.takeDue(targetNs); timer !== undefined; timer = this.#queue.takeDue(targetNs)) {
      if (timer.dueNs > this.#nowNs) this.#nowNs = timer.dueNs;
      timer.fire();
    }
    if (targetNs > this.#nowNs) this.#nowNs = targetNs;
  }

  /** Runs timers until none is armed or the next one lies beyond `limitNs`. Returns whether the queue ran empty. */
  runUntilIdle(limitNs: VirtualNs): boolean {
    for (let due = this.nextDueNs(); due <= limitNs; due = this.nextDueNs()) {
      if (due === Number.POSITIVE_INFINITY) return true;
      this.advanceTo(due);
    }
    return this.nextDueNs() === Number.POSITIVE_INFINITY;
  }
}
