/** Performs what plans ask for: finds profile, guest and calibration, and runs in the clock domain of the binding. */

import { join } from 'node:path';
import { HalError, type HalErrorCode, type HardwareProfile, loadProfile } from '../../hal/index.js';
import { RigError } from '../errors.js';
import { PACKAGE_ROOT, PROFILES_DIR } from '../paths.js';
import { NO_DEVICE } from '../plan/matrix.js';
import type { RunExecutor, RunRequest, RunResult } from '../run/run-types.js';
import { type Calibration, loadCalibration } from './calibration.js';
import { openGuest } from './open-guest.js';
import { runVirtual } from './virtual-run.js';
import { runWall } from './wall-run.js';

export const DEFAULT_CALIBRATION = join(PACKAGE_ROOT, 'rig', 'calibration', 'reference.json');

export interface ExecutorOptions {
  /** Calibration file of virtual-time runs; the shipped one when absent. */
  readonly calibrationPath?: string;
  /** Folders with profiles, before the shipped ones. */
  readonly profileFolders?: readonly string[];
}

export function createExecutor(options: ExecutorOptions = {}): RunExecutor {
  let calibration: Calibration | undefined;
  return {
    async execute(request: RunRequest): Promise<RunResult> {
      const { profile: name } = request.cell;
      const profile = name === NO_DEVICE ? undefined : findProfile(name, options.profileFolders);
      const guest = openGuest(request.guest);
      const calibrated = (): Calibration => {
        calibration ??= loadCalibration(options.calibrationPath ?? DEFAULT_CALIBRATION);
        return calibration;
      };
      refuseIdleSchedule(request);
      if (request.cell.binding === 'real') return runWall(request, guest, profile, calibrated);
      return runVirtual(request, guest, profile, calibrated());
    },
  };
}

/** Windows divide a core between two cells; where there are none, nobody would follow them. */
function refuseIdleSchedule({ schedule, companion, cell }: RunRequest): void {
  if (schedule === undefined) return;
  if (companion !== undefined && cell.binding === 'real' && cell.architecture === 'partitioned') return;
  throw new RigError('RIG_PLAN', 'a schedule divides a core between the cells of a guest and its companion', {
    where: 'schedule',
    hint: 'leave it out, or run it with a companion, partitioned and on the real binding',
  });
}

type ProfileCode = 'RIG_PROFILE_UNKNOWN' | 'RIG_PROFILE_MALFORMED' | 'RIG_INPUT_MISSING';

const PROFILE_CODES: Partial<Record<HalErrorCode, ProfileCode>> = {
  HAL_NOT_FOUND: 'RIG_PROFILE_UNKNOWN',
  HAL_INVALID: 'RIG_PROFILE_MALFORMED',
  HAL_DENIED: 'RIG_INPUT_MISSING',
  HAL_IO: 'RIG_INPUT_MISSING',
};

const PROFILE_HINTS: Readonly<Record<ProfileCode, string>> = {
  RIG_PROFILE_UNKNOWN: 'check the path, or name one of those that "rig list profiles" shows',
  RIG_PROFILE_MALFORMED: 'correct it there; hardware-profiles/profile.schema.json says what a profile holds',
  RIG_INPUT_MISSING: 'check the file and its permissions',
};

/** By name or path; `RIG_PROFILE_UNKNOWN`, listing what there is, `RIG_PROFILE_MALFORMED`, naming the field, or `RIG_INPUT_MISSING`. */
export function findProfile(name: string, folders: readonly string[] = []): HardwareProfile {
  try {
    return loadProfile(name, [...folders, PROFILES_DIR]);
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    const code = PROFILE_CODES[error.code];
    if (code === undefined) throw error;
    const { message, where, hint = PROFILE_HINTS[code] } = error;
    throw new RigError(code, message, { hint, ...(where === undefined ? {} : { where }) });
  }
}
