/** A neighbour that exchanges characters with a terminal all the time, and whose every run is replayed. */

import { openTrace } from '../../../hal/index.js';
import { replayJournal } from '../../../vmm/index.js';
import { measureLatency } from '../../latency/index.js';
import { type Architecture, ENGINES, type Frontend } from '../../run/run-types.js';
import { journalChunks } from '../../wiring/certify.js';
import { openGuest } from '../../wiring/open-guest.js';

const FRONTENDS: Readonly<Record<Architecture, readonly Frontend[]>> = {
  partitioned: ['ring'],
  hosted: ['emulated', 'paravirtual'],
};

export interface Steady {
  readonly exchanges: number;
  readonly lost: number;
  /** Answers that were not what was sent. */
  readonly wrong: number;
  readonly runs: number;
  /** Runs whose replay was the same, instruction for instruction. */
  readonly identical: number;
  /** What went wrong, run by run. */
  readonly complaints: readonly string[];
}

/** Run after run of so many `exchanges`, until `isOver`. */
export async function exchangeSteadily(
  architecture: Architecture,
  exchanges: number,
  isOver: () => boolean,
): Promise<Steady> {
  const { image } = openGuest('echo');
  const sum = { exchanges: 0, lost: 0, wrong: 0, runs: 0, identical: 0 };
  const complaints: string[] = [];
  while (!isOver()) {
    const run = sum.runs++;
    const frontends = FRONTENDS[architecture];
    const engine = ENGINES[run % ENGINES.length];
    const { lost, wrong } = await measureLatency({
      architecture,
      frontend: frontends[run % frontends.length],
      engine,
      exchanges,
      seed: `neighbour ${run}`,
      examine: ({ tracePath }) => {
        const other = ENGINES[(run + 1) % ENGINES.length];
        const replay = replayJournal({ image, engine: other }, journalChunks(openTrace(tracePath), 'journal guest'));
        if (replay.identical) sum.identical++;
        else
          complaints.push(`${architecture} run ${run}: ${replay.divergence?.sentence ?? 'its replay ends otherwise'}`);
      },
    });
    sum.exchanges += exchanges;
    sum.lost += lost;
    sum.wrong += wrong;
    if (lost + wrong > 0) complaints.push(`${architecture} run ${run}: ${lost} lost, ${wrong} wrong`);
  }
  return { ...sum, complaints };
}
