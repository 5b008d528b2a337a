/** Builds the chain of stations between a device and its guests: modelled in virtual time, passed through in wall time. */

import type { Clock, Random } from '../../base/index.js';
import { type Calibration, DelayModel, type StationName } from './calibration.js';
import { Station, type StationOutput } from './station.js';
import type { StationLog } from './station-log.js';

/** What a path needs to model its stations; without it bytes pass at once, because in wall time the host makes the delay itself. */
export interface StationModel {
  readonly calibration: Calibration;
  readonly random: Random;
  readonly log: StationLog;
}

/**
 * Chains `names` (in the order a byte meets them) in front of `output`. The first one gathers, like the kernel's buffer
 * in front of a reader that has to wake up; the others pass on batch by batch.
 */
export function chainStations(
  names: readonly StationName[],
  clock: Clock,
  model: StationModel | undefined,
  direction: string,
  output: StationOutput,
): StationOutput {
  if (model === undefined) return output;
  let next = output;
  for (let i = names.length - 1; i >= 0; i--) {
    const name = names[i];
    const delay = new DelayModel(model.calibration.stations[name].quantiles, model.random.fork(`${direction}/${name}`));
    next = new Station(clock, delay, i === 0 ? 'gather' : 'separate', next, model.log.recorder(name));
  }
  return next;
}
