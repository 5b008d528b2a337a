/** Two guests of different images on one virtual clock, joined by shared memory: the bench of tests about neighbours. */

import { readFileSync } from 'node:fs';
import { Timer, VirtualClock } from '../../../base/index.js';
import type { GuestImage } from '../../boot/guest-image.js';
import { parseImage } from '../../boot/image.js';
import { joinSharedMemory } from '../../devices/shared-memory.js';
import type { JournalSink } from '../../journal/journal-writer.js';
import type { EngineName } from '../create-vcpu.js';
import { INTERRUPT_NAMES } from '../interrupt-log.js';
import { createMachine, type Machine } from '../machine.js';
import { VirtualScheduler } from '../virtual-scheduler.js';

const POLL_NS = 5_000;
const RAM_BYTES = 0x10_0000;

/** Costs of exits as the reference calibration has them. */
export const COSTS = { instructionNs: 10, accessNs: 87, hypercallNs: 76 } as const;

/** Bytes of a guest as it is committed. */
export function guestBytes(name: string): Uint8Array {
  return readFileSync(new URL(`../../../../guests/${name}/${name}.elf`, import.meta.url));
}

/** The image of a guest as it is committed. */
export function guestImage(name: string): GuestImage {
  return parseImage(guestBytes(name), `${name}.elf`);
}

export interface Tenant {
  readonly image: GuestImage;
  readonly bootargs: string;
  readonly journal?: JournalSink;
  /** Told of every exit but `wfi`, when its instruction has retired. */
  readonly onExit?: () => void;
}

export interface Neighbours {
  readonly victim: Machine;
  readonly neighbour: Machine;
  /** Records of the victim, copied. */
  readonly reports: Uint8Array[];
  /** Runs both up to a time; a neighbour that is stuck or ends leaves the victim alone. */
  runTo(ns: number): void;
}

/** The victim is guest 0, partitioned, and its timer's latency is measured; reports are kept when `keepsReports`. */
export function neighbours(first: Tenant, second: Tenant, engine: EngineName, keepsReports = true): Neighbours {
  const clock = new VirtualClock();
  const scheduler = new VirtualScheduler(clock);
  const reports: Uint8Array[] = [];
  const make = (tenant: Tenant, id: number): Machine => {
    const machine = createMachine({
      name: id === 0 ? 'victim' : 'neighbour',
      engine,
      image: tenant.image,
      clock,
      bootargs: tenant.bootargs,
      ramBytes: RAM_BYTES,
      reportRing: true,
      sharedMemory: { id, peer: 1 - id, doorbell: 'ring' },
      ...(tenant.journal === undefined ? {} : { journal: tenant.journal }),
      ...(id === 0 ? { measuredInterrupts: INTERRUPT_NAMES.timer } : {}),
      exitCostNs: (reason, region) => {
        if (reason !== 'wfi') tenant.onExit?.();
        return exitNs(reason, region);
      },
      onReport: (record, length) => {
        if (id === 0 && keepsReports) reports.push(record.slice(0, length));
      },
    });
    scheduler.add(machine);
    watch(machine, clock);
    return machine;
  };
  const victim = make(first, 0);
  const neighbour = make(second, 1);
  const ends = [victim.sharedMemory?.device, neighbour.sharedMemory?.device] as const;
  if (ends[0] !== undefined && ends[1] !== undefined) joinSharedMemory(ends[0], ends[1]);
  const runTo = (ns: number): void => {
    while (scheduler.runUntil(ns).kind === 'limit');
  };
  return { victim, neighbour, reports, runTo };
}

function exitNs(reason: string, region: string | undefined): number {
  if (reason === 'wfi') return 0;
  return region === undefined ? COSTS.hypercallNs : COSTS.accessNs;
}

/** The cell's I/O loop. */
function watch(machine: Machine, clock: VirtualClock): void {
  const loop = new Timer(() => {
    const isMore = machine.sharedMemory?.device.poll() ?? false;
    machine.pollReports();
    if (isMore || machine.activity === 'running') arm();
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
}
