/** Performs a run in virtual time: simulated or recorded device, as fast as the host can. */

import { createRandom, NS_PER_MS, type Random, VirtualClock } from '../../base/index.js';
import type { HardwareProfile } from '../../hal/index.js';
import { createMachine, type Machine } from '../../vmm/index.js';
import type { RunRequest, RunResult, StopReason } from '../run/run-types.js';
import type { Calibration } from './calibration.js';
import { seconds } from './duration-text.js';
import { hostMs, nextTurn } from './host-time.js';
import { type OpenGuest, openGuest } from './open-guest.js';
import { openSource } from './open-source.js';
import { COMPANION, MOST_REPORTS, RunAssembly } from './run-assembly.js';
import { certifiedResult, gatherEvidence } from './run-result.js';
import { DRAIN_NS, type RunSource, SLICE_NS } from './run-source.js';
import { scheduleGuests } from './schedule-guests.js';

/** How long the host may be busy before it lets the event loop run and shows progress. */
const TURN_MS = 50;

/** Makes the device of a run; by default what its profile and binding say. */
export type OpenSource = (clock: VirtualClock, random: Random) => RunSource;

export async function runVirtual(
  request: RunRequest,
  guest: OpenGuest,
  profile: HardwareProfile | undefined,
  calibration: Calibration,
  open: OpenSource = (clock, random) => openSource(request, profile, clock, random),
): Promise<RunResult> {
  const clock = new VirtualClock();
  const random = createRandom(request.seed);
  const source = open(clock, random);
  const { link } = source;
  const companion = request.companion === undefined ? undefined : openGuest(request.companion.guest);
  const assembly = new RunAssembly({
    request,
    guest,
    ...(companion === undefined ? {} : { companion }),
    clock,
    calibration,
    random,
    link,
    makeGuest: createMachine,
  });
  let stop: StopReason;
  try {
    await assembly.connect();
    stop = await drive(request, clock, source, assembly);
    assembly.settle();
  } finally {
    assembly.close();
  }
  request.progress?.({
    phase: 'certifying',
    elapsedNs: clock.now(),
    durationNs: request.durationNs,
    reports: assembly.reportCount,
    characters: assembly.link.receivedCount,
  });
  await nextTurn();
  const evidence = gatherEvidence({ assembly, source, stop, clockDomain: 'virtual', durationNs: clock.now() });
  return certifiedResult(request, guest, evidence, calibration, companion);
}

/** Slice boundaries are a function of the request alone, so that neither load nor progress changes what the guests do. */
async function drive(
  request: RunRequest,
  clock: VirtualClock,
  source: RunSource,
  assembly: RunAssembly<Machine>,
): Promise<StopReason> {
  const scheduler = scheduleGuests(clock, assembly, request.cell.architecture === 'partitioned');
  const startMs = hostMs();
  const wallLimitMs = request.limits?.wallMs ?? Number.POSITIVE_INFINITY;
  let turnMs = startMs;
  let endNs = request.durationNs;
  let traceEnded = false;
  let sampledNs = 0;
  while (clock.now() < endNs) {
    const run = scheduler.runUntil(Math.min(endNs, clock.now() + SLICE_NS));
    // A companion that is stuck is stuck by itself.
    if (run.kind === 'limit' && run.machine === COMPANION) continue;
    if (run.kind === 'limit') return { kind: 'limit', limit: 'instructions', sentence: run.sentence };
    if (assembly.deviceLost !== undefined) return lost(assembly);
    if (run.kind === 'ended' || assembly.isFinished) return assembly.finished();
    const reports = request.limits?.reports ?? MOST_REPORTS;
    if (assembly.reportCount > reports)
      return { kind: 'limit', limit: 'reports', sentence: `the guests sent more than ${reports} reports` };
    if (!traceEnded && source.ended()) {
      traceEnded = true;
      endNs = Math.min(endNs, clock.now() + DRAIN_NS);
    }
    if (clock.now() - sampledNs >= 1000 * NS_PER_MS) {
      sampledNs = clock.now();
      assembly.checkpoint();
    }
    const ms = hostMs();
    if (ms - turnMs < TURN_MS) continue;
    turnMs = ms;
    request.progress?.({
      phase: 'running',
      elapsedNs: clock.now(),
      durationNs: request.durationNs,
      reports: assembly.reportCount,
      characters: assembly.link.receivedCount,
    });
    await nextTurn();
    if (request.abort?.aborted)
      return {
        kind: 'aborted',
        sentence: `the run was stopped at ${seconds(clock.now())} of ${seconds(request.durationNs)}`,
      };
    if (ms - startMs > wallLimitMs) {
      return {
        kind: 'limit',
        limit: 'wall',
        sentence: `the run took longer than ${wallLimitMs / 1000} s of host time, at ${seconds(clock.now())} of ${seconds(request.durationNs)} of virtual time`,
      };
    }
  }
  if (traceEnded && endNs < request.durationNs)
    return { kind: 'trace-ended', sentence: `the recording ended after ${seconds(endNs - DRAIN_NS)}` };
  return { kind: 'duration', sentence: `ran for ${seconds(request.durationNs)}` };
}

function lost(assembly: RunAssembly<Machine>): StopReason {
  return {
    kind: 'device-lost',
    sentence: assembly.deviceLost?.message ?? 'the device went away',
    cause: assembly.deviceLost,
  };
}
