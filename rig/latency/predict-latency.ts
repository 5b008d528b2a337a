/** Predicts the round trips that `measureLatency` measures: the same guest on the same path, in virtual time with a calibration. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NS_PER_MS } from '../../base/index.js';
import { RigError } from '../errors.js';
import type { Calibration } from '../wiring/calibration.js';
import { findProfile } from '../wiring/executor.js';
import { openGuest } from '../wiring/open-guest.js';
import { serialProfile } from '../wiring/run-source.js';
import { SerialLink } from '../wiring/serial-link.js';
import { runVirtual } from '../wiring/virtual-run.js';
import { ECHO_GUEST, ECHO_PROFILE, GAP_MS, type LatencyOptions } from './measure-latency.js';
import { VirtualTerminal } from './virtual-terminal.js';

/** A round trip takes no longer than this on average, or the run ends before all are done. */
const LONGEST_MS = 50;

/** Nanoseconds of each round trip. Rejects with `RIG_INTERNAL` when not every character came back. */
export async function predictLatency(
  options: Omit<LatencyOptions, 'abort' | 'examine' | 'keepPassages'>,
  calibration: Calibration,
): Promise<Float64Array> {
  const { architecture, frontend, engine, exchanges, gapMs = GAP_MS, seed } = options;
  const outDir = mkdtempSync(join(tmpdir(), 'rigvisor-prediction-'));
  const profile = serialProfile(findProfile(ECHO_PROFILE), 'a prediction');
  const request = {
    cell: { plan: 'latency', profile: ECHO_PROFILE, binding: 'sim', architecture, frontend, engine },
    guest: ECHO_GUEST,
    durationNs: exchanges * LONGEST_MS * NS_PER_MS,
    seed,
    outDir,
  } as const;
  let terminal: VirtualTerminal | undefined;
  try {
    await runVirtual(request, openGuest(ECHO_GUEST), profile, calibration, (clock, random) => {
      const made = new VirtualTerminal({ clock, random: random.fork('device'), exchanges, gapMs });
      terminal = made;
      return {
        link: (trace) => new SerialLink(request, profile.bind.serial, trace, () => made),
        pacing: 'modelled',
        clocks: [],
        ended: () => made.isDone,
        truth: () => undefined,
      };
    });
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
  const roundTripNs = terminal?.roundTripNs ?? [];
  if (roundTripNs.length !== exchanges)
    throw new RigError(
      'RIG_INTERNAL',
      `${exchanges - roundTripNs.length} of ${exchanges} characters did not come back`,
      {
        where: `${architecture}, ${frontend}`,
      },
    );
  return Float64Array.from(roundTripNs);
}
