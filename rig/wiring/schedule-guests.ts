/** Puts the guests of a run into one virtual time, and joins those that share memory. */

import type { VirtualClock } from '../../base/index.js';
import { joinSharedMemory, type Machine, VirtualScheduler } from '../../vmm/index.js';
import { GuestLoop } from './guest-loop.js';
import { COMPANION, type RunAssembly } from './run-assembly.js';

/** The scheduler wakes a guest first; then its rings are watched again, by polling where the guest is partitioned. */
export function scheduleGuests(
  clock: VirtualClock,
  assembly: RunAssembly<Machine>,
  isPartitioned = false,
): VirtualScheduler {
  const scheduler = new VirtualScheduler(clock);
  const [first, second] = assembly.machines.map((machine) => machine.sharedMemory?.device);
  if (first !== undefined && second !== undefined) joinSharedMemory(first, second);
  for (const machine of assembly.machines) {
    const { pace, core } = machine;
    if (pace === undefined) continue;
    const loop = needsLoop(machine) ? new GuestLoop(machine, clock, isPartitioned) : undefined;
    scheduler.add(pace);
    const woken = core.onWake;
    core.onWake = () => {
      woken?.();
      if (machine.name !== COMPANION) assembly.woken();
      loop?.wake();
    };
  }
  return scheduler;
}

/** Whether nothing else looks into the guest's memory, or not for everything. */
function needsLoop({ sharedMemory, acquisition }: Machine): boolean {
  return sharedMemory !== undefined || acquisition === undefined;
}
