/** Measures round trips from a device through a guest and back, in wall time, through the whole path of an architecture. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInCell } from '../cell/run-in-cell.js';
import type { Architecture, Engine, Frontend } from '../run/run-types.js';
import { hostedDevices } from '../wiring/device-hosts.js';
import { findProfile } from '../wiring/executor.js';
import { openGuest } from '../wiring/open-guest.js';
import type { RunEvidence } from '../wiring/run-result.js';
import { performWallRun } from '../wiring/wall-run.js';
import { EchoPeer, type Measured } from './echo-peer.js';

export interface LatencyOptions {
  readonly architecture: Architecture;
  /** `ring` when partitioned. */
  readonly frontend: Frontend;
  readonly engine: Engine;
  readonly exchanges: number;
  readonly gapMs?: readonly [number, number];
  readonly seed: string;
  /** Keeps when each character passed the stations, in `evidence.passages`. */
  readonly keepPassages?: boolean;
  readonly abort?: AbortSignal;
  /** Asked for what it makes of the finished run, while its trace is still there. */
  readonly examine?: (evidence: RunEvidence) => void | Promise<void>;
}

export interface LatencyRound extends Measured {
  readonly evidence: RunEvidence;
}

export const ECHO_GUEST = 'echo';
const ANSWER_MS = 20_000;
/** So that each character meets a path at rest, and neither end can run in step with the other. */
export const GAP_MS = [0.5, 1.5] as const;
/** A run lasts as long as its peer wants; this is longer than any. */
const LONGEST_NS = 3600 * 1e9;

export const ECHO_PROFILE = 'echo-terminal';

export async function measureLatency(options: LatencyOptions): Promise<LatencyRound> {
  const { architecture, frontend, engine, exchanges, gapMs = GAP_MS, seed } = options;
  const outDir = mkdtempSync(join(tmpdir(), 'rigvisor-latency-'));
  const peer = await EchoPeer.start();
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  options.abort?.addEventListener('abort', abort);
  try {
    const request = {
      cell: { plan: 'latency', profile: ECHO_PROFILE, binding: 'real', architecture, frontend, engine },
      guest: ECHO_GUEST,
      durationNs: LONGEST_NS,
      seed,
      outDir,
      port: peer.path,
      keepPassages: options.keepPassages === true,
      abort: stop.signal,
    } as const;
    const running =
      architecture === 'hosted'
        ? performWallRun(request, openGuest(ECHO_GUEST), findProfile(ECHO_PROFILE), { hosts: hostedDevices() })
        : runInCell(request, findProfile(ECHO_PROFILE));
    const failed = running.then(() => new Promise<never>(() => {}));
    const measured = await Promise.race([peer.measure({ exchanges, gapMs, seed, answerMs: ANSWER_MS }), failed]);
    stop.abort();
    const evidence = await running;
    await options.examine?.(evidence);
    return { ...measured, evidence };
  } finally {
    stop.abort();
    options.abort?.removeEventListener('abort', abort);
    peer.end();
    rmSync(outDir, { recursive: true, force: true });
  }
}
