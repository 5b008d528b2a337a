/** Opens the real port of a run or recording. */

import type { WallClock } from '../../base/index.js';
import {
  type BindingPort,
  type LineSettings,
  openRealPort,
  openRestartingPort,
  type PortRestart,
  type SerialPort,
} from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { DeviceHosts } from './device-hosts.js';
import type { WallStations } from './wall-stations.js';

/** As `openRealPort`; `RIG_ABORTED` when the person ended it meanwhile, whatever came of the port. */
export async function openDevice(
  path: string,
  line: LineSettings,
  clock: WallClock,
  abort: AbortSignal | undefined,
): Promise<BindingPort> {
  return unlessAborted(openRealPort({ path, line, clock }), path, abort);
}

/** A port that says when somebody else may open the device again. */
export type ClosingPort = SerialPort & { readonly whenClosed: Promise<void> };

export interface RunDevice {
  readonly path: string;
  readonly line: LineSettings;
  readonly clock: WallClock;
  readonly abort: AbortSignal | undefined;
  readonly hosts: DeviceHosts;
  readonly stations: WallStations;
  /** Told each time the port came back after the process that owned it was lost. */
  readonly restarted: (restart: PortRestart) => void;
}

/** The port of a run, owned by the run's hosts; it outlives them where they come back. Errors as `openDevice`. */
export async function openRunDevice(device: RunDevice): Promise<ClosingPort> {
  const { path, line, clock, abort, hosts, stations, restarted } = device;
  const provider = stations.stamped(hosts.provider);
  const open = (settings: LineSettings): Promise<BindingPort> =>
    openRealPort({
      path,
      line: settings,
      clock,
      hosts: provider,
      onChunk: ({ atNs }) => stations.arrived(atNs),
    });
  const opening = hosts.comesBack
    ? openRestartingPort({ name: path, clock, line, open, onRestart: restarted })
    : open(line);
  return unlessAborted<ClosingPort>(opening, path, abort);
}

async function unlessAborted<P>(opening: Promise<P>, path: string, abort: AbortSignal | undefined): Promise<P> {
  try {
    return await opening;
  } catch (error) {
    if (!(abort?.aborted ?? false)) throw error;
    throw new RigError('RIG_ABORTED', `it was stopped before ${path} was open`, { where: path });
  }
}
