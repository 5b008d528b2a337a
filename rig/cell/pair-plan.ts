/** What two cells beside each other are to be given: checked as a whole, before either is started. */

import { freemem } from 'node:os';
import { CyclicSchedule, NS_PER_MS } from '../../base/index.js';
import { BOARD, type ThreadSchedule } from '../../vmm/index.js';
import { RigError } from '../errors.js';
import type { RunRequest, WindowOwner } from '../run/run-types.js';
import { type CellAssignment, checkAssignment, type HostResources } from './assignment.js';
import type { CellPlace } from './cell-protocol.js';
import type { Grant } from './host-scheduling.js';
import { hostCores } from './host-scheduling.js';
import { IO_PRIORITY, VCPU_PRIORITY } from './place-cell.js';
import type { Side } from './section-channel.js';

/** Of a host with one core: the real-time guest's turn comes often, and each is long against a slice of instructions. */
const DEFAULT_FRAME_NS = 2 * NS_PER_MS;

export const PAIR: readonly WindowOwner[] = ['guest', 'companion'];

/** Of each side. */
export interface PairPlan {
  readonly places: readonly [CellPlace, CellPlace];
  readonly schedule: CyclicSchedule | undefined;
  /** Says in the report how a shared core is divided; none where each has its own. */
  readonly grants: readonly Grant[];
}

export function hostResources(): HostResources {
  return { cores: hostCores(), freeMemoryBytes: freemem() };
}

/**
 * The guest's vCPU has the host's last core and real-time priority, the companion's the one before and ordinary scheduling: a
 * general-purpose guest that spins must leave its core to whoever needs it. Where there is one core, or the request says how
 * one is shared, both have the last one in windows. Throws `RIG_ASSIGNMENT` with every contradiction, `RIG_PLAN` for a
 * schedule that is none.
 */
export function planPair(request: RunRequest, device: string, host = hostResources()): PairPlan {
  const { cores } = host;
  const isRealTime = request.realTime ?? true;
  const schedule = requested(request) ?? (cores < 2 ? CyclicSchedule.equal(DEFAULT_FRAME_NS, PAIR) : undefined);
  const last = cores - 1;
  const placed = isRealTime || schedule !== undefined;
  const core = (side: Side): { core?: number } =>
    placed ? { core: side === 0 || schedule !== undefined ? last : last - 1 } : {};
  const priority = isRealTime ? { priority: VCPU_PRIORITY } : {};
  const ramBytes = BOARD.ram.defaultBytes;
  const cells: CellAssignment[] = [
    { name: 'guest', devices: [device], ramBytes, ...core(0), ...priority },
    { name: 'companion', devices: [], ramBytes, ...core(1) },
  ];
  checkAssignment(cells, host, schedule);
  const first = isRealTime ? { ioPriority: IO_PRIORITY, lockMemory: true } : {};
  return {
    places: [{ ...core(0), ...priority, ...first }, core(1)],
    schedule,
    grants: schedule === undefined ? [] : [scheduleGrant(schedule, last)],
  };
}

/** What the vCPU of one side is told of the windows. */
export function threadSchedule(schedule: CyclicSchedule, side: Side): ThreadSchedule {
  return { owner: PAIR[side], frameNs: schedule.frameNs, windows: schedule.windows };
}

function requested({ schedule }: RunRequest): CyclicSchedule | undefined {
  if (schedule === undefined) return undefined;
  try {
    return new CyclicSchedule(schedule.periodNs, schedule.windows);
  } catch (cause) {
    throw new RigError('RIG_PLAN', `the schedule of the run is none: ${(cause as Error).message}`, {
      where: 'schedule',
      hint: 'windows lie in order within the period, in whole nanoseconds',
      cause,
    });
  }
}

function scheduleGrant(schedule: CyclicSchedule, core: number): Grant {
  const ms = (ns: number): string => `${ns / NS_PER_MS}`;
  const windows = schedule.windows.map(
    ({ owner, offsetNs, durationNs }) => `${owner} from ${ms(offsetNs)} to ${ms(offsetNs + durationNs)} ms`,
  );
  const away = PAIR.map((owner) => `${owner} away for ${ms(schedule.longestAbsenceNs(owner))} ms at most`);
  const sentence = `core ${core} shared in frames of ${ms(schedule.frameNs)} ms: ${windows.join(', ')}; ${away.join(', ')}`;
  return { what: 'schedule', granted: true, sentence };
}
