/** Cells and I/O processes that are killed, stopped, or run guests that spin and crash, beside a neighbour that must lose nothing. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom, type Random } from '../../base/index.js';
import { IoProcess, openTrace } from '../../hal/index.js';
import { replayJournal } from '../../vmm/index.js';
import { runInCell } from '../cell/run-in-cell.js';
import { noTerminal } from '../e2e/terminal.js';
import { EchoPeer } from '../latency/echo-peer.js';
import { measureLatency } from '../latency/index.js';
import type { Architecture, RunRequest } from '../run/run-types.js';
import { journalChunks } from '../wiring/certify.js';
import { findProfile } from '../wiring/executor.js';
import { sleepMs } from '../wiring/host-time.js';
import { openGuest } from '../wiring/open-guest.js';
import type { RunEvidence } from '../wiring/run-result.js';
import { performWallRun } from '../wiring/wall-run.js';

const missing = noTerminal();
const MISBEHAVIOURS = process.env.RIGVISOR_NIGHTLY === '1' ? Number(process.env.RIGVISOR_COUNT ?? 1_000) : 10;
const KINDS = ['cell killed', 'cell stopped', 'guest spins', 'guest faults', 'I/O process killed'] as const;
const PROFILE = 'echo-terminal';
const EXCHANGES = 100;

/** How a run ended, or the code of the error that kept it from beginning. */
function endOf(run: Promise<RunEvidence>): Promise<string> {
  return run.then(
    ({ stop }) => stop.kind,
    (error: { code?: string }) => error.code ?? String(error),
  );
}

describe(missing === undefined ? 'a cell in wall time' : `a cell in wall time (skipped: ${missing})`, function () {
  this.timeout(120_000 + 5_000 * MISBEHAVIOURS);
  let folder: string;
  before(function () {
    if (missing !== undefined) this.skip();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-isolation-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const request = (architecture: Architecture, guest: string, port: string, stop: AbortSignal): RunRequest => {
    const outDir = join(folder, 'offender');
    rmSync(outDir, { recursive: true, force: true });
    mkdirSync(outDir);
    return {
      cell: {
        plan: 'isolation',
        profile: PROFILE,
        binding: 'real',
        architecture,
        frontend: architecture === 'hosted' ? 'emulated' : 'ring',
        engine: 'translator',
      },
      guest,
      durationNs: 60e9,
      seed: 'isolation',
      outDir,
      port,
      // What misbehaves must not be given what it could take from others.
      realTime: false,
      abort: stop,
    };
  };

  async function offendInCell(kind: (typeof KINDS)[number], random: Random, peer: EchoPeer): Promise<string> {
    const stop = new AbortController();
    const guest = kind === 'guest spins' ? 'spin' : kind === 'guest faults' ? 'fault' : 'echo';
    let pid = 0;
    const ended = runInCell(request('partitioned', guest, peer.path, stop.signal), findProfile(PROFILE), (started) => {
      pid = started ?? 0;
    });
    const end = endOf(ended);
    await sleepMs(100 + random.below(400));
    if (kind === 'cell killed') process.kill(pid, 'SIGKILL');
    if (kind === 'cell stopped') {
      process.kill(pid, 'SIGSTOP');
      await sleepMs(random.below(200));
      process.kill(pid, 'SIGKILL');
    }
    stop.abort();
    return end;
  }

  async function offendHosted(random: Random, peer: EchoPeer): Promise<string> {
    const stop = new AbortController();
    const io = new IoProcess();
    const hosts = { provider: io, comesBack: true, end: () => io.end() };
    const end = endOf(
      performWallRun(request('hosted', 'echo', peer.path, stop.signal), openGuest('echo'), findProfile(PROFILE), {
        hosts,
      }),
    );
    await sleepMs(300 + random.below(200));
    if (io.pid !== undefined) process.kill(io.pid, 'SIGKILL');
    await sleepMs(random.below(200));
    stop.abort();
    return end;
  }

  it(`loses nothing and is replayed exactly, whatever its neighbours do: ${MISBEHAVIOURS} misbehaviours`, async () => {
    const { image } = openGuest('echo');
    let isOver = false;
    const ends = new Map<string, number>();
    const offenders = (async () => {
      const random = createRandom('isolation');
      for (let i = 0; i < MISBEHAVIOURS; i++) {
        const kind = KINDS[i % KINDS.length];
        const peer = await EchoPeer.start();
        try {
          const end =
            kind === 'I/O process killed' ? await offendHosted(random, peer) : await offendInCell(kind, random, peer);
          ends.set(`${kind}: ${end}`, (ends.get(`${kind}: ${end}`) ?? 0) + 1);
        } finally {
          peer.end();
        }
      }
    })().finally(() => {
      isOver = true;
    });
    // Awaited below; a failure there must not end the process before the neighbour is done.
    offenders.catch(() => {});
    let exchanges = 0;
    for (let round = 0; !isOver; round++) {
      const { lost, wrong } = await measureLatency({
        architecture: 'partitioned',
        frontend: 'ring',
        engine: 'translator',
        exchanges: EXCHANGES,
        seed: `neighbour ${round}`,
        examine: ({ tracePath }) => {
          const replay = replayJournal({ image }, journalChunks(openTrace(tracePath), 'journal guest'));
          expect(replay.identical, `round ${round}: ${replay.divergence?.sentence}`).to.equal(true);
        },
      });
      expect({ lost, wrong }, `round ${round}`).to.deep.equal({ lost: 0, wrong: 0 });
      exchanges += EXCHANGES;
    }
    await offenders;
    console.log(
      `      ${exchanges} exchanges, none lost; ${[...ends].map(([end, count]) => `${end} ${count}`).join(', ')}`,
    );
    for (const [end] of ends) if (end.startsWith('cell')) expect(end).to.match(/: RIG_CELL_LOST$/);
    expect([...ends.values()].reduce((sum, count) => sum + count, 0)).to.equal(MISBEHAVIOURS);
  });
});
