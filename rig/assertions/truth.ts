/** `match.truth({ position: '1e-7 deg', time: 'exact' })`: every fix is what the simulated receiver sent. */

import { RigError } from '../errors.js';
import { type Estimate, judge, type Measurement, type RunMode } from '../metrics/measurement.js';
import { compareWithTruth, type TruthComparison } from '../metrics/position-truth.js';
import { compareBlocks } from '../metrics/scan-blocks.js';
import { parseAs } from '../plan/quantity.js';
import type { TruthEpoch } from '../run/run-types.js';
import type { ChannelView } from '../view/channel-view.js';
import { exactly } from './conclude.js';
import type { TruthTolerance } from './types.js';

/** Only a simulator knows the truth. */
const VALIDITY = {
  clocks: ['virtual', 'wall'],
  bindings: ['sim'],
  pacings: ['physical', 'modelled', 'recorded', 'reconstructed'],
} as const;

/** Half of the 0.1 m that NMEA prints, and the millimetre that rounding may add. */
const ALTITUDE_LIMIT = { max: 0.051, text: 'at most 51 mm' };

/** A measurement for each tolerance given; that of the position also covers claimed digits and altitude. `RIG_INTERNAL` when a simulator handed over no truth. */
export function truthMeasurements(
  channel: ChannelView,
  truth: readonly TruthEpoch[] | undefined,
  tolerance: TruthTolerance,
): Measurement[] {
  const mode = channel.stampContext.mode;
  if (tolerance.samples !== undefined) return [judge(blockEstimate(channel, mode), exactly(0, 'none'), mode)];
  if (truth === undefined && mode.binding === 'sim')
    throw new RigError('RIG_INTERNAL', 'the simulator gave no truth to compare with');
  if (tolerance.position === undefined && tolerance.time === undefined)
    throw new RigError('RIG_PLAN', 'match.truth needs a tolerance', {
      hint: `for example .match.truth({ position: '1e-7 deg', time: 'exact' })`,
    });
  const found = compareWithTruth(channel.reports, truth ?? [], Number.NEGATIVE_INFINITY);
  const measurements: Measurement[] = [];
  if (tolerance.time !== undefined)
    measurements.push(judge(timeEstimate(channel, found, mode), exactly(0, 'none: every time is exact'), mode));
  if (tolerance.position !== undefined) {
    const max = parseAs('angle', tolerance.position);
    if (found.coarse > 0) measurements.push(judge(coarseEstimate(channel, found, mode), exactly(0, 'none'), mode));
    measurements.push(
      judge(positionEstimate(channel, found, mode), { max, text: `at most ${tolerance.position}` }, mode),
    );
    if (found.altitudes > 0) measurements.push(judge(altitudeEstimate(channel, found, mode), ALTITUDE_LIMIT, mode));
  }
  return measurements;
}

function blockEstimate(channel: ChannelView, mode: RunMode): Estimate {
  if (channel.scans === undefined && mode.binding === 'sim')
    throw new RigError('RIG_INTERNAL', 'the simulator gave no scans to compare with');
  const { compared, samples, different, first } = compareBlocks(channel.reports, channel.scans ?? []);
  const value = samples === 0 ? Number.NaN : different;
  return {
    ...base('blocks that hold other codes than the converter gave', channel, value, samples, mode),
    unit: 'count',
    remark: first ?? `${compared} blocks compared`,
  };
}

function timeEstimate(channel: ChannelView, found: TruthComparison, mode: RunMode): Estimate {
  const compared = found.matched + found.foreign.length;
  const remarks = [`${found.undated} without a date`];
  if (found.foreign.length > 0) remarks.unshift(firstForeign(found.foreign[0]));
  const value = compared === 0 ? Number.NaN : found.foreign.length;
  return {
    ...base('fixes that were never sent', channel, value, compared, mode),
    unit: 'count',
    remark: remarks.join('; '),
  };
}

function firstForeign(utcMs: number): string {
  return utcMs < 0 ? 'the first has no date and the position of no epoch' : `first utcMs ${utcMs}`;
}

function positionEstimate(channel: ChannelView, found: TruthComparison, mode: RunMode): Estimate {
  const value = found.positions === 0 ? Number.NaN : found.worstBeyondDigitsDeg;
  return {
    ...base('position error beyond the digits sent', channel, value, found.positions, mode),
    unit: 'deg',
    remark: `${found.worstDeg} deg with them`,
  };
}

function coarseEstimate(channel: ChannelView, found: TruthComparison, mode: RunMode): Estimate {
  return {
    ...base('fixes that claim fewer digits than any receiver sends', channel, found.coarse, found.positions, mode),
    unit: 'count',
  };
}

function altitudeEstimate(channel: ChannelView, found: TruthComparison, mode: RunMode): Estimate {
  return {
    ...base('altitude error', channel, found.worstAltitudeMm / 1000, found.altitudes, mode),
    unit: 'm',
  };
}

function base(name: string, channel: ChannelView, value: number, count: number, mode: RunMode): Omit<Estimate, 'unit'> {
  return {
    name,
    subject: channel.subject,
    value,
    low: value,
    high: value,
    count,
    clockDomain: mode.clockDomain,
    validity: VALIDITY,
  };
}
