/** A set of durations and its percentiles with their uncertainty. */

import { build, type Histogram } from 'hdr-histogram-js';
import { type Estimate, VALID_EVERYWHERE, type Validity } from './measurement.js';
import { type StampContext, Statistic } from './statistic.js';
import { moments, nearestRank, quantileRanks } from './statistics.js';

/** Relative resolution of a percentile (HdrHistogram with 4 significant digits). */
const DIGITS = 4;
const RELATIVE_RESOLUTION = 1e-4;
const HIGHEST_NS = Number.MAX_SAFE_INTEGER;

export interface DistributionOptions {
  /** `latency`, `jitter`: how the values are called in a report. */
  readonly name: string;
  /** Nanoseconds; signed. Percentiles and maximum are those of the magnitudes. */
  readonly samples: Float64Array;
  readonly context: StampContext;
  readonly validity?: Validity;
  readonly remark?: string;
  /** Events that happened and could not be measured: what they hide may be any value, so nothing is bounded from above. */
  readonly unmeasured?: number;
  /** What no value may exceed, as it was computed. */
  readonly bound?: { readonly ns: number; readonly composition: readonly string[] };
  /** Fill in what a stalled source would have shown, at this interval (coordinated omission). */
  readonly correctedForNs?: number;
}

/**
 * Durations in nanoseconds. Percentiles come from an HdrHistogram (relative resolution 1e-4) and carry a 95 %
 * interval from order statistics; minimum, maximum and peak-to-peak are those of this run and exact to the stamps.
 */
export class Distribution {
  readonly kind = 'rigvisor.distribution';
  readonly #options: DistributionOptions;
  #histogram: Histogram | undefined;

  constructor(options: DistributionOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#options.samples.length;
  }

  /** Undefined where none could be computed. */
  get bound(): DistributionOptions['bound'] {
    return this.#options.bound;
  }

  get samples(): Float64Array {
    return this.#options.samples;
  }

  get p50(): Statistic {
    return this.percentile(50);
  }
  get p90(): Statistic {
    return this.percentile(90);
  }
  get p95(): Statistic {
    return this.percentile(95);
  }
  get p99(): Statistic {
    return this.percentile(99);
  }
  get p99_9(): Statistic {
    return this.percentile(99.9);
  }
  get p99_99(): Statistic {
    return this.percentile(99.99);
  }

  get max(): Statistic {
    return this.#extreme('max', this.#magnitudes().max);
  }
  get min(): Statistic {
    return this.#extreme('min', this.#magnitudes().min);
  }
  /** Greatest signed value minus smallest. */
  get peakToPeak(): Statistic {
    const { min, max } = moments(this.samples);
    return this.#extreme('peak-to-peak', max - min, 2);
  }

  /** Mean of the signed values; interval of two standard errors. */
  get mean(): Statistic {
    const { mean, deviation, count } = moments(this.samples);
    return this.#statistic('mean', mean, count < 2 ? Number.POSITIVE_INFINITY : (2 * deviation) / Math.sqrt(count));
  }

  /** Root mean square of the signed values; interval of two standard errors of a normal population. */
  get rms(): Statistic {
    let squares = 0;
    for (const sample of this.samples) squares += sample * sample;
    const rms = this.count === 0 ? Number.NaN : Math.sqrt(squares / this.count);
    return this.#statistic(
      'rms',
      rms,
      this.count < 2 ? Number.POSITIVE_INFINITY : (2 * rms) / Math.sqrt(2 * this.count),
    );
  }

  /** The `percent` percentile of the magnitudes; its upper bound is open while there are too few samples. */
  percentile(percent: number): Statistic {
    const p = percent / 100;
    const histogram = this.#filled();
    const count = histogram.totalCount;
    const ranks = quantileRanks(count, p);
    // A bucket is told by its upper end, which may lie beyond the greatest sample.
    const most = this.#options.correctedForNs === undefined ? this.#magnitudes().max : HIGHEST_NS;
    const at = (rank: number): number => Math.min(most, histogram.getValueAtPercentile((100 * rank) / count));
    const value = count === 0 ? Number.NaN : at(nearestRank(count, p));
    const resolution = this.#options.context.resolutionNs;
    const widen = (x: number): number => resolution + x * RELATIVE_RESOLUTION;
    const low = ranks.low < 1 ? Number.NEGATIVE_INFINITY : at(ranks.low) - widen(at(ranks.low));
    const high = ranks.high > count ? Number.POSITIVE_INFINITY : at(ranks.high) + widen(at(ranks.high));
    const few = ranks.high > count ? `too few samples to bound p${percent} from above` : undefined;
    return this.#make(`p${percent}`, value, low, high, few);
  }

  /**
   * The same with the values that a source held up by a stall would have added, one every `expectedIntervalNs`
   * (HdrHistogram's correction for coordinated omission). Affects percentiles alone.
   */
  correctedFor(expectedIntervalNs: number): Distribution {
    return new Distribution({
      ...this.#options,
      correctedForNs: expectedIntervalNs,
      remark: 'corrected for coordinated omission',
    });
  }

  #filled(): Histogram {
    if (this.#histogram !== undefined) return this.#histogram;
    const histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: HIGHEST_NS,
      autoResize: true,
      numberOfSignificantValueDigits: DIGITS,
    });
    const interval = this.#options.correctedForNs;
    for (const sample of this.samples) {
      const magnitude = Math.min(HIGHEST_NS, Math.round(Math.abs(sample)));
      if (interval === undefined) histogram.recordValue(magnitude);
      else histogram.recordValueWithExpectedInterval(magnitude, interval);
    }
    this.#histogram = histogram;
    return histogram;
  }

  #magnitudes(): { min: number; max: number } {
    return moments(this.samples.map(Math.abs));
  }

  #extreme(name: string, value: number, stamps = 1): Statistic {
    if (this.count === 0) return this.#statistic(name, Number.NaN, Number.POSITIVE_INFINITY);
    return this.#statistic(name, value, stamps * this.#options.context.resolutionNs);
  }

  #statistic(name: string, value: number, uncertainty: number): Statistic {
    return this.#make(name, value, value - uncertainty, value + uncertainty, undefined);
  }

  #make(name: string, value: number, low: number, high: number, few: string | undefined): Statistic {
    const { context, validity, remark, unmeasured = 0 } = this.#options;
    const hidden = unmeasured > 0 ? `${unmeasured} more could not be measured` : undefined;
    const remarks = [few, hidden, remark].filter((text) => text !== undefined);
    const estimate: Estimate = {
      name: `${this.#options.name} ${name}`,
      subject: context.subject,
      unit: 'ns',
      value,
      low,
      high: unmeasured > 0 ? Number.POSITIVE_INFINITY : high,
      count: this.count,
      clockDomain: context.mode.clockDomain,
      validity: validity ?? VALID_EVERYWHERE,
      ...(remarks.length > 0 ? { remark: remarks.join('; ') } : {}),
    };
    return new Statistic(estimate, context.mode);
  }
}
