/** Linux's calls for placing threads and keeping memory, through koffi; loaded when a cell first asks for them. */

import { createRequire } from 'node:module';

interface Koffi {
  load(path: string | null): { func(declaration: string): (...args: unknown[]) => unknown };
  errno(): number;
  address(pointer: unknown): bigint;
  view(pointer: unknown, length: number): ArrayBuffer;
}

/** The functions used, with the C library's own meaning: a non-zero answer is a failure. */
export interface LinuxCalls {
  /** sched_setaffinity(2): `mask` is a bit set of cores, little-endian. */
  setAffinity(threadId: number, mask: Uint8Array): number;
  /** sched_setscheduler(2) with one priority. */
  setScheduler(threadId: number, policy: number, priority: number): number;
  /** mlock(2) of the memory behind `bytes`. */
  lock(bytes: Uint8Array): number;
  /** getrlimit(2): soft and hard limit as two 64-bit numbers. */
  limit(resource: number, limits: Uint8Array): number;
  /** mmap(2) of `length` bytes of an open file, shared, to read and to write; undefined when it fails. Mapped until the process ends. */
  map(file: number, length: number): ArrayBuffer | undefined;
  /** mkfifo(3), for its owner alone. */
  makeFifo(path: string): number;
  /** Of the call that failed last. */
  errno(): number;
}

const READ_AND_WRITE = 3;
const SHARED = 1;
/** (void *) -1, as koffi gives addresses. */
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/** ENOSYS: there is no such call. */
const NO_SUCH_CALL = 38;

/** Another system than Linux, or koffi without a native part for this machine: every call fails with ENOSYS. */
export const NO_CALLS: LinuxCalls = {
  setAffinity: () => -1,
  setScheduler: () => -1,
  lock: () => -1,
  limit: () => -1,
  map: () => undefined,
  makeFifo: () => -1,
  errno: () => NO_SUCH_CALL,
};

let loaded: LinuxCalls | undefined;

/** Those of this host, or `NO_CALLS`. */
export function linuxCalls(): LinuxCalls {
  loaded ??= load();
  return loaded;
}

function load(): LinuxCalls {
  if (process.platform !== 'linux') return NO_CALLS;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const library = koffi.load(null);
    const affinity = library.func('int sched_setaffinity(int pid, size_t size, const uint8_t *mask)');
    const scheduler = library.func('int sched_setscheduler(int pid, int policy, const int *priority)');
    const lock = library.func('int mlock(const void *address, size_t length)');
    const limit = library.func('int getrlimit(int resource, _Out_ uint8_t *limits)');
    const map = library.func(
      'void *mmap(void *at, size_t length, int protection, int flags, int file, int64_t offset)',
    );
    const fifo = library.func('int mkfifo(const char *path, uint32_t mode)');
    return {
      setAffinity: (threadId, mask) => affinity(threadId, mask.length, mask) as number,
      setScheduler: (threadId, policy, priority) => scheduler(threadId, policy, [priority]) as number,
      lock: (bytes) => lock(bytes, bytes.length) as number,
      limit: (resource, limits) => limit(resource, limits) as number,
      map: (file, length) => {
        const pointer = map(null, length, READ_AND_WRITE, SHARED, file, 0);
        return koffi.address(pointer) === MAP_FAILED ? undefined : koffi.view(pointer, length);
      },
      makeFifo: (path) => fifo(path, 0o600) as number,
      errno: () => koffi.errno(),
    };
  } catch {
    return NO_CALLS;
  }
}
