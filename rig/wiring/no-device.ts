/** A run without a device: a guest whose events come from its own timer (profile `none`). */

import { RigError } from '../errors.js';
import { byteArrivals } from '../metrics/arrivals.js';
import type { RunRequest } from '../run/run-types.js';
import type { DeviceLink, JoinedPath, JoinOptions } from './device-link.js';
import type { RunSource } from './run-source.js';

/** `RIG_USAGE` for a binding that needs a device. */
export function openNoDevice(request: RunRequest): RunSource {
  if (request.cell.binding !== 'sim')
    throw new RigError('RIG_USAGE', `a run without a device has nothing to bind to "${request.cell.binding}"`, {
      where: request.cell.plan,
      hint: 'use --binding sim',
    });
  return {
    link: () => new NoLink(),
    pacing: 'modelled',
    clocks: [
      { name: 'guest', ppm: 0, quantumNs: 100 },
      { name: 'stamps', ppm: 0, quantumNs: 1 },
    ],
    ended: () => false,
    truth: () => undefined,
  };
}

class NoLink implements DeviceLink {
  readonly acquisition = undefined;
  readonly receivedCount = 0;
  readonly arrivals = byteArrivals([]);
  readonly sentArrivals = this.arrivals;

  packetOf(): number {
    return 0;
  }

  async open(): Promise<void> {}

  join({ machines }: JoinOptions): JoinedPath {
    return { shares: machines.map(() => ({ lost: 0, wireIndex: () => -1 })) };
  }

  wireRun(): ReturnType<DeviceLink['wireRun']> {
    const { arrivals } = this;
    return { received: 0, transmitted: 0, arrivals, overruns: 0, faults: {}, stampResolutionNs: 1 };
  }

  close(): void {}

  async closed(): Promise<void> {}
}
