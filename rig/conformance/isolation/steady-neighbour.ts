/** A neighbour that exchanges characters with a terminal all the time, and whose every run is replayed. */

import { openTrace } from '../../../hal/index.js';
import { replayJournal } from '../../../vmm/index.js';
import { measureLatency } from '../../latency/index.js';
import { type Architecture, ENGINES, type Frontend } from '../../run/run-types.js';
import { journalChunks } from '../../wiring/certify.js';
import { openGuest } from '../../wiring/open-guest.js';
import type { GuestProcess } from './guest-process.js';

const FRONTENDS: Readonly<Record<Architecture, readonly Frontend[]>> = {
  partitioned: ['ring'],
  hosted: ['emulated', 'paravirtual'],
};

export interface ExchangeOrder {
  readonly architecture: Architecture;
  readonly exchanges: number;
  /** Number of the run; frontends and engines take turns by it. */
  readonly run: number;
}

export interface ExchangeOutcome {
  readonly lost: number;
  /** Answers that were not what was sent. */
  readonly wrong: number;
  /** How the replay differs, by the engine that did not run it; empty when it was the same, instruction for instruction. */
  readonly divergence: string;
}

/** One run, in this process or, partitioned, in that of a cell. */
export async function exchange({ architecture, exchanges, run }: ExchangeOrder): Promise<ExchangeOutcome> {
  const { image } = openGuest('echo');
  const frontends = FRONTENDS[architecture];
  let divergence = 'the run was not replayed';
  const { lost, wrong } = await measureLatency({
    architecture,
    frontend: frontends[run % frontends.length],
    engine: ENGINES[run % ENGINES.length],
    exchanges,
    seed: `neighbour ${run}`,
    examine: ({ tracePath }) => {
      const engine = ENGINES[(run + 1) % ENGINES.length];
      const replay = replayJournal({ image, engine }, journalChunks(openTrace(tracePath), 'journal guest'));
      divergence = replay.identical ? '' : (replay.divergence?.sentence ?? 'its replay ends otherwise');
    },
  });
  return { lost, wrong, divergence };
}

export interface Steady {
  readonly exchanges: number;
  readonly lost: number;
  readonly wrong: number;
  readonly runs: number;
  /** Runs that were replayed exactly. */
  readonly identical: number;
  /** What went wrong, run by run. */
  readonly complaints: readonly string[];
}

/** Run after run of so many `exchanges` in `process`, until `isOver`. */
export async function exchangeSteadily(
  process: GuestProcess,
  architecture: Architecture,
  exchanges: number,
  isOver: () => boolean,
): Promise<Steady> {
  const sum = { exchanges: 0, lost: 0, wrong: 0, runs: 0, identical: 0 };
  const complaints: string[] = [];
  while (!isOver()) {
    const run = sum.runs++;
    const order = { architecture, exchanges, run };
    const { lost, wrong, divergence } = await process.request('exchange', order, Number.POSITIVE_INFINITY);
    if (divergence === '') sum.identical++;
    else complaints.push(`${architecture} run ${run}: ${divergence}`);
    sum.exchanges += exchanges;
    sum.lost += lost;
    sum.wrong += wrong;
    if (lost + wrong > 0) complaints.push(`${architecture} run ${run}: ${lost} lost, ${wrong} wrong`);
  }
  return { ...sum, complaints };
}
