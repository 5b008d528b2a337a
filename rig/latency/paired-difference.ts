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
  const count = Math.min(first.length, second.length);
  const random = createRandom('bootstrap');
  const sides = [new PooledRounds(first.slice(0, count)), new PooledRounds(second.slice(0, count))] as const;
  const times = new Uint32Array(count).fill(1);
  const of = (): [number, number] => [sides[0].quantile(p, times), sides[1].quantile(p, times)];
  const [a, b] = of();
  const draws = Array.from({ length: RESAMPLES }, () => {
    times.fill(0);
    for (let i = 0; i < count; i++) times[random.below(count)]++;
    return of();
  });
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

/** The values of all rounds in one order, so that a quantile of any choice of rounds is one walk through them. */
class PooledRounds {
  readonly #values: Float64Array;
  /** Round of each value. */
  readonly #round: Uint32Array;
  readonly #lengths: readonly number[];

  constructor(rounds: readonly Float64Array[]) {
    this.#lengths = rounds.map((round) => round.length);
    const values = rounds.flatMap((round, index) => Array.from(round, (value) => ({ value, index })));
    values.sort((a, b) => a.value - b.value);
    this.#values = Float64Array.from(values, ({ value }) => value);
    this.#round = Uint32Array.from(values, ({ index }) => index);
  }

  /** By nearest rank; round `i` counts `times[i]` times. */
  quantile(p: number, times: Uint32Array): number {
    const total = this.#lengths.reduce((sum, length, i) => sum + length * times[i], 0);
    const rank = Math.min(total, Math.max(1, Math.ceil(p * total)));
    let seen = 0;
    for (let i = 0; i < this.#values.length; i++) {
      seen += times[this.#round[i]];
      if (seen >= rank) return this.#values[i];
    }
    return Number.NaN;
  }
}

function interval(value: number, draws: readonly number[]): Interval {
  const sorted = Float64Array.from(draws).sort();
  return { value, low: sortedQuantile(sorted, LOW), high: sortedQuantile(sorted, HIGH) };
}
