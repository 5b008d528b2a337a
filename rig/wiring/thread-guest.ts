/** A guest of a run in wall time: its vCPU runs in a thread of its own, its device belongs to this one. */

import type { WallClock } from '../../base/index.js';
import { type MachineConfig, MachineThread, type MachineThreadOptions } from '../../vmm/index.js';
import type { GuestUnit } from './guest-unit.js';

export interface ThreadGuestHooks extends MachineThreadOptions {
  /** A guest has something to be looked at, while nobody looks. */
  readonly news: () => void;
  /** A burst that this thread handed over at `fromNs` was let into a guest at `toNs`. */
  readonly handover: (fromNs: number, toNs: number) => void;
  /** What follows left a guest's emulated frontend at `fromNs`. */
  readonly departure: (fromNs: number) => void;
}

export type ThreadGuest = GuestUnit & MachineThread;

/** Makes guests as threads: the callbacks of `config` are called in this thread, with what the guests have sent. */
export function threadGuestMaker(clock: WallClock, hooks: ThreadGuestHooks): (config: MachineConfig) => ThreadGuest {
  return (config) => {
    const { name, engine, image, xlen, ramBytes, acquisition, reportRing, bootargs, limits, seed } = config;
    const { sharedMemory, measuredInterrupts } = config;
    return new MachineThread(
      {
        name,
        engine,
        image,
        ...(xlen === undefined ? {} : { xlen }),
        ...(ramBytes === undefined ? {} : { ramBytes }),
        ...(acquisition === undefined ? {} : { acquisition }),
        ...(sharedMemory === undefined ? {} : { sharedMemory }),
        ...(measuredInterrupts === undefined ? {} : { measuredInterrupts }),
        ...(reportRing === undefined ? {} : { reportRing }),
        ...(bootargs === undefined ? {} : { bootargs }),
        ...(limits === undefined ? {} : { limits }),
        ...(seed === undefined ? {} : { seed }),
      },
      clock,
      {
        journal: (bytes) => config.journal?.chunk(bytes, 0, 0, 0),
        console: (byte) => config.onConsole?.(byte),
        report: (record, length, atNs) => config.onReport?.(record, length, atNs),
        handover: hooks.handover,
        departure: hooks.departure,
        news: hooks.news,
      },
      hooks,
    );
  };
}
