/** Rate, jitter, latency and clock error of a stream of stamped events. */

import { allanDeviation, overlappingAllanDeviation } from './allan.js';
import { Distribution } from './distribution.js';
import { VALID_EVERYWHERE, VALID_WITH_DEVICE_TIMES } from './measurement.js';
import { type StampContext, Statistic } from './statistic.js';
import { differences, fitLine, lowerHull, moments } from './statistics.js';

const PPM = 1e-6;

function indices(count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => i);
}

/**
 * Events a second, from the slope of time over event number. Its interval adds two standard errors of the slope, the
 * resolution of the stamps at both ends of the span, and the rate error of the clock that stamped.
 */
export function eventRate(timesNs: ArrayLike<number>, context: StampContext): Statistic {
  const count = timesNs.length;
  const line = fitLine(indices(count), timesNs);
  const usable = line !== undefined && line.slope > 0;
  const value = usable ? 1e9 / line.slope : Number.NaN;
  let relative = Number.POSITIVE_INFINITY;
  if (usable && count >= 3) {
    const spanNs = line.slope * (count - 1);
    relative = (2 * line.slopeError) / line.slope + (2 * context.resolutionNs) / spanNs + context.ppm * PPM;
  }
  return new Statistic(
    {
      name: 'rate',
      subject: context.subject,
      unit: 'Hz',
      value,
      low: relative === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : value * (1 - relative),
      high: relative === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : value * (1 + relative),
      count,
      clockDomain: context.mode.clockDomain,
      validity: VALID_EVERYWHERE,
      ...(count < 3 ? { remark: 'a rate needs three events' } : {}),
    },
    context.mode,
  );
}

/**
 * Things a second that come several to an event: `counts[i]` of them with event `i`, complete at its time. Those of the first
 * event came before the span that is measured. Intervals as for `eventRate`.
 */
export function countedRate(timesNs: ArrayLike<number>, counts: ArrayLike<number>, context: StampContext): Statistic {
  const ends: number[] = [];
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    total += counts[i];
    ends.push(total);
  }
  const line = fitLine(ends, timesNs);
  const usable = line !== undefined && line.slope > 0 && ends.length >= 3;
  const value = usable ? 1e9 / line.slope : Number.NaN;
  const spanNs = usable ? line.slope * (total - ends[0]) : Number.NaN;
  const relative = usable
    ? (2 * line.slopeError) / line.slope + (2 * context.resolutionNs) / spanNs + context.ppm * PPM
    : Number.POSITIVE_INFINITY;
  return new Statistic(
    {
      name: 'rate',
      subject: context.subject,
      unit: 'Hz',
      value,
      low: usable ? value * (1 - relative) : Number.NEGATIVE_INFINITY,
      high: usable ? value * (1 + relative) : Number.POSITIVE_INFINITY,
      count: total,
      clockDomain: context.mode.clockDomain,
      validity: VALID_EVERYWHERE,
      ...(usable ? {} : { remark: 'a rate needs three events' }),
    },
    context.mode,
  );
}

/**
 * Deviation of every interval from the period: `periodNs`, or the mean interval when it is not given. rms is the period
 * jitter, percentiles are those of the magnitude.
 */
export function periodJitter(timesNs: ArrayLike<number>, context: StampContext, periodNs?: number): Distribution {
  const intervals = differences(timesNs);
  const period = periodNs ?? moments(intervals).mean;
  return new Distribution({
    name: 'jitter',
    samples: intervals.map((interval) => interval - period),
    context: { ...context, resolutionNs: 2 * context.resolutionNs },
    validity: VALID_WITH_DEVICE_TIMES,
  });
}

/** Difference of each interval from the one before. */
export function cycleToCycleJitter(timesNs: ArrayLike<number>, context: StampContext): Distribution {
  return new Distribution({
    name: 'cycle-to-cycle jitter',
    samples: differences(differences(timesNs)),
    context: { ...context, resolutionNs: 4 * context.resolutionNs },
    validity: VALID_WITH_DEVICE_TIMES,
  });
}

/** Delivery minus cause, event by event; `unmeasured` others were delivered and have no known cause. */
export function latency(
  causesNs: ArrayLike<number>,
  deliveredNs: ArrayLike<number>,
  context: StampContext,
  unmeasured = 0,
): Distribution {
  const samples = new Float64Array(causesNs.length);
  for (let i = 0; i < samples.length; i++) samples[i] = deliveredNs[i] - causesNs[i];
  return new Distribution({
    name: 'latency',
    samples,
    context: { ...context, resolutionNs: 2 * context.resolutionNs },
    unmeasured,
  });
}

/**
 * Rate error in ppm of the clock that says `claimedNs`, against the stamps `observedNs`. With `envelope`, the lower
 * envelope is used, because delays only ever add; the interval then covers the difference from plain least squares.
 */
export function clockError(
  claimedNs: ArrayLike<number>,
  observedNs: ArrayLike<number>,
  context: StampContext,
  envelope = false,
): Statistic {
  const count = claimedNs.length;
  const line = fitLine(claimedNs, observedNs);
  let value = Number.NaN;
  let uncertainty = Number.POSITIVE_INFINITY;
  if (line !== undefined && count >= 3) {
    const slope = envelope ? envelopeSlope(claimedNs, observedNs) : line.slope;
    const spanNs = claimedNs[count - 1] - claimedNs[0];
    value = (1 / slope - 1) / PPM;
    uncertainty =
      (2 * line.slopeError + Math.abs(slope - line.slope) + (2 * context.resolutionNs) / spanNs) / PPM + context.ppm;
  }
  return new Statistic(
    {
      name: 'clock error',
      subject: context.subject,
      unit: 'ppm',
      value,
      low: value - uncertainty,
      high: value + uncertainty,
      count,
      clockDomain: context.mode.clockDomain,
      validity: VALID_WITH_DEVICE_TIMES,
      ...(count < 3 ? { remark: 'a clock error needs three events' } : {}),
    },
    context.mode,
  );
}

/** Slope of the hull segment below the middle of the points: the supporting line that delays cannot tilt. */
function envelopeSlope(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const hull = lowerHull(x, y);
  const middle = moments(x).mean;
  let k = 1;
  while (k < hull.length - 1 && x[hull[k]] < middle) k++;
  return (y[hull[k]] - y[hull[k - 1]]) / (x[hull[k]] - x[hull[k - 1]]);
}

/**
 * Allan deviation of the event stream over `tauNs`, with the mean period as time unit: overlapping, or plain where only
 * three points are left. The interval is two standard errors, counting only terms that share no point.
 */
export function allanStability(timesNs: ArrayLike<number>, tauNs: number, context: StampContext): Statistic {
  const count = timesNs.length;
  const period = count < 2 ? Number.NaN : (timesNs[count - 1] - timesNs[0]) / (count - 1);
  const m = Math.max(1, Math.round(tauNs / period));
  const phase = Float64Array.from({ length: count }, (_, i) => timesNs[i] - timesNs[0] - i * period);
  const terms = count - 2 * m;
  const value = terms > 1 ? overlappingAllanDeviation(phase, period, m) : allanDeviation(phase, period, m);
  const independent = Math.floor(count / (2 * m + 1));
  const spread = independent < 2 ? Number.POSITIVE_INFINITY : value * Math.sqrt(2 / independent);
  return new Statistic(
    {
      name: `Allan deviation at ${m} periods`,
      subject: context.subject,
      unit: '1',
      value,
      low: value - spread,
      high: value + spread,
      count,
      clockDomain: context.mode.clockDomain,
      validity: VALID_WITH_DEVICE_TIMES,
    },
    context.mode,
  );
}
