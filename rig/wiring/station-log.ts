/** How long bytes spent at each station of the I/O path: percentiles, and each passage where that is asked for. */

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Direction, StationPassage, StationSummary } from '../run/run-types.js';
import type { StationName } from './calibration.js';

const LONGEST_NS = 1e11;
/** Passages kept at most: beyond, a run is too long for what they are for. */
const MOST_PASSAGES = 1_000_000;
/** Passages for which room is made at once. */
const CHUNK_PASSAGES = 1 << 14;

interface Log {
  readonly number: number;
  readonly station: StationName;
  readonly direction: Direction;
  readonly histogram: RecordableHistogram;
  readonly record: (delayNs: number) => void;
}

/** Collects delays a station at a time; recording allocates nothing. Resolution: 3 significant digits, up to 100 s. */
export class StationLog {
  readonly #logs: Log[] = [];
  readonly #byStation: Readonly<Record<Direction, Map<StationName, Log>>> = { in: new Map(), out: new Map() };
  /** Number of the log, from, to: each passage in the order in which it ended. No objects, whose collection would be measured too. */
  #chunks: Float64Array[] | undefined;
  #count = 0;
  #originNs = 0;

  /** A recorder of delays for one station in one direction; the same one every time. */
  recorder(station: StationName, direction: Direction): (delayNs: number) => void {
    return this.#logOf(station, direction).record;
  }

  /** Keeps every passage too; before the first. `originNs`: what the clock's zero is on the clock of the passages. */
  keepPassages(originNs: number): void {
    this.#chunks ??= [];
    this.#originNs = originNs;
  }

  /** Something entered the station at `fromNs` and left it at `toNs`. */
  passed(station: StationName, direction: Direction, fromNs: number, toNs: number): void {
    const log = this.#logOf(station, direction);
    log.record(toNs - fromNs);
    if (this.#chunks === undefined || this.#count === MOST_PASSAGES) return;
    const at = this.#count++ % CHUNK_PASSAGES;
    if (at === 0) this.#chunks.push(new Float64Array(3 * CHUNK_PASSAGES));
    const chunk = this.#chunks[this.#chunks.length - 1];
    chunk[3 * at] = log.number;
    chunk[3 * at + 1] = fromNs;
    chunk[3 * at + 2] = toNs;
  }

  /** Undefined unless they were to be kept. */
  get passages(): readonly StationPassage[] | undefined {
    const chunks = this.#chunks;
    if (chunks === undefined) return undefined;
    return Array.from({ length: this.#count }, (_, i) => {
      const chunk = chunks[Math.floor(i / CHUNK_PASSAGES)];
      const at = 3 * (i % CHUNK_PASSAGES);
      const { station, direction } = this.#logs[chunk[at]];
      return { station, direction, fromNs: chunk[at + 1] + this.#originNs, toNs: chunk[at + 2] + this.#originNs };
    });
  }

  /** Of stations that something has passed. */
  summaries(): StationSummary[] {
    const passed = this.#logs.filter(({ histogram }) => histogram.count > 0);
    return passed.map(({ station, direction, histogram: h }) => ({
      station,
      direction,
      count: h.count,
      p50Ns: h.percentile(50),
      p99Ns: h.percentile(99),
      maxNs: h.max,
    }));
  }

  #logOf(station: StationName, direction: Direction): Log {
    const logs = this.#byStation[direction];
    let log = logs.get(station);
    if (log === undefined) {
      const histogram = createHistogram({ lowest: 1, highest: LONGEST_NS, figures: 3 });
      const record = (delayNs: number): void =>
        histogram.record(Math.min(Math.max(1, Math.round(delayNs)), LONGEST_NS));
      log = { number: this.#logs.length, station, direction, histogram, record };
      this.#logs.push(log);
      logs.set(station, log);
    }
    return log;
  }
}
