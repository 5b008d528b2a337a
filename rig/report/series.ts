/** Series of a run cut down to what a plot can show: bounded in size, whatever the run was. */

import { nearestRank } from '../metrics/statistics.js';

/** A value in nanoseconds and the part of the samples (0 to 1) that it is not less than. */
export type CurvePoint = readonly [p: number, ns: number];

/** Quantile function of a set of durations, with its upper end kept sample by sample. */
export interface PercentileCurve {
  readonly count: number;
  readonly points: readonly CurvePoint[];
}

/** A time and a value, both in nanoseconds. */
export type TimePoint = readonly [atNs: number, ns: number];

/** Values over time; where there are more than a plot has columns, the least and the greatest of each column. */
export interface TimeSeries {
  readonly count: number;
  readonly points: readonly TimePoint[];
}

/** Counts in bins of one width: `counts[i]` lie in `[(first + i) * widthNs, (first + i + 1) * widthNs)`. */
export interface Histogram {
  readonly widthNs: number;
  readonly first: number;
  readonly counts: readonly number[];
}

const CURVE_POINTS = 256;
/** Those that people ask for are kept exactly. */
const NAMED = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999];
/** Samples at the upper end that are kept one by one. */
const TAIL_POINTS = 64;
const COLUMNS = 400;
const FINE_BINS = 1024;

/** Place of the sample of `rank` (from 1) among `count`: in the middle of its step, so that the last is not at 1. */
function plottingPosition(rank: number, count: number): number {
  return (rank - 0.5) / count;
}

/** Of the magnitudes, evenly spaced on the axis 1/(1-p). */
export function percentileCurve(samples: ArrayLike<number>): PercentileCurve {
  const sorted = Float64Array.from(samples, Math.abs).sort();
  const count = sorted.length;
  const ranks = new Set<number>();
  if (count > 0) ranks.add(1);
  for (const p of NAMED) if (count > 0) ranks.add(nearestRank(count, p));
  const end = Math.log10(2 * count);
  for (let i = 1; i < CURVE_POINTS && count > 0; i++)
    ranks.add(nearestRank(count, 1 - 10 ** -((i / CURVE_POINTS) * end)));
  for (let rank = Math.max(1, count - TAIL_POINTS + 1); rank <= count; rank++) ranks.add(rank);
  const points = [...ranks]
    .sort((a, b) => a - b)
    .map((rank): CurvePoint => [plottingPosition(rank, count), sorted[rank - 1]]);
  return { count, points };
}

/** `valuesNs[i]` at `timesNs[i]`; times do not decrease. */
export function timeSeries(timesNs: ArrayLike<number>, valuesNs: ArrayLike<number>): TimeSeries {
  const count = Math.min(timesNs.length, valuesNs.length);
  const at = (i: number): TimePoint => [timesNs[i], valuesNs[i]];
  if (count <= 2 * COLUMNS) return { count, points: Array.from({ length: count }, (_, i) => at(i)) };
  const points: TimePoint[] = [];
  const startNs = timesNs[0];
  const spanNs = timesNs[count - 1] - startNs || 1;
  const column = (i: number): number => Math.min(COLUMNS - 1, Math.floor(((timesNs[i] - startNs) / spanNs) * COLUMNS));
  for (let i = 0; i < count; ) {
    let least = i;
    let greatest = i;
    const here = column(i);
    do {
      if (valuesNs[i] < valuesNs[least]) least = i;
      if (valuesNs[i] > valuesNs[greatest]) greatest = i;
      i++;
    } while (i < count && column(i) === here);
    points.push(at(Math.min(least, greatest)));
    if (least !== greatest) points.push(at(Math.max(least, greatest)));
  }
  return { count, points };
}

/** Widths 1, 2, 10, 20, 100 ... ns: each divides the next, so that finer bins merge into coarser ones exactly. */
function nextWidth(widthNs: number): number {
  return /^1/.test(String(widthNs)) ? 2 * widthNs : 5 * widthNs;
}

/** At most 1,024 bins. */
export function histogram(samples: ArrayLike<number>): Histogram {
  if (samples.length === 0) return { widthNs: 1, first: 0, counts: [] };
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < samples.length; i++) {
    min = Math.min(min, samples[i]);
    max = Math.max(max, samples[i]);
  }
  let widthNs = 1;
  const bin = (ns: number): number => Math.floor(ns / widthNs);
  while (bin(max) - bin(min) >= FINE_BINS) widthNs = nextWidth(widthNs);
  const first = bin(min);
  const counts = new Array<number>(bin(max) - first + 1).fill(0);
  for (let i = 0; i < samples.length; i++) counts[bin(samples[i]) - first]++;
  return { widthNs, first, counts };
}

/**
 * The same counts in bins of one width, 1, 2 or 5 times a power of ten, wide enough for all of `histograms` to span at
 * most `most` bins together.
 */
export function commonBins(histograms: readonly Histogram[], most: number): Histogram[] {
  const filled = histograms.filter(({ counts }) => counts.length > 0);
  if (filled.length === 0) return [...histograms];
  const lowNs = Math.min(...filled.map(({ first, widthNs }) => first * widthNs));
  const highNs = Math.max(...filled.map(({ first, widthNs, counts }) => (first + counts.length) * widthNs));
  const finestNs = Math.max(...filled.map((h) => h.widthNs));
  let decade = 1;
  for (;;) {
    // Only whole bins can be put together.
    for (const widthNs of [decade, 2 * decade, 5 * decade])
      if (widthNs % finestNs === 0 && Math.ceil(highNs / widthNs) - Math.floor(lowNs / widthNs) <= most)
        return histograms.map((h) => merge(h, widthNs));
    decade *= 10;
  }
}

function merge({ widthNs, first, counts }: Histogram, widerNs: number): Histogram {
  const ratio = widerNs / widthNs;
  if (counts.length === 0) return { widthNs: widerNs, first: 0, counts };
  const start = Math.floor(first / ratio);
  const merged = new Array<number>(Math.floor((first + counts.length - 1) / ratio) - start + 1).fill(0);
  counts.forEach((count, i) => {
    merged[Math.floor((first + i) / ratio) - start] += count;
  });
  return { widthNs: widerNs, first: start, counts: merged };
}
