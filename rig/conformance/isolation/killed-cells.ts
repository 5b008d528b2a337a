/** Cells that are killed or stopped in any phase of their lives, one after the other. */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { NS_PER_MS, type Random, Timer, WallClock } from '../../../base/index.js';
import { PtyMaster } from '../../../hal/index.js';
import { runInCell } from '../../cell/run-in-cell.js';
import { findProfile } from '../../wiring/executor.js';
import { sleepMs } from '../../wiring/host-time.js';
import type { RunEvidence } from '../../wiring/run-result.js';
import type { Tally } from './tally.js';
import { wallRequest } from './wall-request.js';

const PROFILE = 'echo-terminal';
const GUESTS = ['echo', 'spin'] as const;
/** From the start of the process, from the first progress of its run, and from the order to seal. */
const MOST_MS = { starting: 300, running: 150, sealing: 40 } as const;
/** Sent to whatever cell has the terminal open. */
const SENT = Uint8Array.from({ length: 64 }, (_, i) => i);
const TRAFFIC_NS = 5 * NS_PER_MS;
const PHASES = ['starting', 'running', 'sealing'] as const;

/** Kills `count` cells of a lane that has a terminal and a folder of its own; counts each with its phase and its end. */
export async function killCells(count: number, random: Random, folder: string, tally: Tally): Promise<void> {
  const clock = new WallClock();
  const terminal = new PtyMaster(clock);
  const traffic = new Timer(() => {
    // Asked, it lifts the exclusive mode that a killed program leaves behind.
    if (terminal.opened && terminal.pendingBytes === 0) terminal.write(SENT, 0, SENT.length);
    clock.schedule(traffic, clock.now() + TRAFFIC_NS);
  });
  clock.schedule(traffic, clock.now());
  try {
    for (let i = 0; i < count; i++) {
      const { name, end } = await killOne(random, terminal.path, folder);
      tally.count(`${name}: ${end}`);
    }
  } finally {
    clock.cancel(traffic);
    terminal.close();
  }
}

async function killOne(random: Random, port: string, folder: string): Promise<{ name: string; end: string }> {
  const phase = PHASES[random.below(PHASES.length)];
  const outDir = join(folder, 'cell');
  rmSync(outDir, { recursive: true, force: true });
  mkdirSync(outDir, { recursive: true });
  const stop = new AbortController();
  let pid: number | undefined;
  let runs = (): void => {};
  const running = new Promise<void>((resolve) => {
    runs = resolve;
  });
  const request = wallRequest({
    architecture: 'partitioned',
    port,
    outDir,
    abort: stop.signal,
    progress: () => runs(),
  });
  const guest = GUESTS[random.below(GUESTS.length)];
  const end = endOf(
    runInCell({ ...request, guest }, findProfile(PROFILE), (started) => {
      pid = started;
    }),
  );
  if (phase !== 'starting') await Promise.race([running, end]);
  if (phase === 'sealing') {
    await sleepMs(random.below(20));
    stop.abort();
  }
  await sleepMs(random.below(MOST_MS[phase]));
  const how = await kill(pid, random);
  return { name: `cell ${how} while ${phase}`, end: await end };
}

async function kill(pid: number | undefined, random: Random): Promise<string> {
  const stops = random.below(3) === 0;
  if (stops && signal(pid, 'SIGSTOP')) await sleepMs(random.below(200));
  signal(pid, 'SIGKILL');
  return stops ? 'stopped' : 'killed';
}

/** False when the process is gone: its run had ended by itself. */
function signal(pid: number | undefined, name: 'SIGSTOP' | 'SIGKILL'): boolean {
  try {
    return pid !== undefined && process.kill(pid, name);
  } catch {
    return false;
  }
}

/** How a run ended, or the code of the error that it ended with. */
function endOf(run: Promise<RunEvidence>): Promise<string> {
  return run.then(
    ({ stop }) => stop.kind,
    (error: { code?: string }) => error.code ?? String(error),
  );
}
