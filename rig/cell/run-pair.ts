/** Runs a guest and its companion in two cells, two processes that share memory; what becomes of the companion's never ends the run. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NS_PER_SECOND, WallClock } from '../../base/index.js';
import type { HardwareProfile } from '../../hal/index.js';
import { RigError } from '../errors.js';
import { NO_DEVICE } from '../plan/matrix.js';
import type { Companion, RunRequest } from '../run/run-types.js';
import type { RunEvidence } from '../wiring/run-result.js';
import type { PairSeat } from './cell-protocol.js';
import { makePairFolder, removePairFolder } from './pair-memory.js';
import { type PairPlan, planPair, threadSchedule } from './pair-plan.js';
import { runInCell } from './run-in-cell.js';
import type { Side } from './section-channel.js';

/** Trace of the companion's cell, beside that of the run. */
export const COMPANION_TRACE = 'trace.companion.pcapng';
/** A companion is ended when the run is over; by itself, long after. */
const AFTER_NS = 60 * NS_PER_SECOND;

type Ended = { readonly evidence: RunEvidence } | { readonly error: unknown };

/**
 * Rejects as `runInCell` does for the cell of the guest, with `RIG_ASSIGNMENT` when the two cannot have what they want; then
 * nothing was started. `started` is told of each process.
 */
export async function runPair(
  request: RunRequest,
  companion: Companion,
  profile: HardwareProfile | undefined,
  started?: (side: Side, pid: number | undefined) => void,
): Promise<RunEvidence> {
  const plan = planPair(request, request.port ?? profile?.name ?? NO_DEVICE);
  const folder = makePairFolder();
  const start = new Barrier(2);
  const end = new AbortController();
  const { origin } = new WallClock();
  const cell = (side: Side) => ({ seat: seatOf(plan, side, folder, origin), ready: () => start.arrive() });
  const open = (): void => start.open();
  request.abort?.addEventListener('abort', open);
  const beside = runInCell(
    companionRequest(request, companion, end.signal),
    undefined,
    (pid) => started?.(1, pid),
    cell(1),
  )
    .then((evidence): Ended => ({ evidence }))
    .catch((error: unknown): Ended => ({ error }))
    .finally(open);
  try {
    const evidence = await runInCell(request, profile, (pid) => started?.(0, pid), cell(0));
    end.abort();
    return together(request, evidence, await beside, plan);
  } finally {
    request.abort?.removeEventListener('abort', open);
    open();
    end.abort();
    await beside;
    removePairFolder(folder);
  }
}

/** Lets nobody on before all have come, or it was opened. */
class Barrier {
  #open = (): void => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });

  constructor(private missing: number) {}

  arrive(): Promise<void> {
    if (--this.missing === 0) this.#open();
    return this.#opened;
  }

  open(): void {
    this.#open();
  }
}

function seatOf(plan: PairPlan, side: Side, folder: string, origin: PairSeat['origin']): PairSeat {
  const { schedule, places } = plan;
  return {
    side,
    folder,
    origin,
    place: places[side],
    ...(schedule === undefined ? {} : { schedule: threadSchedule(schedule, side) }),
  };
}

function companionRequest(request: RunRequest, { guest, bootargs }: Companion, abort: AbortSignal): RunRequest {
  const { cell, seed, outDir } = request;
  const instructions = request.limits?.instructions;
  return {
    cell: { ...cell, profile: NO_DEVICE },
    guest,
    durationNs: request.durationNs + AFTER_NS,
    seed,
    outDir,
    traceName: COMPANION_TRACE,
    ...(bootargs === undefined ? {} : { bootargs }),
    ...(instructions === undefined ? {} : { limits: { instructions } }),
    abort,
  };
}

function together(request: RunRequest, evidence: RunEvidence, beside: Ended, plan: PairPlan): RunEvidence {
  const placement = placementOf(evidence, 'evidence' in beside ? beside.evidence : undefined, plan);
  const run = { ...evidence, ...(placement === undefined ? {} : { placement }) };
  if ('evidence' in beside) {
    const { guests, tracePath } = beside.evidence;
    return { ...run, guests: [...evidence.guests, ...guests], companion: { tracePath } };
  }
  const { error } = beside;
  // A companion that could not even begin is a mistake in what was asked for; one that was lost is what a cell is for.
  if (!(error instanceof RigError && error.code === 'RIG_CELL_LOST')) throw error;
  const tracePath = join(request.outDir, COMPANION_TRACE);
  return { ...run, companion: { lost: error.message, ...(existsSync(tracePath) ? { tracePath } : {}) } };
}

function placementOf(
  { placement }: RunEvidence,
  beside: RunEvidence | undefined,
  plan: PairPlan,
): RunEvidence['placement'] {
  if (placement === undefined) return undefined;
  return { ...placement, grants: [...plan.grants, ...placement.grants, ...(beside?.placement?.grants ?? [])] };
}
