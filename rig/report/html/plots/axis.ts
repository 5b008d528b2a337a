/** Axes of durations, counts and percentiles: where a value lies and which values are named. */

import { scaleLinear, scaleLog } from 'd3-scale';
import { formatValue } from '../../../metrics/measurement.js';

export interface Tick {
  readonly at: number;
  readonly text: string;
}

export interface Axis {
  /** Place of a value in the drawing, in user units. */
  readonly place: (value: number) => number;
  readonly ticks: readonly Tick[];
  readonly title: string;
}

/** From and to: of values, or of places in the drawing. */
export type Span = readonly [number, number];

export interface DurationAxisOptions {
  /** What is measured. */
  readonly name: string;
  readonly ticks: number;
  /** Starts at 0 where the values allow it, so that lengths compare. */
  readonly fromZero?: boolean;
  /** Logarithmic when the values span more than two decades. */
  readonly mayBeLog?: boolean;
}

const UNITS: readonly (readonly [number, string])[] = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'us'],
  [1, 'ns'],
];

const LOG_FROM_RATIO = 100;
/** Values whose differences are smaller than this part of them are shown by their distance from a round one. */
const OFFSET_BELOW = 1e-3;

function unitOf(ns: number): readonly [number, string] {
  return UNITS.find(([step]) => ns >= step) ?? UNITS[UNITS.length - 1];
}

/** Least and greatest, without what is no number. */
export function extent(values: Iterable<number>): Span {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

/** Nanoseconds, in the unit that fits; around a round offset where the values hardly differ. */
export function durationAxis(values: Span, places: Span, options: DurationAxisOptions): Axis {
  const [low, high] = values;
  if (options.mayBeLog === true && low > 0 && high / low > LOG_FROM_RATIO) return logAxis(values, places, options.name);
  const span = high - low;
  const greatest = Math.max(Math.abs(low), Math.abs(high));
  if (options.fromZero !== true && span > 0 && span < OFFSET_BELOW * greatest)
    return offsetAxis(values, places, options);
  const [divisor, unit] = unitOf(greatest);
  const margin = span > 0 ? 0.06 * span : Math.max(0.05 * greatest, 1);
  const from = options.fromZero === true ? Math.min(0, low) : low - margin;
  // A margin does not lead below zero where no value does.
  const least = low >= 0 ? Math.max(0, from) : from;
  const scale = scaleLinear([least / divisor, (high + margin) / divisor], places);
  const format = scale.tickFormat(options.ticks);
  return {
    place: (ns) => scale(ns / divisor),
    ticks: scale.ticks(options.ticks).map((at) => ({ at: at * divisor, text: format(at) })),
    title: `${options.name} (${unit})`,
  };
}

function offsetAxis([low, high]: Span, places: Span, options: DurationAxisOptions): Axis {
  const step = 10 ** Math.ceil(Math.log10(high - low));
  const offset = Math.round((low + high) / 2 / step) * step;
  const margin = 0.06 * (high - low);
  const shifted: Span = [low - margin - offset, high + margin - offset];
  const [divisor, unit] = unitOf(Math.max(Math.abs(shifted[0]), Math.abs(shifted[1])));
  const scale = scaleLinear([shifted[0] / divisor, shifted[1] / divisor], places);
  const format = scale.tickFormat(options.ticks);
  const [offsetDivisor, offsetUnit] = unitOf(offset);
  return {
    place: (ns) => scale((ns - offset) / divisor),
    ticks: scale.ticks(options.ticks).map((at) => ({ at: at * divisor + offset, text: format(at) })),
    title: `${options.name} \u2212 ${offset / offsetDivisor} ${offsetUnit} (${unit})`,
  };
}

/** In a decade of so many pixels there is room for three labels. */
const ROOMY_DECADE_PX = 180;

/** Decades; where there is room for them, also 2 and 5 times. */
export function logAxis([low, high]: Span, places: Span, name: string): Axis {
  const scale = scaleLog([low, Math.max(high, low * 2)], places);
  const decadePx = Math.abs(places[1] - places[0]) / Math.log10(high / low);
  const named = scale.ticks().filter((at) => isMultipleOfDecade(at, decadePx >= ROOMY_DECADE_PX ? [1, 2, 5] : [1]));
  return {
    place: (ns) => scale(ns),
    ticks: named.map((at) => ({ at, text: formatValue(Number(at.toPrecision(3)), 'ns') })),
    title: `${name} (log)`,
  };
}

function isMultipleOfDecade(value: number, multiples: readonly number[]): boolean {
  const mantissa = Number(value.toExponential(3).split('e')[0]);
  return multiples.includes(mantissa);
}

/** Counts on a logarithmic axis that shows 1 above its foot. */
export function countAxis(most: number, places: Span): Axis {
  const scale = scaleLog([0.7, Math.max(2, most * 1.3)], places);
  const ticks = scale.ticks().filter((at) => at >= 1 && isMultipleOfDecade(at, most < 8 ? [1, 2, 5] : [1]));
  return {
    place: (count) => scale(Math.max(0.7, count)),
    ticks: ticks.map((at) => ({ at, text: String(at) })),
    title: 'intervals (log)',
  };
}

/** Room of a text like `99.9 %`, in user units. */
const LEAST_APART = 36;

const PERCENTS: readonly string[] = ['0', '50', '90', '99', '99.9', '99.99', '99.999', '99.9999'];

/** The axis 1/(1-p): every decade of rarity is as wide as the one before. Values are p from 0 to below 1. */
export function percentileAxis(greatestP: number, places: Span): Axis {
  const rarity = (p: number): number => -Math.log10(1 - p);
  const scale = scaleLinear([0, Math.max(rarity(greatestP), 0.5)], places);
  const place = (p: number): number => scale(rarity(p));
  const ticks = PERCENTS.map((text) => ({ at: Number(text) / 100, text: `${text} %` })).filter(
    ({ at }) => at <= greatestP,
  );
  return {
    place,
    // The first ones stand close together where the axis is long.
    ticks: ticks.filter(({ at }, i) => i === ticks.length - 1 || place(ticks[i + 1].at) - place(at) >= LEAST_APART),
    title: 'percentile, on the axis 1/(1\u2212p)',
  };
}
