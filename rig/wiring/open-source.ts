/** Opens the device of a run in virtual time, by the kind that its profile names. */

import type { Random, VirtualClock } from '../../base/index.js';
import type { HardwareProfile } from '../../hal/index.js';
import type { RunRequest } from '../run/run-types.js';
import { openBoardSource } from './board-source.js';
import { openNoDevice } from './no-device.js';
import type { RunSource } from './run-source.js';
import { openSerialSource } from './serial-source.js';
import { openUsbSource } from './usb-source.js';

export function openSource(
  request: RunRequest,
  profile: HardwareProfile | undefined,
  clock: VirtualClock,
  random: Random,
): RunSource {
  if (profile === undefined) return openNoDevice(request);
  if (profile.kind === 'board') return openBoardSource(request, profile, random);
  return profile.kind === 'serial'
    ? openSerialSource(request, profile, clock, random)
    : openUsbSource(request, profile, clock, random);
}
