/** Where trace blocks go: a file, or memory. */

import { closeSync, openSync, writeSync } from 'node:fs';
import { HalError } from '../errors.js';

export interface TraceSink {
  /** Takes whole blocks, synchronously; `bytes` is reused by the caller afterwards. Throws `HAL_IO` or `HAL_DENIED`. */
  write(bytes: Uint8Array, offset: number, length: number): void;
  /** Idempotent. */
  close(): void;
}

/** The errno name of a Node.js file error, '' when it is none. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** What went wrong with the file at `path`, as one sentence with what to do. */
export function fileError(path: string, action: string, error: unknown): HalError {
  const errno = errnoOf(error);
  const details = { where: path, cause: error };
  if (errno === 'ENOENT')
    return new HalError(
      'HAL_NOT_FOUND',
      `cannot ${action} ${path}: ${action === 'write' ? 'its folder' : 'it'} does not exist`,
      {
        ...details,
        hint: 'Check the path.',
      },
    );
  if (errno === 'EACCES' || errno === 'EPERM')
    return new HalError('HAL_DENIED', `cannot ${action} ${path}: permission denied`, {
      ...details,
      hint: 'Check the permissions of the file and its folder.',
    });
  if (errno === 'EISDIR')
    return new HalError('HAL_INVALID', `cannot ${action} ${path}: it is a folder`, {
      ...details,
      hint: 'Name a file.',
    });
  if (errno === 'ENOSPC' || errno === 'EDQUOT')
    return new HalError('HAL_IO', `cannot ${action} ${path}: the disk is full`, { ...details, hint: 'Make room.' });
  return new HalError('HAL_IO', `cannot ${action} ${path}: ${error instanceof Error ? error.message : String(error)}`, {
    ...details,
    hint: 'Check the file and the disk it is on.',
  });
}

class FileSink implements TraceSink {
  readonly #path: string;
  #fd = -1;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  write(bytes: Uint8Array, offset: number, length: number): void {
    if (this.#closed) throw new HalError('HAL_CLOSED', `${this.#path} is closed`, { where: this.#path });
    try {
      if (this.#fd < 0) this.#fd = openSync(this.#path, 'w');
      for (let done = 0; done < length; ) done += writeSync(this.#fd, bytes, offset + done, length - done);
    } catch (error) {
      throw fileError(this.#path, 'write', error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      closeSync(this.#fd < 0 ? openSync(this.#path, 'w') : this.#fd);
    } catch (error) {
      throw fileError(this.#path, 'close', error);
    }
  }
}

/**
 * Creates the file at `path`, or empties it, with the first write, so that a process killed meanwhile leaves no empty file.
 * The first write throws `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_INVALID` or `HAL_IO` when that is impossible.
 */
export function fileSink(path: string): TraceSink {
  return new FileSink(path);
}

/** A sink that keeps everything in memory. */
export class MemorySink implements TraceSink {
  #bytes = new Uint8Array(65_536);
  #length = 0;

  write(bytes: Uint8Array, offset: number, length: number): void {
    if (this.#length + length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes.subarray(offset, offset + length), this.#length);
    this.#length += length;
  }

  close(): void {}

  /** A copy of what was written so far. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}
