/** Whether everything arrived, once and in order: counter continuity and conservation of characters. */

import type { Arrivals } from './arrivals.js';

export interface Continuity {
  readonly count: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
}

/**
 * Walks a counter of `bits` bits that should go up by one from `first`. A step of 0 is a duplicate, a forward step of
 * less than half the range lost what it skips, a longer one means that an older value came late. A loss of a multiple of
 * the whole range is invisible to it: check the elapsed time as well.
 */
export function counterContinuity(values: ArrayLike<number>, bits: number, first = 0): Continuity {
  const range = 2 ** bits;
  let expected = first;
  let lost = 0;
  let duplicated = 0;
  let reordered = 0;
  for (let i = 0; i < values.length; i++) {
    const ahead = modulo(values[i] - expected, range);
    if (ahead < range / 2) {
      lost += ahead;
      expected = modulo(values[i] + 1, range);
    } else if (ahead === range - 1) {
      duplicated++;
    } else {
      // It was counted as lost when its successors came; now it is there, only late.
      reordered++;
      if (lost > 0) lost--;
    }
  }
  return { count: values.length, lost, duplicated, reordered };
}

function modulo(value: number, range: number): number {
  const rest = value % range;
  return rest < 0 ? rest + range : rest;
}

export interface Conservation {
  /** Complete on the wire by the time of the guest's count. */
  readonly arrived: number;
  /** What the guest says it read. */
  readonly read: number;
  /** What the path says it lost. */
  readonly reportedLost: number;
  /** Arrived, but neither read nor reported lost. Negative when the guest claims more than came. */
  readonly missing: number;
  /** How many of those may still be on their way: arrived within the allowance before the count. */
  readonly inFlight: number;
}

/**
 * Arrived = read + reported lost + in flight. `countedAtNs` is when the guest took its
 * count; `allowanceNs` is how long a character may be on its way.
 */
export function conservation(
  arrivals: Arrivals,
  read: number,
  reportedLost: number,
  countedAtNs: number,
  allowanceNs: number,
): Conservation {
  const arrived = arrivals.upTo(countedAtNs);
  const inFlight = arrived - arrivals.upTo(countedAtNs - allowanceNs);
  return { arrived, read, reportedLost, missing: arrived - read - reportedLost, inFlight };
}

/** How many of the ascending `times` are not after `limit`. */
export function countUpTo(times: ArrayLike<number>, limit: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
