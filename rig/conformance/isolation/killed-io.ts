/** A hosted run whose I/O process is killed again and again, with the device open: each time it must come back. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, WallClock } from '../../../base/index.js';
import { IoProcess, openTrace, PtyMaster } from '../../../hal/index.js';
import { replayJournal } from '../../../vmm/index.js';
import { journalChunks } from '../../wiring/certify.js';
import { findProfile } from '../../wiring/executor.js';
import { hostMs, sleepMs } from '../../wiring/host-time.js';
import { openGuest } from '../../wiring/open-guest.js';
import type { RunEvidence } from '../../wiring/run-result.js';
import { performWallRun } from '../../wiring/wall-run.js';
import { wallRequest } from './wall-request.js';

const PROFILE = 'echo-terminal';
const GUEST = 'echo';
/** A character is sent again after so long without its echo. */
const KNOCK_MS = 20;
/** The longest that a device may be gone. */
const BACK_MS = 30_000;
/** Characters that are sent; none is the one that stands for a line error. */
const FIRST_LETTER = 0x40;
const LETTERS = 60;

export interface KilledIo {
  /** How often the process was lost. */
  readonly losses: number;
  /** Losses while the device was open and its guest answered. */
  readonly open: number;
  /** Breaks that the guest was shown, one for each loss of an open device. */
  readonly breaks: number;
  readonly stop: RunEvidence['stop']['kind'];
  /** Why the run could not be replayed; empty when it was, exactly. */
  readonly divergence: string;
}

/** Kills `count` times, mostly amid traffic, sometimes as soon as the next process has started; `killed` is told each time. */
export async function killIoProcess(
  count: number,
  random: Random,
  folder: string,
  killed: () => void,
): Promise<KilledIo> {
  const outDir = join(folder, 'io');
  mkdirSync(outDir, { recursive: true });
  const terminal = new PtyMaster(new WallClock());
  const stop = new AbortController();
  const io = new IoProcess({ restartsPerMinute: Number.POSITIVE_INFINITY, restartDelayMs: 5, maxRestartDelayMs: 20 });
  const hosts = { provider: io, comesBack: true, end: () => io.end() };
  const request = wallRequest({ architecture: 'hosted', port: terminal.path, outDir, abort: stop.signal });
  const guest = openGuest(GUEST);
  const running = performWallRun(request, guest, findProfile(PROFILE), { hosts });
  // It is awaited below; what it fails of meanwhile is told by the race.
  const failed = running.then(
    ({ stop: { sentence } }) => Promise.reject(new Error(`the run ended: ${sentence}`)),
    (error: unknown) => Promise.reject(error),
  );
  failed.catch(() => {});
  let open = 0;
  try {
    for (let i = 0; i < count; i++) {
      const isOpen = i === 0 || random.below(5) > 0;
      if (isOpen) await Promise.race([answered(terminal, i), failed]);
      await sleepMs(random.below(60));
      while (io.pid === undefined) await sleepMs(1);
      process.kill(io.pid, 'SIGKILL');
      while (io.losses === i) await sleepMs(1);
      if (isOpen) open++;
      killed();
    }
    await Promise.race([answered(terminal, count), failed]);
    stop.abort();
    const evidence = await running;
    return { ...examine(evidence, guest.image), losses: io.losses, open };
  } finally {
    stop.abort();
    terminal.close();
    await running.catch(() => {});
  }
}

/** Until a character that was not sent in the last rounds comes back. Rejects when none does. */
async function answered(terminal: PtyMaster, round: number): Promise<void> {
  const wanted = FIRST_LETTER + (round % LETTERS);
  let isBack = false;
  terminal.onData = (chunk) => {
    if (chunk.includes(wanted)) isBack = true;
  };
  for (const endMs = hostMs() + BACK_MS; !isBack; ) {
    if (hostMs() > endMs) throw new Error(`the device was not back ${BACK_MS / 1000} s after loss ${round}`);
    // Asked, it lifts the exclusive mode that a killed program leaves behind.
    if (terminal.opened && terminal.pendingBytes === 0) terminal.write(Uint8Array.of(wanted), 0, 1);
    await sleepMs(KNOCK_MS);
  }
}

function examine(
  { tracePath, wire, stop }: RunEvidence,
  image: ReturnType<typeof openGuest>['image'],
): Omit<KilledIo, 'losses' | 'open'> {
  const replay = replayJournal({ image }, journalChunks(openTrace(tracePath), `journal guest`));
  const divergence = replay.identical ? '' : (replay.divergence?.sentence ?? 'the ends differ');
  return { breaks: wire.line?.breaks ?? 0, stop: stop.kind, divergence };
}
