/** The C library's pseudo-terminal calls through koffi, loaded when the first pseudo-terminal is made. */

import { createRequire } from 'node:module';
import { HalError } from '../../errors.js';

/** The functions used, with the C library's own meaning: -1 or a non-zero answer is a failure. */
export interface Libc {
  posix_openpt(flags: number): number;
  grantpt(fd: number): number;
  unlockpt(fd: number): number;
  ptsname_r(fd: number, name: Uint8Array, length: number): number;
  tcgetattr(fd: number, termios: Uint8Array): number;
  tcsetattr(fd: number, when: number, termios: Uint8Array): number;
  cfmakeraw(termios: Uint8Array): void;
  tcflush(fd: number, queue: number): number;
  /** Linux only. */
  readonly linux?: LinuxCalls;
}

export interface LinuxCalls {
  ioctl(fd: number, request: number, kind?: string, argument?: Uint8Array): number;
  poll(descriptors: Uint8Array, count: number, timeoutMs: number): number;
}

interface Koffi {
  load(path: string | null): { func(declaration: string): (...args: unknown[]) => unknown };
}

let loaded: Libc | undefined;

/** Throws `HAL_UNSUPPORTED` where koffi or the C library's pseudo-terminals are missing. */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

function load(): Libc {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const library = koffi.load(null);
    const common = {
      posix_openpt: library.func('int posix_openpt(int flags)'),
      grantpt: library.func('int grantpt(int fd)'),
      unlockpt: library.func('int unlockpt(int fd)'),
      ptsname_r: library.func('int ptsname_r(int fd, _Out_ uint8_t *name, size_t length)'),
      tcgetattr: library.func('int tcgetattr(int fd, _Out_ uint8_t *termios)'),
      tcsetattr: library.func('int tcsetattr(int fd, int when, const uint8_t *termios)'),
      cfmakeraw: library.func('void cfmakeraw(_Inout_ uint8_t *termios)'),
      tcflush: library.func('int tcflush(int fd, int queue)'),
    };
    if (process.platform !== 'linux') return common as Libc;
    const linux = {
      ioctl: library.func('int ioctl(int fd, unsigned long request, ...)'),
      poll: library.func('int poll(_Inout_ uint8_t *descriptors, unsigned long count, int timeout)'),
    };
    return { ...common, linux } as Libc;
  } catch (error) {
    throw new HalError('HAL_UNSUPPORTED', `pseudo-terminals are not available: ${(error as Error).message}`, {
      cause: error,
      hint: 'They need the npm package koffi with its native library, and Linux or macOS.',
    });
  }
}
