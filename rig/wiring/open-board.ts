/** Opens the board of a run in wall time, by the address that a person gave as its port. */

import type { Random, WallClock } from '../../base/index.js';
import { type BoardPort, type BoardProfile, createBoardSimulator } from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { RunRequest } from '../run/run-types.js';

/** Address of the profile's simulator: it runs in wall time, in the thread that owns the device. */
export const SIMULATED_BOARD = 'sim:';

export interface RunBoardOptions {
  readonly profile: BoardProfile;
  readonly port: string | undefined;
  readonly clock: WallClock;
  /** Of the run; what a simulator draws follows from it. */
  readonly random: Random;
  readonly simulator: RunRequest['simulator'];
}

/** `RIG_INPUT_MISSING` without an address; to be called before anything is made for the run. Touches nothing. */
export function checkBoardAddress({ name }: BoardProfile, port: string | undefined): void {
  const hint = `give --port ${SIMULATED_BOARD} for the simulator of the profile in wall time`;
  if (port === undefined)
    throw new RigError('RIG_INPUT_MISSING', `a run on a real ${name} needs the address of the board`, {
      where: name,
      hint,
    });
  if (port !== SIMULATED_BOARD)
    throw new RigError('RIG_INPUT_MISSING', `"${port}" is not the address of a board that can be opened`, {
      where: name,
      hint,
    });
}

/** The board, powered and idle. Errors as `checkBoardAddress`, or of the HAL. */
export function openRunBoard({ profile, port, clock, random, simulator }: RunBoardOptions): BoardPort {
  checkBoardAddress(profile, port);
  return createBoardSimulator(profile, simulator ?? {}, { clock, random: random.fork('device') });
}
