/** Builds the chain of stations between a device and its guests: modelled in virtual time, passed through in wall time. */

import type { Clock, Random } from '../../base/index.js';
import type { Architecture, Direction } from '../run/run-types.js';
import { type Calibration, DelayModel, type StationName } from './calibration.js';
import type { JoinOptions } from './device-link.js';
import { Station, type StationOutput } from './station.js';
import type { StationLog } from './station-log.js';
import { TransferDraws } from './transfer-draws.js';

/** What a path needs to model its stations; without it bytes pass at once, because in wall time the host makes the delay itself. */
export interface StationModel {
  readonly calibration: Calibration;
  readonly random: Random;
  readonly log: StationLog;
  /** Whole round trips, where the calibration has them. */
  readonly transfers: TransferDraws | undefined;
}

/** The model of one path; undefined in wall time, which has no calibration. `characters`: the architecture in which it carries characters one by one, as those were whose whole round trips were measured. */
export function stationModel(
  { calibration, random, stations }: JoinOptions,
  characters?: Architecture,
): StationModel | undefined {
  if (calibration === undefined) return undefined;
  const path = characters === undefined ? undefined : calibration.paths?.[characters];
  const own = random.fork('path');
  const transfers = path === undefined ? undefined : new TransferDraws(path, own.fork('transfers'));
  return { calibration, random: own, log: stations, transfers };
}

/**
 * Chains `names` (in the order a byte meets them) in front of `output`. The first one gathers, like the kernel's buffer
 * in front of a reader that has to wake up; the others pass on batch by batch.
 */
export function chainStations(
  names: readonly StationName[],
  clock: Clock,
  model: StationModel | undefined,
  direction: Direction,
  output: StationOutput,
): StationOutput {
  if (model === undefined) return output;
  const delays = names.map((name, index) => ({
    model:
      model.transfers?.source(name, direction, index === 0) ??
      new DelayModel(model.calibration.stations[name].quantiles, model.random.fork(`${direction}/${name}`)),
    spent: model.log.recorder(name, direction),
  }));
  const rest = delays.length > 1 ? new Station(clock, delays.slice(1), 'separate', output) : output;
  return new Station(clock, delays.slice(0, 1), 'gather', rest);
}
