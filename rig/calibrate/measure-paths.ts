/** Measures round trips of characters on this host, each station of each, and what the model then says of others. */

import { measureLatency, predictLatency, sortedQuantile } from '../latency/index.js';
import type { Architecture, Frontend } from '../run/run-types.js';
import { type Calibration, MOST_TRANSFERS, type PathTransfers, type Prediction } from '../wiring/calibration.js';
import { COLUMNS, transfersOf } from './round-trips.js';

export interface PathOptions {
  /** Round trips of each architecture on which the calibration rests; as many again are measured to check it. */
  readonly exchanges: number;
  readonly progress: (text: string) => void;
}

const WAYS = [
  ['hosted', 'emulated'],
  ['partitioned', 'ring'],
] as const satisfies readonly (readonly [Architecture, Frontend])[];
const ENGINE = 'translator';
/** Measuring goes round and round, so that what changes on the host meets all sides alike; a round of fewer round trips is not worth its start. */
const MOST_ROUNDS = 5;
const LEAST_OF_ROUND = 100;
const GUEST_EXCHANGES = 64;

interface Way {
  readonly architecture: Architecture;
  readonly frontend: Frontend;
  readonly guestNs: number;
  readonly transfers: number[][];
  readonly checks: number[];
}

/** `base` with the paths and what they predict. Takes about two milliseconds an exchange, eight times `exchanges` in all. */
export async function withPaths(base: Calibration, { exchanges, progress }: PathOptions): Promise<Calibration> {
  const ways: Way[] = [];
  for (const [architecture, frontend] of WAYS)
    ways.push({
      architecture,
      frontend,
      guestNs: await guestTime(base, architecture, frontend),
      transfers: [],
      checks: [],
    });
  const rounds = Math.max(1, Math.min(MOST_ROUNDS, Math.floor(exchanges / LEAST_OF_ROUND)));
  const count = Math.ceil(exchanges / rounds);
  for (let round = 0; round < rounds; round++)
    for (const way of ways) {
      progress(`round trips, ${way.architecture}, round ${round + 1} of ${rounds}`);
      const { architecture, frontend } = way;
      const options = { architecture, frontend, engine: ENGINE, exchanges: count } as const;
      const learnt = await measureLatency({ ...options, seed: `learn ${round}`, keepPassages: true });
      way.transfers.push(...transfersOf(architecture, learnt, learnt.evidence.passages ?? [], way.guestNs));
      const checked = await measureLatency({ ...options, seed: `check ${round}` });
      way.checks.push(...checked.roundTripNs);
    }
  const [hosted, partitioned] = ways.map(pathOf);
  const calibration = { ...base, paths: { hosted, partitioned } };
  const prediction: Prediction[] = [];
  for (const way of ways) {
    progress(`what the model says, ${way.architecture}`);
    prediction.push(await predict(calibration, way));
  }
  return { ...calibration, prediction };
}

function pathOf({ architecture, transfers }: Way): PathTransfers {
  return { columns: COLUMNS[architecture], transfers: transfers.slice(0, MOST_TRANSFERS) };
}

/** What the guest takes in virtual time for one echo: instructions, exits, and how long its UART gathers. */
async function guestTime(base: Calibration, architecture: Architecture, frontend: Frontend): Promise<number> {
  const nothing = (of: Architecture): PathTransfers => ({
    columns: COLUMNS[of],
    transfers: [COLUMNS[of].map(() => 0)],
  });
  const calibration = { ...base, paths: { hosted: nothing('hosted'), partitioned: nothing('partitioned') } };
  const options = { architecture, frontend, engine: ENGINE, exchanges: GUEST_EXCHANGES, seed: 'guest' } as const;
  return sortedQuantile((await predictLatency(options, calibration)).sort(), 0.5);
}

async function predict(calibration: Calibration, { architecture, frontend, checks }: Way): Promise<Prediction> {
  const options = { architecture, frontend, engine: ENGINE, exchanges: checks.length, seed: 'predict' } as const;
  return {
    architecture,
    frontend,
    exchanges: checks.length,
    predictedNs: quantiles(await predictLatency(options, calibration)),
    measuredNs: quantiles(Float64Array.from(checks)),
  };
}

function quantiles(values: Float64Array): Prediction['measuredNs'] {
  const sorted = values.sort();
  return { p50: sortedQuantile(sorted, 0.5), p99: sortedQuantile(sorted, 0.99) };
}
