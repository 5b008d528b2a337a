/** Where trace blocks come from: a file read window by window, or memory. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { HalError } from '../errors.js';
import { fileError } from './trace-sink.js';

export interface TraceSource {
  /** How a person names it. */
  readonly name: string;
  /** Bytes there were when it was opened. */
  readonly size: number;
  /** Reads up to `length` bytes at `position`; returns how many, 0 at the end. Throws `HAL_IO`. */
  read(target: Uint8Array, offset: number, length: number, position: number): number;
  /** Idempotent. */
  close(): void;
}

class FileSource implements TraceSource {
  readonly size: number;
  #fd: number;

  constructor(readonly name: string) {
    let fd = -1;
    try {
      fd = openSync(name, 'r');
      const status = fstatSync(fd);
      if (!status.isFile())
        throw new HalError('HAL_INVALID', `${name} is not a file`, { where: name, hint: 'Name a trace file.' });
      this.size = status.size;
    } catch (error) {
      if (fd >= 0) closeSync(fd);
      if (error instanceof HalError) throw error;
      throw fileError(name, 'read', error);
    }
    this.#fd = fd;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    if (this.#fd < 0) throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
    let done = 0;
    try {
      while (done < length) {
        const count = readSync(this.#fd, target, offset + done, length - done, position + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw fileError(this.name, 'read', error);
    }
    return done;
  }

  close(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }
}

class MemorySource implements TraceSource {
  readonly #bytes: Uint8Array;

  constructor(
    bytes: Uint8Array,
    readonly name: string,
  ) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.#bytes.length - position));
    target.set(this.#bytes.subarray(position, position + count), offset);
    return count;
  }

  close(): void {}
}

/** Opens the file at `path`. Throws `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_INVALID` (a folder, a device), `HAL_IO`. */
export function fileSource(path: string): TraceSource {
  return new FileSource(path);
}

export function memorySource(bytes: Uint8Array, name = 'memory'): TraceSource {
  return new MemorySource(bytes, name);
}
