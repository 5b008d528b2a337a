/** How long bytes spent at each station of the I/O path, as percentiles. */

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { StationSummary } from '../run/run-types.js';
import type { StationName } from './calibration.js';

const LONGEST_NS = 1e11;

/** Collects delays a station at a time; recording allocates nothing. Resolution: 3 significant digits, up to 100 s. */
export class StationLog {
  readonly #histograms = new Map<StationName, RecordableHistogram>();
  readonly #recorders = new Map<StationName, (delayNs: number) => void>();

  /** A recorder for one station; the same one every time. */
  recorder(station: StationName): (delayNs: number) => void {
    let recorder = this.#recorders.get(station);
    if (recorder === undefined) {
      const histogram = createHistogram({ lowest: 1, highest: LONGEST_NS, figures: 3 });
      this.#histograms.set(station, histogram);
      recorder = (delayNs) => histogram.record(Math.min(Math.max(1, Math.round(delayNs)), LONGEST_NS));
      this.#recorders.set(station, recorder);
    }
    return recorder;
  }

  summaries(): StationSummary[] {
    return [...this.#histograms].map(([station, h]) => ({
      station,
      count: h.count,
      p50Ns: h.percentile(50),
      p99Ns: h.percentile(99),
      maxNs: h.max,
    }));
  }
}
