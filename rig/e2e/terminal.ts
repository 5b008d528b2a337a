/** A simulated receiver shown as a terminal by `rig export`, for tests that need a device in wall time. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, VirtualClock, WallClock } from '../../base/index.js';
import { createPtyPair, createSimulatedPort, createSimulator } from '../../hal/index.js';
import { findProfile } from '../wiring/executor.js';
import { serialProfile } from '../wiring/run-source.js';
import { notLinux, type RigProcess, startRig } from './rig-process.js';

/** Why there can be no terminal here; undefined when there can. */
export function noTerminal(): string | undefined {
  const reason = notLinux();
  if (reason !== undefined) return reason;
  try {
    createPtyPair(new WallClock()).close();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

export interface Terminal {
  readonly path: string;
  readonly process: RigProcess;
}

/** Longer than any suite. */
const SHOWN_MS = 3_600_000;

/** `rig export sim:PROFILE`, linked into `folder` as `name`, ready to be opened. */
export async function startTerminal(
  folder: string,
  profile: string,
  seed = 'export',
  name = 'receiver',
): Promise<Terminal> {
  const path = join(folder, name);
  const process = startRig(['export', `sim:${profile}`, '--pty', '--link', path, '--seed', seed, '-q'], {
    limitMs: SHOWN_MS,
  });
  await process.says(/^.+\n/);
  if (!existsSync(path)) throw new Error(`there is no link at ${path}`);
  return { path, process };
}

/** What `sim:PROFILE` sends in its first `durationNs`, as `rig export` and `rig record` make it from `seed`. */
export function simulatedStream(profileName: string, seed: string, durationNs: number): Buffer {
  const profile = serialProfile(findProfile(profileName), 'a stream');
  const clock = new VirtualClock();
  const device = createSimulator(profile, {}, { clock, random: createRandom(seed).fork('device') });
  const port = createSimulatedPort({ name: 'expected', clock, device });
  const bytes: number[] = [];
  port.attach({ receive: (byte) => bytes.push(byte), modemStatus: () => {}, disconnected: () => {} });
  clock.advanceTo(durationNs);
  port.close();
  return Buffer.from(bytes);
}

/** The same, as long as it is needed: made anew, twice as long, when it was too short. */
export class ExpectedStream {
  #untilNs = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(
    readonly profile: string,
    readonly seed: string,
  ) {}

  /** At least the first `durationNs`. */
  first(durationNs: number): Buffer {
    if (durationNs > this.#untilNs) {
      this.#untilNs = 2 * durationNs;
      this.#bytes = simulatedStream(this.profile, this.seed, this.#untilNs);
    }
    return this.#bytes;
  }
}
