/** Disk images for guests: a raw file as the sectors of a block device, by default without ever writing to it. */

import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { PieceOverlay } from '../../base/index.js';
import { RigError } from '../errors.js';

const SECTOR_BYTES = 512;
const MAGIC_BYTES = 8;

/** Files that hold a disk but are none, byte for byte. */
const FOREIGN: readonly { readonly magic: readonly number[]; readonly problem: string; readonly hint: string }[] = [
  {
    magic: [0x51, 0x46, 0x49, 0xfb],
    problem: 'is a qcow2 image',
    hint: 'convert it: qemu-img convert -O raw IMAGE.qcow2 IMAGE.raw',
  },
  {
    magic: [0x4b, 0x44, 0x4d, 0x56],
    problem: 'is a VMDK image',
    hint: 'convert it: qemu-img convert -O raw IMAGE.vmdk IMAGE.raw',
  },
  {
    magic: [0x76, 0x68, 0x64, 0x78, 0x66, 0x69, 0x6c, 0x65],
    problem: 'is a VHDX image',
    hint: 'convert it: qemu-img convert -O raw IMAGE.vhdx IMAGE.raw',
  },
  { magic: [0x1f, 0x8b], problem: 'is compressed by gzip', hint: 'unpack it with gunzip' },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], problem: 'is compressed by xz', hint: 'unpack it with unxz' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], problem: 'is compressed by zstd', hint: 'unpack it with unzstd' },
  { magic: [0x42, 0x5a, 0x68], problem: 'is compressed by bzip2', hint: 'unpack it with bunzip2' },
];

export interface FileStorageOptions {
  /** The guest cannot write to the disk; false when absent. */
  readonly readOnly?: boolean;
  /** What the guest writes is kept in memory and gone with the run, the file stays as it is; true when absent. */
  readonly snapshot?: boolean;
}

/** A file as a guest's disk; has the shape of the monitor's `BlockStorage`, whose calls never throw. */
export interface FileStorage {
  /** Size in sectors of 512 bytes; a last part of one is filled up with zeroes. */
  readonly sectors: number;
  readonly readOnly: boolean;
  read(sector: number, target: Uint8Array, offset: number, bytes: number): boolean;
  write(sector: number, source: Uint8Array, offset: number, bytes: number): boolean;
  flush(): boolean;
  /** Ends the use of the file; every later call answers false. */
  close(): void;
}

/**
 * Opens the raw disk image `path`. The file is opened for writing only with `snapshot: false` and without `readOnly`.
 * @throws RigError `RIG_USAGE` with a cure when the file does not exist, is no raw image, or cannot be opened as asked.
 */
export function openFileStorage(path: string, options: FileStorageOptions = {}): FileStorage {
  const readOnly = options.readOnly === true;
  const writeThrough = !readOnly && options.snapshot === false;
  const file = openFile(path, writeThrough);
  try {
    const bytes = checkFile(path, file, writeThrough);
    return writeThrough ? new WrittenFile(file, bytes) : new SnapshotFile(file, bytes, readOnly);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function refuse(path: string, problem: string, hint: string, cause?: unknown): RigError {
  return new RigError('RIG_USAGE', `the disk image ${path} ${problem}`, { where: path, hint, cause });
}

function openFile(path: string, writable: boolean): number {
  try {
    return openSync(path, writable ? 'r+' : 'r');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw refuse(path, 'does not exist', 'give the path of a raw disk image', cause);
    if (code === 'EISDIR') throw notFile(path);
    if (writable && (code === 'EACCES' || code === 'EPERM' || code === 'EROFS'))
      throw refuse(path, 'may not be written to', 'leave its changes in memory, or change its permissions', cause);
    throw refuse(path, `cannot be opened: ${message}`, 'check its permissions', cause);
  }
}

function notFile(path: string): RigError {
  return refuse(path, 'is not a file', 'give the path of a raw disk image');
}

/** Answers the size in bytes. */
function checkFile(path: string, file: number, writable: boolean): number {
  const status = fstatSync(file);
  if (!status.isFile()) throw notFile(path);
  if (status.size === 0) throw refuse(path, 'is empty', 'make it as large as the disk shall be: truncate -s 64M FILE');
  const head = new Uint8Array(MAGIC_BYTES);
  readSync(file, head, 0, MAGIC_BYTES, 0);
  const foreign = FOREIGN.find(({ magic }) => magic.every((byte, i) => head[i] === byte));
  if (foreign !== undefined) throw refuse(path, foreign.problem, foreign.hint);
  if (writable && status.size % SECTOR_BYTES !== 0)
    throw refuse(path, `ends within a sector of ${SECTOR_BYTES} bytes`, 'fill it up: truncate -s %512 FILE');
  return status.size;
}

/** Reads `length` bytes at `position`, zeroes behind the end of the file; false when the file cannot be read. */
function readFileAt(
  file: number,
  fileBytes: number,
  position: number,
  target: Uint8Array,
  offset: number,
  length: number,
): boolean {
  const present = Math.max(0, Math.min(length, fileBytes - position));
  try {
    for (let done = 0; done < present; ) {
      const count = readSync(file, target, offset + done, present - done, position + done);
      if (count === 0) return false;
      done += count;
    }
  } catch {
    return false;
  }
  target.fill(0, offset + present, offset + length);
  return true;
}

/** The guest's writes stay in memory. */
class SnapshotFile implements FileStorage {
  readonly sectors: number;
  readonly #overlay: PieceOverlay;
  #file: number;

  constructor(
    file: number,
    fileBytes: number,
    readonly readOnly: boolean,
  ) {
    this.#file = file;
    this.sectors = Math.ceil(fileBytes / SECTOR_BYTES);
    this.#overlay = new PieceOverlay(this.sectors * SECTOR_BYTES, (position, target, offset, length) =>
      readFileAt(this.#file, fileBytes, position, target, offset, length),
    );
  }

  read(sector: number, target: Uint8Array, offset: number, bytes: number): boolean {
    return this.#file >= 0 && this.#overlay.read(sector * SECTOR_BYTES, target, offset, bytes);
  }

  write(sector: number, source: Uint8Array, offset: number, bytes: number): boolean {
    if (this.#file < 0 || this.readOnly) return false;
    return this.#overlay.write(sector * SECTOR_BYTES, source, offset, bytes);
  }

  flush(): boolean {
    return this.#file >= 0;
  }

  close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }
}

/** The guest writes to the file. */
class WrittenFile implements FileStorage {
  readonly readOnly = false;
  readonly sectors: number;
  #file: number;

  constructor(
    file: number,
    readonly fileBytes: number,
  ) {
    this.#file = file;
    this.sectors = fileBytes / SECTOR_BYTES;
  }

  read(sector: number, target: Uint8Array, offset: number, bytes: number): boolean {
    if (this.#file < 0) return false;
    return readFileAt(this.#file, this.fileBytes, sector * SECTOR_BYTES, target, offset, bytes);
  }

  write(sector: number, source: Uint8Array, offset: number, bytes: number): boolean {
    if (this.#file < 0) return false;
    try {
      for (let done = 0; done < bytes; )
        done += writeSync(this.#file, source, offset + done, bytes - done, sector * SECTOR_BYTES + done);
      return true;
    } catch {
      return false;
    }
  }

  flush(): boolean {
    if (this.#file < 0) return false;
    try {
      fsyncSync(this.#file);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }
}
