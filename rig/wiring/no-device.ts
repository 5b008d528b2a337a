/** A run without a device: a guest whose events come from its own timer (profile `none`). */

import type { ClockDomain } from '../../base/index.js';
import { RigError } from '../errors.js';
import { byteArrivals } from '../metrics/arrivals.js';
import type { DeclaredClock, RunRequest } from '../run/run-types.js';
import type { DeviceLink, JoinedPath, JoinOptions } from './device-link.js';
import type { RunSource } from './run-source.js';

/** Of the guest's timer and of the stamps, in virtual time; in wall time the host's clock is off by tens of ppm. */
function noDeviceClocks(domain: ClockDomain): DeclaredClock[] {
  return [
    { name: 'guest', ppm: 0, quantumNs: 100 },
    { name: 'stamps', ppm: domain === 'wall' ? 100 : 0, quantumNs: domain === 'wall' ? 1_000 : 1 },
  ];
}

/** In wall time: the guest's timer is the host's. */
export function realNoDevice(): Pick<RunSource, 'link' | 'clocks'> {
  return { link: () => new NoLink(), clocks: noDeviceClocks('wall') };
}

/** `RIG_USAGE` for a binding that needs a device. */
export function openNoDevice(request: RunRequest): RunSource {
  if (request.cell.binding !== 'sim')
    throw new RigError('RIG_USAGE', `a run without a device has nothing to bind to "${request.cell.binding}"`, {
      where: request.cell.plan,
      hint: 'use --binding sim or --binding real',
    });
  return {
    link: () => new NoLink(),
    pacing: 'modelled',
    clocks: noDeviceClocks('virtual'),
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
