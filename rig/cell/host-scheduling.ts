/** Gives the threads of a cell their cores, their priority and their memory, as far as this host permits, and says what it got. */

import { availableParallelism } from 'node:os';
import { linuxCalls as hostCalls, type LinuxCalls } from './linux-calls.js';

/** What a cell asks its host for. */
export interface SchedulingWish {
  /** Cores for the threads of the cell; absent: any. */
  readonly cores?: readonly number[];
  /** Priority of `SCHED_FIFO`, 1 to 99; absent: the host's ordinary scheduling. */
  readonly priority?: number;
  /** Whether guest memory is to stay in RAM. */
  readonly lockMemory?: boolean;
}

/** One of the wishes, and what became of it. */
export interface Grant {
  readonly what: 'cores' | 'priority' | 'memory' | 'schedule';
  readonly granted: boolean;
  /** For a person: what was given, or why not and what would help. */
  readonly sentence: string;
}

const SCHED_FIFO = 1;
const RLIMIT_MEMLOCK = 8;
const ERRNO_NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  3: 'ESRCH',
  11: 'EAGAIN',
  12: 'ENOMEM',
  22: 'EINVAL',
  38: 'ENOSYS',
};

/** Asks for one thread; `threadId` 0 is the calling one. Nothing throws: a cell runs without what it is refused. */
export function placeThread(threadId: number, wish: SchedulingWish, calls = hostCalls()): Grant[] {
  const grants: Grant[] = [];
  if (wish.cores !== undefined) grants.push(pin(threadId, wish.cores, calls));
  if (wish.priority !== undefined) grants.push(realTime(threadId, wish.priority, calls));
  return grants;
}

function pin(threadId: number, cores: readonly number[], calls: LinuxCalls): Grant {
  const named = cores.join(', ');
  const mask = new Uint8Array(128);
  for (const core of cores) mask[core >> 3] |= 1 << (core & 7);
  if (calls.setAffinity(threadId, mask) === 0) return { what: 'cores', granted: true, sentence: `on core ${named}` };
  return refusal('cores', `core ${named} is not to be had (${errnoName(calls)})`);
}

function realTime(threadId: number, priority: number, calls: LinuxCalls): Grant {
  if (calls.setScheduler(threadId, SCHED_FIFO, priority) === 0)
    return { what: 'priority', granted: true, sentence: `SCHED_FIFO ${priority}` };
  return refusal(
    'priority',
    `SCHED_FIFO ${priority} was refused (${errnoName(calls)}); give the user "rtprio ${priority}" in /etc/security/limits.conf, or CAP_SYS_NICE`,
  );
}

/**
 * Keeps guest memory in RAM. Not the whole process by mlockall(2): the engine's garbage collector gives pages back with
 * madvise(2), which locked pages refuse, and it ends the process then.
 */
export function lockMemory(memory: Uint8Array, calls = hostCalls()): Grant {
  const limits = new Uint8Array(16);
  const soft = calls.limit(RLIMIT_MEMLOCK, limits) === 0 ? new DataView(limits.buffer).getBigUint64(0, true) : 0n;
  if (calls.lock(memory) === 0)
    return { what: 'memory', granted: true, sentence: `${memory.length >> 20} MiB of guest memory locked` };
  return refusal(
    'memory',
    `guest memory was not locked (${errnoName(calls)}), at most ${soft >> 10n} KiB may be; give the user "memlock unlimited" in /etc/security/limits.conf`,
  );
}

/** The cores of this host that a process may be given, 0 to n − 1. */
export function hostCores(): number {
  return availableParallelism();
}

function refusal(what: Grant['what'], sentence: string): Grant {
  return { what, granted: false, sentence };
}

function errnoName(calls: LinuxCalls): string {
  const errno = calls.errno();
  return ERRNO_NAMES[errno] ?? `error ${errno}`;
}
