/** Places a running cell on its host: the vCPU on a core of its own, both threads in front of everything ordinary, guest memory in RAM. */

import { readdirSync } from 'node:fs';
import { freemem } from 'node:os';
import { PerformanceObserver } from 'node:perf_hooks';
import type { MachineThread } from '../../vmm/index.js';
import type { PlacementRun } from '../run/run-types.js';
import { checkAssignment } from './assignment.js';
import type { CellPlace } from './cell-protocol.js';
import { type Grant, hostCores, lockMemory, placeThread } from './host-scheduling.js';

/** The I/O loop comes before the vCPU: what waits for it is a device. It sleeps whenever it has nothing to do. */
export const IO_PRIORITY = 20;
export const VCPU_PRIORITY = 10;
/**
 * Threads that the runtime made for itself: some read from and write to devices for the I/O loop, and so come before everything
 * ordinary; others compile and collect, and so come behind the vCPU, which they held up for milliseconds in front of it.
 */
const HELPER_PRIORITY = 5;

/** Counts pauses of the garbage collector in the calling thread, from when it is made until it is asked. */
export class CollectionLog {
  #count = 0;
  #totalMs = 0;
  #longestMs = 0;
  readonly #observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      this.#count++;
      this.#totalMs += duration;
      this.#longestMs = Math.max(this.#longestMs, duration);
    }
  });

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  end(): PlacementRun['collections'] {
    this.#observer.disconnect();
    return { count: this.#count, totalMs: this.#totalMs, longestMs: this.#longestMs };
  }
}

/** What the only cell of a run is to be given, checked before its process is made. Throws `RIG_ASSIGNMENT`. */
export function checkCell(device: string, ramBytes: number, realTime: boolean): void {
  const cores = hostCores();
  const placed = realTime && cores > 1 ? { core: cores - 1, priority: VCPU_PRIORITY } : {};
  checkAssignment([{ name: `the cell of ${device}`, devices: [device], ramBytes, ...placed }], {
    cores,
    freeMemoryBytes: freemem(),
  });
}

/**
 * What the only cell of a host asks for. The core of its vCPU is the last one, if there are two at least: the others are left
 * to the I/O loop and to everybody else.
 */
export function soleCellPlace(): CellPlace {
  const cores = hostCores();
  const core = cores > 1 ? { core: cores - 1 } : {};
  return { ...core, priority: VCPU_PRIORITY, ioPriority: IO_PRIORITY, lockMemory: true };
}

/** Called when the threads are there and nothing has run; the calling one is the I/O loop. */
export function placeCell(machines: readonly MachineThread[], place: CellPlace): Grant[] {
  const { core, priority, ioPriority } = place;
  // What the start of the cell left behind is not collected while its guest runs.
  (globalThis as { readonly gc?: () => void }).gc?.();
  const grants: Grant[] = [];
  if (ioPriority !== undefined) {
    grants.push(...placeThread(0, { priority: ioPriority }).map(named('I/O loop')));
    const vcpus = machines.map(({ threadId }) => threadId);
    grants.push(...placeHelpers(vcpus));
  }
  for (const { name, threadId, memory } of machines) {
    if (threadId !== undefined) {
      const wish = {
        ...(core === undefined ? {} : { cores: [core] }),
        ...(priority === undefined ? {} : { priority }),
      };
      grants.push(...placeThread(threadId, wish).map(named(`vCPU of ${name}`)));
    }
    if (place.lockMemory === true) grants.push(lockMemory(memory.u8));
  }
  return grants;
}

/** All other threads of this process as one: the first refusal, or what the last was given. */
function placeHelpers(placed: readonly (number | undefined)[]): Grant[] {
  const grants = otherThreads(placed).flatMap((threadId) => placeThread(threadId, { priority: HELPER_PRIORITY }));
  const told = grants.find(({ granted }) => !granted) ?? grants.at(-1);
  return told === undefined ? [] : [named('threads of the runtime')(told)];
}

function otherThreads(placed: readonly (number | undefined)[]): number[] {
  try {
    return readdirSync('/proc/self/task')
      .map(Number)
      .filter((threadId) => threadId !== process.pid && !placed.includes(threadId));
  } catch {
    return [];
  }
}

function named(who: string): (grant: Grant) => Grant {
  return (grant) => ({ ...grant, sentence: `${who}: ${grant.sentence}` });
}
