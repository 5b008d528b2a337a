/** Two guests on one virtual clock, each with a device of its own, of which the second may misbehave. */

import { Timer, VirtualClock } from '../../../base/index.js';
import {
  type AcquisitionKind,
  createMachine,
  type EngineName,
  type GuestImage,
  type JournalEnd,
  type Machine,
  VirtualScheduler,
} from '../../../vmm/index.js';
import { openGuest } from '../../wiring/open-guest.js';
import { type PortDevice, plugIn } from './port-device.js';
import { WILD_RAM_BYTES } from './wild-numbers.js';
import { portConfig } from './wild-script.js';

/** The cell's I/O loop looks so often into rings that nothing else tells of. */
const POLL_NS = 20_000;
const ACCESS_NS = 87;

export interface Guest {
  readonly image: GuestImage;
  readonly kind: AcquisitionKind;
  readonly bootargs?: string;
  readonly ramBytes?: number;
}

export interface Running {
  readonly machine: Machine;
  readonly device: PortDevice;
}

export interface VirtualPair {
  readonly victim: Running;
  readonly neighbour: Running;
  /** Records of the victim, copied. */
  readonly reports: readonly Uint8Array[];
}

/** Guests that acquire by each kind of port, and report or send what came. */
export const VICTIMS: readonly Guest[] = [
  {
    image: openGuest('board-logger').image,
    kind: 'board-window',
    bootargs: 'scans=50 source=counter',
    ramBytes: 0x20_0000,
  },
  {
    image: openGuest('board-logger').image,
    kind: 'board-registers',
    bootargs: 'scans=50 source=counter',
    ramBytes: 0x20_0000,
  },
  { image: openGuest('echo').image, kind: 'serial-ring' },
  { image: openGuest('echo').image, kind: 'virtio-console' },
  { image: openGuest('k8055-logger').image, kind: 'urb-ring' },
  { image: openGuest('k8055-logger').image, kind: 'virtio-usb' },
];

/** What must be the same whatever the neighbour does. */
export interface VictimOutcome {
  readonly digest: JournalEnd;
  readonly reports: string;
  readonly sent: string;
  readonly traffic: number;
  readonly exits: number;
}

export function outcomeOf({ victim: { machine, device }, reports }: VirtualPair): VictimOutcome {
  return {
    digest: machine.digest(),
    reports: Buffer.concat(reports).toString('base64'),
    sent: device.sent.join(' '),
    traffic: device.traffic(),
    exits: machine.exits.snapshot().total,
  };
}

/** Runs both up to `untilNs`; what the neighbour does or how it ends does not keep the victim from getting there. */
export function runPair(victim: Guest, neighbour: Guest, engine: EngineName, untilNs: number): VirtualPair {
  const clock = new VirtualClock();
  const scheduler = new VirtualScheduler(clock);
  const reports: Uint8Array[] = [];
  const start = (guest: Guest, name: string, keep: boolean): Running => {
    const { image, kind, bootargs, ramBytes = 0x10_0000 } = guest;
    const machine = createMachine({
      name,
      engine,
      image,
      clock,
      ramBytes,
      acquisition: portConfig(kind),
      reportRing: keep,
      ...(bootargs === undefined ? {} : { bootargs }),
      exitCostNs: (reason) => (reason === 'wfi' ? 0 : ACCESS_NS),
      onReport: (record, length) => {
        if (keep) reports.push(record.slice(0, length));
      },
    });
    const wake = pollRings(machine, clock);
    if (machine.acquisition === undefined) throw new Error(`${name} was made without a port`);
    const device = plugIn(machine.acquisition, machine.clock, name, wake);
    scheduler.add(machine);
    return { machine, device };
  };
  const pair = { victim: start(victim, 'victim', true), neighbour: start(neighbour, 'neighbour', false), reports };
  while (scheduler.runUntil(untilNs).kind === 'limit');
  return pair;
}

/** The guest of a script, as a neighbour. */
export function wildNeighbour(image: GuestImage, kind: AcquisitionKind): Guest {
  return { image, kind, ramBytes: WILD_RAM_BYTES };
}

/** Looks after the guest's rings while it runs; answers how to begin again when the guest has been woken. */
function pollRings(machine: Machine, clock: VirtualClock): () => void {
  const loop = new Timer(() => {
    machine.acquisition?.poll();
    machine.pollReports();
    if (machine.activity === 'running') arm();
  });
  const arm = (): void => {
    if (!loop.armed) clock.schedule(loop, clock.now() + POLL_NS);
  };
  const woken = machine.core.onWake;
  machine.core.onWake = () => {
    woken?.();
    arm();
  };
  arm();
  return arm;
}
