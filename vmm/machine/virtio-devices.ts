/** The virtio devices that a machine's configuration asks for, each to be put behind a transport of the board. */

import { type Clock, createRandom } from '../../base/index.js';
import type { InterruptLine, MmioDevice } from '../bus/mmio-device.js';
import type { GuestRam } from '../devices/guest-ram.js';
import { VirtioBlk } from '../devices/virtio/virtio-blk.js';
import { VirtioMmio } from '../devices/virtio/virtio-mmio.js';
import { VirtioNet } from '../devices/virtio/virtio-net.js';
import { VirtioRng } from '../devices/virtio/virtio-rng.js';
import { VmmError } from '../errors.js';
import { UserNetwork } from '../net/user-network.js';
import type { BoardDevices, NetworkConfig } from './machine-config.js';

export interface DeviceParts {
  readonly clock: Clock;
  readonly ram: GuestRam;
  readonly devices: BoardDevices;
  readonly seed: string | undefined;
}

/** A device and the name of its bus region, under which its exits are counted. */
export interface PlacedDevice {
  readonly name: string;
  create(line: InterruptLine): MmioDevice;
}

/** Drives, then the network card, then the entropy device. Throws `VMM_CONFIG` for an entropy device without a seed. */
export function virtioDevices(parts: DeviceParts): PlacedDevice[] {
  const { clock, ram, devices, seed } = parts;
  const placed: PlacedDevice[] = (devices.drives ?? []).map((storage, i) => ({
    name: `drive${i}`,
    create: (line) => new VirtioBlk({ clock, line, ram, storage, id: `drive${i}` }),
  }));
  const { network } = devices;
  if (network !== undefined) placed.push({ name: 'network', create: (line) => networkCard(parts, network, line) });
  if (devices.rng === true) {
    if (seed === undefined) throw new VmmError('VMM_CONFIG', 'An entropy device needs a seed to draw from.');
    const random = createRandom(seed).fork('entropy');
    const fill = (target: Uint8Array, length: number): void => {
      for (let i = 0; i < length; i++) target[i] = random.below(256);
    };
    placed.push({ name: 'rng', create: (line) => new VirtioRng({ line, ram, fill }) });
  }
  return placed;
}

/** A transport without a device. */
export function emptyTransport(line: InterruptLine): MmioDevice {
  return new VirtioMmio(
    {
      deviceId: 0,
      featuresLow: 0,
      featuresHigh: 0,
      queues: [],
      readConfig: () => 0,
      writeConfig: () => {},
      notified: () => {},
      started: () => {},
    },
    line,
  );
}

function networkCard({ clock, ram }: DeviceParts, config: NetworkConfig, line: InterruptLine): MmioDevice {
  const { mac, connector, hosts } = config;
  const card = new VirtioNet({ clock, line, ram, ...(mac === undefined ? {} : { mac }) });
  // It attaches itself to the card.
  new UserNetwork({
    clock,
    frontend: card,
    ...(connector === undefined ? {} : { connector }),
    ...(hosts === undefined ? {} : { hosts }),
  });
  return card;
}
