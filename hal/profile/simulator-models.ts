/** The simulators that a profile can name: their parameters, and how one is made. */

import { z } from 'zod';
import type { Clock, Random } from '../../base/index.js';
import { HalError } from '../errors.js';
import { gnssParametersSchema } from '../simulators/gnss/parameters.js';
import { createGnssReceiver, type GnssReceiver } from '../simulators/gnss/receiver.js';
import type { HardwareProfile } from './profile-schema.js';

/** Any simulated device; `model` tells which. */
export type Simulator = GnssReceiver;

export interface SimulatorEnvironment {
  readonly clock: Clock;
  readonly random: Random;
}

/** The `simulator` field of a profile. Every model of it has an entry in `createSimulator`. */
export const simulatorSchema = z.discriminatedUnion('model', [
  z.strictObject({ model: z.literal('gnss-receiver'), parameters: gnssParametersSchema.prefault({}) }),
]);

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * `base` with `overrides` laid over it: objects are merged field by field, everything else is replaced, and so is an object
 * whose `kind` changes.
 */
export function mergeParameters(base: Fields, overrides: Fields): Fields {
  const merged = new Map<string, unknown>(Object.entries(base));
  for (const [key, value] of Object.entries(overrides)) {
    const old = merged.get(key);
    const merges = isFields(old) && isFields(value) && (value.kind === undefined || value.kind === old.kind);
    merged.set(key, merges ? mergeParameters(old, value) : value);
  }
  return Object.fromEntries(merged);
}

/**
 * The simulated device of `profile`, its parameters changed by `overrides`. Throws `HAL_UNSUPPORTED` when the profile has none
 * and `HAL_INVALID`, naming the field, when the parameters do not fit.
 */
export function createSimulator(
  profile: HardwareProfile,
  overrides: Fields,
  environment: SimulatorEnvironment,
): Simulator {
  const { simulator } = profile;
  if (simulator === undefined)
    throw new HalError('HAL_UNSUPPORTED', `the profile ${profile.name} has no simulator`, {
      where: profile.name,
      hint: 'Bind it to a real device or to a trace, or add a "simulator" field to the profile.',
    });
  switch (simulator.model) {
    case 'gnss-receiver':
      return createGnssReceiver(mergeParameters(simulator.parameters, overrides), environment);
  }
}
