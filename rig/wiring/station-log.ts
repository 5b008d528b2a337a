/** How long bytes spent at each station of the I/O path, as percentiles. */

import { build, type Histogram } from 'hdr-histogram-js';
import type { StationSummary } from '../run/run-types.js';
import type { StationName } from './calibration.js';

/** Collects delays a station at a time; recording allocates nothing. Resolution: 3 significant digits, up to 100 s. */
export class StationLog {
  readonly #histograms = new Map<StationName, Histogram>();

  /** A recorder for one station, to be kept by whoever calls it often. */
  recorder(station: StationName): (delayNs: number) => void {
    let histogram = this.#histograms.get(station);
    if (histogram === undefined) {
      histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 1e11, numberOfSignificantValueDigits: 3 });
      this.#histograms.set(station, histogram);
    }
    const target = histogram;
    return (delayNs) => target.recordValue(Math.min(Math.max(0, Math.round(delayNs)), 1e11));
  }

  summaries(): StationSummary[] {
    return [...this.#histograms].map(([station, h]) => ({
      station,
      count: h.totalCount,
      p50Ns: h.getValueAtPercentile(50),
      p99Ns: h.getValueAtPercentile(99),
      maxNs: h.maxValue,
    }));
  }
}
