/** Opens the real port of a run or recording. */

import type { WallClock } from '../../base/index.js';
import { type BindingPort, type LineSettings, openRealPort } from '../../hal/index.js';
import { RigError } from '../errors.js';

/** As `openRealPort`; `RIG_ABORTED` when the person ended it meanwhile, whatever came of the port. */
export async function openDevice(
  path: string,
  line: LineSettings,
  clock: WallClock,
  abort: AbortSignal | undefined,
): Promise<BindingPort> {
  try {
    return await openRealPort({ path, line, clock });
  } catch (error) {
    if (!(abort?.aborted ?? false)) throw error;
    throw new RigError('RIG_ABORTED', `it was stopped before ${path} was open`, { where: path });
  }
}
