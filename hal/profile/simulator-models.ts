/** The simulators that a profile can name: their parameters, and how one is made. */

import { z } from 'zod';
import type { Clock, Random } from '../../base/index.js';
import { HalError } from '../errors.js';
import { createDaqBoard, type DaqBoard } from '../simulators/daq-board/device.js';
import { daqBoardParametersSchema } from '../simulators/daq-board/parameters.js';
import { gnssParametersSchema } from '../simulators/gnss/parameters.js';
import { createGnssReceiver, type GnssReceiver } from '../simulators/gnss/receiver.js';
import { createMccUsb1608fsPlus, type MccDevice } from '../simulators/mcc-usb-1608fs-plus/device.js';
import { mccParametersSchema } from '../simulators/mcc-usb-1608fs-plus/parameters.js';
import { createVellemanK8055, type K8055Device } from '../simulators/velleman-k8055/device.js';
import { k8055ParametersSchema } from '../simulators/velleman-k8055/parameters.js';
import type { BoardProfile, HardwareProfile, SerialProfile, UsbProfile } from './profile-schema.js';
import { parseFields } from './schema-error.js';

/** Any simulated serial device; `model` tells which. */
export type Simulator = GnssReceiver;

/** Any simulated USB device; `model` tells which. */
export type UsbSimulator = MccDevice | K8055Device;

/** Any simulated board. */
export type BoardSimulator = DaqBoard;

export interface SimulatorEnvironment {
  readonly clock: Clock;
  readonly random: Random;
}

/** The `simulator` field of a serial profile. Every model of it has an entry in `createSimulator`. */
export const serialSimulatorSchema = z.discriminatedUnion('model', [
  z.strictObject({ model: z.literal('gnss-receiver'), parameters: gnssParametersSchema.prefault({}) }),
]);

/** The `simulator` field of a USB profile. Every model of it has an entry in `createUsbSimulator`. */
export const usbSimulatorSchema = z.discriminatedUnion('model', [
  z.strictObject({ model: z.literal('mcc-usb-1608fs-plus'), parameters: mccParametersSchema.prefault({}) }),
  z.strictObject({ model: z.literal('velleman-k8055'), parameters: k8055ParametersSchema.prefault({}) }),
]);

/** The `simulator` field of a board's profile. Every model of it has an entry in `createBoardSimulator`. */
export const boardSimulatorSchema = z.discriminatedUnion('model', [
  z.strictObject({ model: z.literal('rv-daq16'), parameters: daqBoardParametersSchema.prefault({}) }),
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
 * The simulated serial device of `profile`, its parameters changed by `overrides`. Throws `HAL_UNSUPPORTED` when the profile
 * has none and `HAL_INVALID`, naming the field, when the parameters do not fit.
 */
export function createSimulator(
  profile: SerialProfile,
  overrides: Fields,
  environment: SimulatorEnvironment,
): Simulator {
  const { simulator } = profile;
  if (simulator === undefined) throw noSimulator(profile);
  switch (simulator.model) {
    case 'gnss-receiver':
      return createGnssReceiver(mergeParameters(simulator.parameters, overrides), environment);
  }
}

/** The simulated USB device of `profile`; as `createSimulator` otherwise. */
export function createUsbSimulator(
  profile: UsbProfile,
  overrides: Fields,
  environment: SimulatorEnvironment,
): UsbSimulator {
  const { simulator } = profile;
  if (simulator === undefined) throw noSimulator(profile);
  const parameters = mergeParameters(simulator.parameters, overrides);
  switch (simulator.model) {
    case 'mcc-usb-1608fs-plus':
      return createMccUsb1608fsPlus(parameters, environment);
    case 'velleman-k8055':
      return createVellemanK8055(parameters, environment);
  }
}

/** The simulated board of `profile`; as `createSimulator` otherwise. */
export function createBoardSimulator(
  profile: BoardProfile,
  overrides: Fields,
  { clock, random }: SimulatorEnvironment,
): BoardSimulator {
  const { simulator } = profile;
  if (simulator === undefined) throw noSimulator(profile);
  const merged = mergeParameters(simulator.parameters, overrides);
  const parameters = parseFields(daqBoardParametersSchema, merged, `${profile.name}: simulator.parameters`);
  return createDaqBoard({ clock, parameters, seed: String(random.uint32()) });
}

function noSimulator(profile: HardwareProfile): HalError {
  return new HalError('HAL_UNSUPPORTED', `the profile ${profile.name} has no simulator`, {
    where: profile.name,
    hint: 'Bind it to a real device or to a trace, or add a "simulator" field to the profile.',
  });
}
