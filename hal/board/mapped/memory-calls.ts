/** Memory of files and devices in this process, named pipes and waiting for a descriptor: the C library's calls, through koffi. */

import { createRequire } from 'node:module';
import { HalError } from '../../errors.js';

interface Koffi {
  load(path: string | null): { func(declaration: string): KoffiFunction };
  view(pointer: bigint, length: number): ArrayBuffer;
  address(pointer: unknown): bigint;
  errno(): number;
}

type KoffiFunction = ((...args: unknown[]) => unknown) & {
  async(...args: unknown[]): void;
};

/** A shared mapping. Nobody may touch `bytes` or `words` after `unmap`: the process would die. */
export interface MappedMemory {
  readonly bytes: Uint8Array;
  /** The same memory in 32-bit words. */
  readonly words: Uint32Array;
  unmap(): void;
}

/** What a wait for a descriptor ended with, as poll(2) has it; 0 when its time was over. */
export type PollEvents = number;

export interface MemoryCalls {
  /** mmap(2), shared, for reading and writing; throws `HAL_IO` naming `where`. `offset` is a multiple of the page size. */
  map(fd: number, offset: number, length: number, where: string): MappedMemory;
  /** mkfifo(3) for its owner alone; throws `HAL_IO`. */
  makePipe(path: string): void;
  /** flock(2), exclusive, without waiting: whether this descriptor has the file for itself now. */
  lock(fd: number): boolean;
  /** Waits in a thread of the pool until `fd` can be read or has ended; `done` is called once, from the event loop. */
  wait(fd: number, timeoutMs: number, done: (events: PollEvents) => void): void;
}

export const POLL = { in: 1, error: 8, hangUp: 16, invalid: 32 } as const;

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const LOCK_EXCLUSIVE_NOW = 2 | 4;
const OWNER_ONLY = 0o600;
/** `struct pollfd`: descriptor, requested events, returned events. */
const POLLFD_BYTES = 8;

let loaded: MemoryCalls | undefined;

/** Throws `HAL_UNSUPPORTED` on another system than Linux, or without koffi's native part. */
export function memoryCalls(): MemoryCalls {
  loaded ??= load();
  return loaded;
}

function load(): MemoryCalls {
  try {
    if (process.platform !== 'linux') throw new Error(`this is ${process.platform}`);
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    return callsOf(koffi);
  } catch (error) {
    throw new HalError('HAL_UNSUPPORTED', `boards in mapped memory are not available: ${(error as Error).message}`, {
      cause: error,
      hint: 'They need Linux and the npm package koffi with its native library.',
    });
  }
}

function callsOf(koffi: Koffi): MemoryCalls {
  const library = koffi.load(null);
  const mmap = library.func('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t at)');
  const munmap = library.func('int munmap(void *address, size_t length)');
  const mkfifo = library.func('int mkfifo(const char *path, unsigned int mode)');
  const flock = library.func('int flock(int fd, int operation)');
  const poll = library.func('int poll(_Inout_ uint8_t *descriptors, unsigned long count, int timeout)');
  return {
    map: (fd, offset, length, where) => {
      const pointer = mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, offset);
      if (koffi.address(pointer) === MAP_FAILED)
        throw new HalError(
          'HAL_IO',
          `${where}: ${length} bytes at ${offset} cannot be mapped (errno ${koffi.errno()})`,
          {
            where,
            hint: 'The driver offers no memory there: compare with maps/ of the device in /sys/class/uio.',
          },
        );
      const memory = koffi.view(koffi.address(pointer), length);
      return {
        bytes: new Uint8Array(memory),
        words: new Uint32Array(memory, 0, Math.floor(length / 4)),
        unmap: () => void munmap(pointer, length),
      };
    },
    makePipe: (path) => {
      if (mkfifo(path, OWNER_ONLY) !== 0)
        throw new HalError('HAL_IO', `${path}: no named pipe can be made (errno ${koffi.errno()})`, { where: path });
    },
    lock: (fd) => flock(fd, LOCK_EXCLUSIVE_NOW) === 0,
    wait: (fd, timeoutMs, done) => {
      const descriptor = Buffer.alloc(POLLFD_BYTES);
      descriptor.writeInt32LE(fd, 0);
      descriptor.writeInt16LE(POLL.in, 4);
      poll.async(descriptor, 1, timeoutMs, () => done(descriptor.readInt16LE(6)));
    },
  };
}
