/** Puts the guests of a run into one virtual time. */

import type { VirtualClock } from '../../base/index.js';
import { type Machine, VirtualScheduler } from '../../vmm/index.js';
import type { RunAssembly } from './run-assembly.js';

/** The scheduler wakes a guest first; then its rings are watched again. */
export function scheduleGuests(clock: VirtualClock, assembly: RunAssembly<Machine>): VirtualScheduler {
  const scheduler = new VirtualScheduler(clock);
  for (const { pace, core } of assembly.machines) {
    if (pace === undefined) continue;
    scheduler.add(pace);
    const woken = core.onWake;
    core.onWake = () => {
      woken?.();
      assembly.woken();
    };
  }
  return scheduler;
}
