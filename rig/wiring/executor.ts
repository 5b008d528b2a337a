/** Performs what plans ask for: finds profile, guest and calibration, and runs in the clock domain of the binding. */

import { join } from 'node:path';
import { HalError, type HardwareProfile, loadProfile } from '../../hal/index.js';
import { RigError } from '../errors.js';
import { PACKAGE_ROOT, PROFILES_DIR } from '../paths.js';
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
      const profile = findProfile(request.cell.profile, options.profileFolders);
      const guest = openGuest(request.guest);
      if (request.cell.binding === 'real') return runWall(request, guest, profile);
      calibration ??= loadCalibration(options.calibrationPath ?? DEFAULT_CALIBRATION);
      return runVirtual(request, guest, profile, calibration);
    },
  };
}

/** By name or path; `RIG_PROFILE_UNKNOWN`, listing what there is, or `RIG_PROFILE_MALFORMED`, naming the field. */
export function findProfile(name: string, folders: readonly string[] = []): HardwareProfile {
  try {
    return loadProfile(name, [...folders, PROFILES_DIR]);
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    const { message, where, hint } = error;
    const details = { ...(where === undefined ? {} : { where }), ...(hint === undefined ? {} : { hint }) };
    if (error.code === 'HAL_NOT_FOUND') throw new RigError('RIG_PROFILE_UNKNOWN', message, details);
    if (error.code === 'HAL_INVALID') throw new RigError('RIG_PROFILE_MALFORMED', message, details);
    throw error;
  }
}
