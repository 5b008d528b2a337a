/** What was measured, how sure that is, against which limit, and what follows: the unit of evidence. */

import type { ClockDomain } from '../../base/index.js';
import type { Binding, Pacing } from '../run/run-types.js';

export type Unit = 'ns' | 'Hz' | 'ppm' | 'deg' | 'm' | 'count' | '1';

/** `not-applicable`: the measurement means nothing in this binding, clock or pacing, and decides nothing. */
export type Outcome = 'pass' | 'fail' | 'inconclusive' | 'not-applicable';

/** The modes in which a measurement means something. */
export interface Validity {
  readonly clocks: readonly ClockDomain[];
  readonly bindings: readonly Binding[];
  readonly pacings: readonly Pacing[];
}

export const VALID_EVERYWHERE: Validity = {
  clocks: ['virtual', 'wall'],
  bindings: ['sim', 'replay', 'real'],
  pacings: ['physical', 'modelled', 'recorded', 'reconstructed'],
};

/** For whatever depends on when the device sent: a log without stamps has lost that. */
export const VALID_WITH_DEVICE_TIMES: Validity = {
  ...VALID_EVERYWHERE,
  pacings: ['physical', 'modelled', 'recorded'],
};

/** In which mode a run was made. */
export interface RunMode {
  readonly clockDomain: ClockDomain;
  readonly binding: Binding;
  readonly pacing: Pacing;
}

/** A value and the interval that holds the true one (95 % where it is statistical, certain where it is a resolution). */
export interface Estimate {
  readonly name: string;
  /** What it was measured on: a channel, a guest, the line. */
  readonly subject: string;
  readonly unit: Unit;
  /** `NaN` when nothing could be measured. */
  readonly value: number;
  /** `-Infinity` and `Infinity` where too few samples bound nothing. */
  readonly low: number;
  readonly high: number;
  /** Samples behind it. */
  readonly count: number;
  readonly clockDomain: ClockDomain;
  readonly validity: Validity;
  /** What keeps the interval from being narrower, when that is not obvious. */
  readonly remark?: string;
}

/** Closed interval that the true value must lie in; an absent end is open. */
export interface Limit {
  readonly min?: number;
  readonly max?: number;
  /** As the plan states it, with what was derived. */
  readonly text: string;
}

export interface Measurement extends Estimate {
  readonly limit: Limit;
  readonly outcome: Outcome;
  readonly sentence: string;
}

/** An exact number of things counted. */
export function exactCount(name: string, subject: string, value: number, count: number, mode: RunMode): Estimate {
  return {
    name,
    subject,
    unit: 'count',
    value,
    low: value,
    high: value,
    count,
    clockDomain: mode.clockDomain,
    validity: VALID_EVERYWHERE,
  };
}

/**
 * Compares an estimate with a limit: PASS when the whole interval lies inside, FAIL when the whole interval lies
 * outside, and otherwise inconclusive, because the margin is smaller than the uncertainty.
 */
export function judge(estimate: Estimate, limit: Limit, mode: RunMode): Measurement {
  const { validity } = estimate;
  const means =
    validity.clocks.includes(mode.clockDomain) &&
    validity.bindings.includes(mode.binding) &&
    validity.pacings.includes(mode.pacing);
  const outcome = means ? compare(estimate, limit) : 'not-applicable';
  return { ...estimate, limit, outcome, sentence: sentenceFor(estimate, limit, outcome, mode) };
}

function compare(estimate: Estimate, limit: Limit): Outcome {
  const min = limit.min ?? Number.NEGATIVE_INFINITY;
  const max = limit.max ?? Number.POSITIVE_INFINITY;
  if (Number.isNaN(estimate.value)) return 'inconclusive';
  if (estimate.low >= min && estimate.high <= max && boundedWhereLimited(estimate, limit)) return 'pass';
  if (estimate.high < min || estimate.low > max) return 'fail';
  return 'inconclusive';
}

function boundedWhereLimited(estimate: Estimate, limit: Limit): boolean {
  return (
    (limit.max === undefined || Number.isFinite(estimate.high)) &&
    (limit.min === undefined || Number.isFinite(estimate.low))
  );
}

function sentenceFor(estimate: Estimate, limit: Limit, outcome: Outcome, mode: RunMode): string {
  const what = `${estimate.name} of ${estimate.subject}`;
  const remark = estimate.remark === undefined ? '' : ` (${estimate.remark})`;
  if (outcome === 'not-applicable')
    return `${what} means nothing with binding ${mode.binding}, ${mode.pacing} pacing and ${mode.clockDomain} time`;
  if (Number.isNaN(estimate.value))
    return `${what} could not be measured from ${samples(estimate.count)}; required: ${limit.text}${remark}`;
  const found = `${what} is ${formatValue(estimate.value, estimate.unit)}`;
  const interval =
    estimate.low === estimate.high
      ? ''
      : ` (between ${formatValue(estimate.low, estimate.unit)} and ${formatValue(estimate.high, estimate.unit)})`;
  const undecided = outcome === 'inconclusive' ? ', which this does not decide' : '';
  return `${found}${interval} from ${samples(estimate.count)}; required: ${limit.text}${undecided}${remark}`;
}

function samples(count: number): string {
  return count === 1 ? '1 sample' : `${count} samples`;
}

const TIME_STEPS: readonly (readonly [number, string])[] = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'us'],
];

/** For people: a unit of fitting size, six significant digits, nine for rates, which are compared by parts per million. */
export function formatValue(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'unknown' : value > 0 ? 'unbounded' : 'unbounded below';
  if (unit === 'ns') {
    const [divisor, name] = TIME_STEPS.find(([step]) => Math.abs(value) >= step) ?? [1, 'ns'];
    return `${shortNumber(value / divisor, 6)} ${name}`;
  }
  if (unit === 'count' || unit === '1') return shortNumber(value, 6);
  return `${shortNumber(value, unit === 'Hz' ? 9 : 6)} ${unit}`;
}

/** At most so many significant digits, without trailing zeros, integers in full; the same text on every machine. */
export function shortNumber(value: number, digits: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(digits)));
}
