/** Device assignment, checked as a whole before anything starts: an exclusive device has one owner, a shared one only sharers. */

import { RigError } from '../errors.js';

export interface DeviceClaim {
  /** The device as the HAL names it: a path, or `sim:…` and `replay:…`. */
  readonly device: string;
  /** The guest or cell that wants it. */
  readonly owner: string;
  readonly mode: 'exclusive' | 'shared';
}

/** Throws `RIG_DEVICE_CLAIMED`, naming both owners, when a device is claimed twice and one of the claims is exclusive. */
export function checkClaims(claims: readonly DeviceClaim[]): void {
  const first = new Map<string, DeviceClaim>();
  for (const claim of claims) {
    const earlier = first.get(claim.device);
    if (earlier === undefined) {
      first.set(claim.device, claim);
      continue;
    }
    if (earlier.mode === 'shared' && claim.mode === 'shared') continue;
    throw new RigError(
      'RIG_DEVICE_CLAIMED',
      `${claim.owner} cannot have ${claim.device}: it belongs to ${earlier.owner} alone, and nothing was started`,
      {
        where: claim.device,
        hint: 'run one guest in the partitioned architecture, or share the device in the hosted one',
      },
    );
  }
}
