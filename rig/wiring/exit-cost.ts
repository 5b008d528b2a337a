/** What an exit costs a guest in virtual time, by the calibration. */

import { type Calibration, medianNs } from './calibration.js';

/** Leaving and entering the guest costs the trap; an emulated register costs the frontend on top. */
export function exitCost(calibration: Calibration): (reason: string, region: string | undefined) => number {
  const trapNs = medianNs(calibration, 'trap');
  const frontendNs = medianNs(calibration, 'frontend');
  return (reason, region) => (reason === 'wfi' ? 0 : region === undefined ? trapNs : trapNs + frontendNs);
}
