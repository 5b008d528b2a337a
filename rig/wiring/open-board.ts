/** Opens the board of a run in wall time, by the address that a person gave as its port. */

import type { Random, WallClock } from '../../base/index.js';
import {
  type BoardPort,
  type BoardProfile,
  createBoardSimulator,
  openSharedBoard,
  openUioBoard,
} from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { RunRequest } from '../run/run-types.js';

/** `sim:`, `uio:0`, `uio:0,udmabuf0` (with the u-dma-buf device whose memory the board masters) or `shared:FOLDER`. */
const ADDRESS = /^(?:(?<simulator>sim:)|uio:(?<uio>\d+)(?:,(?<dmaBuffer>[\w-]+))?|shared:(?<folder>.+))$/;
const HINT =
  'give --port uio:0 for a board behind Linux UIO, shared:FOLDER for one that another process runs, or sim: for the simulator of the profile';

export interface RunBoardOptions {
  readonly profile: BoardProfile;
  readonly port: string | undefined;
  readonly clock: WallClock;
  /** Of the run; what a simulator draws follows from it. */
  readonly random: Random;
  readonly simulator: RunRequest['simulator'];
}

/** `RIG_INPUT_MISSING` without an address or with one that is none; to be called before anything is made for the run. */
export function checkBoardAddress({ name }: BoardProfile, port: string | undefined): void {
  parseAddress(name, port);
}

/** The board, idle. Errors as `checkBoardAddress`, `openUioBoard` and `openSharedBoard` have them. */
export function openRunBoard({ profile, port, clock, random, simulator }: RunBoardOptions): BoardPort {
  const { uio, dmaBuffer, folder } = parseAddress(profile.name, port);
  if (uio !== undefined)
    return openUioBoard({ device: `uio${uio}`, ...(dmaBuffer === undefined ? {} : { dmaBuffer }) });
  if (folder !== undefined) return openSharedBoard(folder);
  return createBoardSimulator(profile, simulator ?? {}, { clock, random: random.fork('device') });
}

function parseAddress(name: string, port: string | undefined): Partial<Record<string, string>> {
  if (port === undefined)
    throw new RigError('RIG_INPUT_MISSING', `a run on a real ${name} needs the address of the board`, {
      where: name,
      hint: HINT,
    });
  const groups = ADDRESS.exec(port)?.groups;
  if (groups === undefined)
    throw new RigError('RIG_INPUT_MISSING', `"${port}" is not the address of a board`, { where: name, hint: HINT });
  return groups;
}
