/** Runs in wall time, on pseudo-terminals, replayed from their journals: the same output, instruction for instruction. */

import { expect } from 'chai';
import { openTrace } from '../../hal/index.js';
import { replayJournal } from '../../vmm/index.js';
import { noTerminal } from '../e2e/terminal.js';
import { measureLatency } from '../latency/index.js';
import { ENGINES, type Frontend } from '../run/run-types.js';
import { journalChunks } from '../wiring/certify.js';
import { openGuest } from '../wiring/open-guest.js';

const missing = noTerminal();
const RUNS = process.env.RIGVISOR_NIGHTLY === '1' ? 1000 : 9;
const EXCHANGES = 20;
const WAYS: readonly Frontend[] = ['emulated', 'paravirtual', 'ring'];

describe(missing === undefined ? 'runs in wall time' : `runs in wall time (skipped: ${missing})`, function () {
  this.timeout(60_000 + 5_000 * RUNS);
  before(function () {
    if (missing !== undefined) this.skip();
  });

  it(`are replayed exactly on both engines, whichever architecture and engine ran them: ${RUNS} runs`, async () => {
    const { image } = openGuest('echo');
    let identical = 0;
    let instructions = 0;
    for (let run = 0; run < RUNS; run++) {
      const frontend = WAYS[run % WAYS.length];
      const engine = ENGINES[Math.floor(run / WAYS.length) % ENGINES.length];
      const where = `run ${run}: ${frontend}, ${engine}`;
      const round = await measureLatency({
        architecture: frontend === 'ring' ? 'partitioned' : 'hosted',
        frontend,
        engine,
        exchanges: EXCHANGES,
        seed: `replay ${run}`,
        examine: ({ tracePath, guests }) => {
          for (const other of ENGINES) {
            const replay = replayJournal(
              { image, engine: other },
              journalChunks(openTrace(tracePath), 'journal guest'),
            );
            expect(replay.divergence?.sentence, `${where}, replayed by ${other}`).to.equal(undefined);
            expect(replay.instret, `${where}, replayed by ${other}`).to.equal(guests[0].instret);
            if (replay.identical) identical++;
            instructions += replay.instret;
          }
        },
      });
      expect({ lost: round.lost, wrong: round.wrong }, where).to.deep.equal({ lost: 0, wrong: 0 });
    }
    console.log(`      ${identical} of ${2 * RUNS} replays identical, ${instructions} instructions in all`);
    expect(identical).to.equal(2 * RUNS);
  });
});
