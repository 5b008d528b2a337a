/** Places a running cell on its host: the vCPU on a core of its own, both threads in front of everything ordinary, guest memory in RAM. */

import { readdirSync } from 'node:fs';
import { freemem } from 'node:os';
import { PerformanceObserver } from 'node:perf_hooks';
import type { MachineThread } from '../../vmm/index.js';
import type { PlacementRun } from '../run/run-types.js';
import { checkAssignment } from './assignment.js';
import { type Grant, hostCores, lockMemory, placeThread } from './host-scheduling.js';

/** The I/O loop comes before the vCPU: what waits for it is a device. It sleeps whenever it has nothing to do. */
const IO_PRIORITY = 20;
const VCPU_PRIORITY = 10;
/** Threads that the runtime made for itself; some of them read from and write to devices for the I/O loop. */
const HELPER_PRIORITY = 15;

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
 * The core of a vCPU is the host's last one, if there are two at least: the others are left to the I/O loop and to everybody
 * else. Called when the threads are there and nothing has run.
 */
export function placeCell(machines: readonly MachineThread[]): Grant[] {
  const cores = hostCores();
  const grants = placeThread(0, { priority: IO_PRIORITY }).map(named('I/O loop'));
  grants.push(...placeHelpers(machines.map(({ threadId }) => threadId)));
  for (const { name, threadId, memory } of machines) {
    if (threadId !== undefined) {
      const wish = { ...(cores > 1 ? { cores: [cores - 1] } : {}), priority: VCPU_PRIORITY };
      grants.push(...placeThread(threadId, wish).map(named(`vCPU of ${name}`)));
    }
    grants.push(lockMemory(memory.u8));
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
