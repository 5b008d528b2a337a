/** Runs in wall time, on pseudo-terminals and with a board, replayed from their journals: the same output, instruction for instruction. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { WallClock } from '../../base/index.js';
import { openTrace, startSharedBoard } from '../../hal/index.js';
import { replayJournal } from '../../vmm/index.js';
import { noTerminal } from '../e2e/terminal.js';
import { measureLatency } from '../latency/index.js';
import { ARCHITECTURES, ENGINES, type Frontend, type RunRequest } from '../run/run-types.js';
import { journalChunks } from '../wiring/certify.js';
import { cellDevices } from '../wiring/device-hosts.js';
import { findProfile } from '../wiring/executor.js';
import { openGuest } from '../wiring/open-guest.js';
import { performWallRun } from '../wiring/wall-run.js';

const missing = noTerminal();
const RUNS = process.env.RIGVISOR_NIGHTLY === '1' ? Number(process.env.RIGVISOR_COUNT ?? 1_000) : 9;
const BOARD_RUNS = process.env.RIGVISOR_NIGHTLY === '1' ? 200 : 4;
const BOARD = 'rv-daq16';
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

describe('runs of a board in wall time', function () {
  this.timeout(60_000 + 10_000 * BOARD_RUNS);
  const outDir = mkdtempSync(join(tmpdir(), 'rigvisor-board-replays-'));
  after(() => rmSync(outDir, { recursive: true, force: true }));

  /** Architectures and engines in turn; answers how many of `runs` times both engines replayed exactly. */
  async function replayed(runs: number, port: string): Promise<number> {
    const guest = openGuest('board-logger');
    let identical = 0;
    for (let run = 0; run < runs; run++) {
      const architecture = ARCHITECTURES[run % 2];
      const engine = ENGINES[Math.floor(run / 2) % ENGINES.length];
      const where = `run ${run}: ${architecture}, ${engine}`;
      const frontend = architecture === 'hosted' ? 'emulated' : 'ring';
      const request: RunRequest = {
        cell: { plan: 'replays', profile: BOARD, binding: 'real', architecture, frontend, engine },
        ...{ guest: 'board-logger', port, durationNs: 60e9, seed: `replay ${run}`, outDir },
        bootargs: 'rate=5000 source=counter scans=50 descriptors=4 blocks=20',
      };
      const { tracePath, guests, stop } = await performWallRun(request, guest, findProfile(BOARD), {
        hosts: cellDevices(),
      });
      expect([stop.kind, stop.code], where).to.deep.equal(['guest-finished', 0]);
      for (const other of ENGINES) {
        const replay = replayJournal(
          { image: guest.image, engine: other },
          journalChunks(openTrace(tracePath), 'journal guest'),
        );
        expect(replay.divergence?.sentence, `${where}, replayed by ${other}`).to.equal(undefined);
        expect(replay.instret, `${where}, replayed by ${other}`).to.equal(guests[0].instret);
        if (replay.identical) identical++;
      }
    }
    console.log(`      ${identical} of ${2 * runs} replays identical`);
    return identical;
  }

  it(`are replayed exactly on both engines, whichever architecture and engine ran them: ${BOARD_RUNS} runs`, async () => {
    expect(await replayed(BOARD_RUNS, 'sim:')).to.equal(2 * BOARD_RUNS);
  });

  const onLinux = process.platform === 'linux';
  it(`are replayed exactly when another process runs the board${onLinux ? '' : ' (skipped: needs Linux)'}`, async function () {
    if (!onLinux) this.skip();
    const board = await startSharedBoard({ origin: new WallClock().origin });
    try {
      expect(await replayed(BOARD_RUNS, `shared:${board.path}`)).to.equal(2 * BOARD_RUNS);
    } finally {
      await board.stop();
    }
  });
});
