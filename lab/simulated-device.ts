/** The simulated devices that the host shows to the machine; tests inside make the same ones to compare with. */

import { join } from 'node:path';
import { type Clock, createRandom } from '../base/index.js';
import {
  cdcAcmPeripheral,
  createSimulator,
  createUsbSimulator,
  type GnssReceiver,
  type K8055Device,
  loadProfile,
  type MccDevice,
  type UsbPeripheral,
} from '../hal/index.js';
import { TestPeripheral } from '../hal/usb/test-peripheral.js';
import { REPOSITORY } from './machine.js';

const SEED = 4711;
/** Of pid.codes, for tests. */
const ACM_IDS = { vendorId: 0x1209, productId: 0x0002 };

/** The contract suites' device. */
export const LOOPBACK = 'loopback';

export interface SimulatedDevice {
  readonly peripheral: UsbPeripheral;
  /** What knows the truth. */
  readonly simulator: GnssReceiver | K8055Device | MccDevice | undefined;
}

/** The device of the shipped profile `name`, a serial one as CDC-ACM; the same for the same arguments. */
export function simulatedDevice(
  name: string,
  overrides: Readonly<Record<string, unknown>>,
  clock: Clock,
): SimulatedDevice {
  if (name === LOOPBACK) return { peripheral: new TestPeripheral(), simulator: undefined };
  const profile = loadProfile(name, [join(REPOSITORY, 'hardware-profiles')]);
  const environment = { clock, random: createRandom(SEED) };
  if (profile.kind === 'serial') {
    const simulator = createSimulator(profile, overrides, environment);
    const product = `Simulated ${name}`;
    return { peripheral: cdcAcmPeripheral({ clock, device: simulator, product, ...ACM_IDS }), simulator };
  }
  if (profile.kind === 'board') throw new Error(`${name} is a board on a memory bus and cannot be shown over USB/IP`);
  const simulator = createUsbSimulator(profile, overrides, environment);
  return { peripheral: simulator, simulator };
}
