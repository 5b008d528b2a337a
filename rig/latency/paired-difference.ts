/** By how much one distribution lies below another, with confidence intervals, from rounds that were measured in turn. */

import { createRandom } from '../../base/index.js';

export interface Interval {
  readonly value: number;
  /** 95 % confidence interval. */
  readonly low: number;
  readonly high: number;
}

export interface QuantileDifference {
  readonly p: number;
  readonly first: Interval;
  readonly second: Interval;
  /** Second less first: above 0 where the first is the quicker. */
  readonly difference: Interval;
}

const RESAMPLES = 1_000;
const LOW = 0.025;
const HIGH = 0.975;

/** Quantile by nearest rank of values in ascending order. */
export function sortedQuantile(sorted: ArrayLike<number>, p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))];
}

/**
 * Bootstrap over rounds, not over samples: neighbours in time share the state of the machine, so a round is what was drawn
 * independently (Davison, Hinkley, Bootstrap Methods and their Application, 8.2.3). Both sides draw the same rounds, since round i of both was
 * measured together. The same input gives the same intervals.
 */
export function quantileDifference(
  first: readonly Float64Array[],
  second: readonly Float64Array[],
  p: number,
): QuantileDifference {
  const rounds = Math.min(first.length, second.length);
  const random = createRandom('bootstrap');
  const all = Array.from({ length: rounds }, (_, i) => i);
  const of = (picked: readonly number[]): [number, number] => [pooled(first, picked, p), pooled(second, picked, p)];
  const [a, b] = of(all);
  const draws = Array.from({ length: RESAMPLES }, () => of(all.map(() => random.below(rounds))));
  return {
    p,
    first: interval(
      a,
      draws.map(([x]) => x),
    ),
    second: interval(
      b,
      draws.map(([, y]) => y),
    ),
    difference: interval(
      b - a,
      draws.map(([x, y]) => y - x),
    ),
  };
}

function pooled(rounds: readonly Float64Array[], picked: readonly number[], p: number): number {
  const length = picked.reduce((sum, index) => sum + rounds[index].length, 0);
  const values = new Float64Array(length);
  let at = 0;
  for (const index of picked) {
    values.set(rounds[index], at);
    at += rounds[index].length;
  }
  return sortedQuantile(values.sort(), p);
}

function interval(value: number, draws: readonly number[]): Interval {
  const sorted = Float64Array.from(draws).sort();
  return { value, low: sortedQuantile(sorted, LOW), high: sortedQuantile(sorted, HIGH) };
}
