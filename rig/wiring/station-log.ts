/** How long bytes spent at each station of the I/O path: percentiles, and each passage where that is asked for. */

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Direction, StationPassage, StationSummary } from '../run/run-types.js';
import type { StationName } from './calibration.js';

const LONGEST_NS = 1e11;
/** Passages kept at most: beyond, a run is too long for what they are for. */
const MOST_PASSAGES = 1_000_000;

/** Collects delays a station at a time; recording allocates nothing. Resolution: 3 significant digits, up to 100 s. */
export class StationLog {
  readonly #histograms = new Map<string, { readonly station: StationName; readonly direction: Direction } & Log>();
  /** Each passage in the order in which it ended, from here on. */
  #passages: StationPassage[] | undefined;
  #originNs = 0;

  /** A recorder of delays for one station in one direction; the same one every time. */
  recorder(station: StationName, direction: Direction): (delayNs: number) => void {
    const key = `${direction}/${station}`;
    let log = this.#histograms.get(key);
    if (log === undefined) {
      const histogram = createHistogram({ lowest: 1, highest: LONGEST_NS, figures: 3 });
      const record = (delayNs: number): void =>
        histogram.record(Math.min(Math.max(1, Math.round(delayNs)), LONGEST_NS));
      log = { station, direction, histogram, record };
      this.#histograms.set(key, log);
    }
    return log.record;
  }

  /** Keeps every passage too; before the first. `originNs`: what the clock's zero is on the clock of the passages. */
  keepPassages(originNs: number): void {
    this.#passages ??= [];
    this.#originNs = originNs;
  }

  /** Something entered the station at `fromNs` and left it at `toNs`. */
  passed(station: StationName, direction: Direction, fromNs: number, toNs: number): void {
    this.recorder(station, direction)(toNs - fromNs);
    if (this.#passages !== undefined && this.#passages.length < MOST_PASSAGES)
      this.#passages.push({ station, direction, fromNs: fromNs + this.#originNs, toNs: toNs + this.#originNs });
  }

  get passages(): readonly StationPassage[] | undefined {
    return this.#passages;
  }

  /** Of stations that something has passed. */
  summaries(): StationSummary[] {
    const passed = [...this.#histograms.values()].filter(({ histogram }) => histogram.count > 0);
    return passed.map(({ station, direction, histogram: h }) => ({
      station,
      direction,
      count: h.count,
      p50Ns: h.percentile(50),
      p99Ns: h.percentile(99),
      maxNs: h.max,
    }));
  }
}

interface Log {
  readonly histogram: RecordableHistogram;
  readonly record: (delayNs: number) => void;
}
