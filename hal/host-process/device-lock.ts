/** Locks of devices between processes: a file that names its owner, so that what a dead process left behind locks nobody out. */

import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HalError } from '../errors.js';

/** Who holds a lock. */
export interface LockRecord {
  readonly pid: number;
  /** When the owner was started, in the kernel's clock ticks, or '' where it does not tell: process ids come again. */
  readonly startTicks: string;
  /** Distinguishes the locks of one process. */
  readonly serial: number;
  /** What the owner has taken from the kernel and owes back. */
  readonly owed: readonly number[];
}

/** Where locks lie, unless told otherwise: the same place for every user of the machine. */
export function lockFolder(): string {
  return join(process.platform === 'win32' ? tmpdir() : '/tmp', 'rigvisor-locks');
}

let lastSerial = 0;

/** A lock that this process holds. */
export class DeviceLock {
  readonly #path: string;
  #record: LockRecord;

  constructor(path: string, record: LockRecord) {
    this.#path = path;
    this.#record = record;
  }

  /** Writes down what the device's owner owes to the kernel, so that whoever finds the lock of a dead owner pays it. */
  owe(owed: readonly number[]): void {
    this.#record = { ...this.#record, owed: [...owed] };
    if (!sameOwner(readRecord(this.#path), this.#record)) return;
    const draft = draftOf(this.#path, this.#record);
    renameSync(draft, this.#path);
  }

  /** Gives the lock back, if it is still this process's. Idempotent. */
  release(): void {
    if (sameOwner(readRecord(this.#path), this.#record)) quietly(() => unlinkSync(this.#path));
  }
}

export interface AcquiredLock {
  readonly lock: DeviceLock;
  /** What an owner that died has left owed. */
  readonly inherited: readonly number[];
}

/**
 * Takes the lock `name` for this process. Throws `HAL_IN_USE`, naming the owner, while it lives; the lock of an owner that
 * died is taken over, with what it owed.
 */
export function acquireDeviceLock(name: string, where: string, folder = lockFolder()): AcquiredLock {
  if (quietly(() => mkdirSync(folder, { recursive: true })) !== undefined) quietly(() => chmodSync(folder, 0o1777));
  const path = join(folder, `${name.replace(/[^A-Za-z0-9._-]/g, '_')}.lock`);
  const mine: LockRecord = { pid: process.pid, startTicks: startTicks(process.pid), serial: ++lastSerial, owed: [] };
  let inherited: readonly number[] = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    if (create(path, mine)) return { lock: new DeviceLock(path, mine), inherited };
    const owner = readRecord(path);
    if (owner !== undefined && lives(owner)) throw inUse(where, owner);
    inherited = removeStale(path, owner) ?? inherited;
  }
  const owner = readRecord(path);
  throw inUse(where, owner);
}

/** Names of the processes that hold locks, for whoever wants to say why a device cannot be had. */
export function lockOwners(folder = lockFolder()): ReadonlyMap<string, LockRecord> {
  const owners = new Map<string, LockRecord>();
  for (const file of quietly(() => readdirSync(folder)) ?? []) {
    const record = file.endsWith('.lock') ? readRecord(join(folder, file)) : undefined;
    if (record !== undefined && lives(record)) owners.set(file.slice(0, -'.lock'.length), record);
  }
  return owners;
}

/** Appears whole or not at all, and never over another one. */
function create(path: string, record: LockRecord): boolean {
  const draft = draftOf(path, record);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new HalError('HAL_IO', `the lock ${path} cannot be made: ${(error as Error).message}`, {
      where: path,
      cause: error,
      hint: 'Make the folder writable for your user.',
    });
  } finally {
    quietly(() => unlinkSync(draft));
  }
}

function draftOf(path: string, record: LockRecord): string {
  const draft = `${path}.${process.pid}.${record.serial}`;
  try {
    writeFileSync(draft, JSON.stringify(record), { mode: 0o644 });
  } catch (error) {
    throw new HalError('HAL_IO', `the lock ${path} cannot be written: ${(error as Error).message}`, {
      where: path,
      cause: error,
      hint: 'Make the folder writable for your user.',
    });
  }
  return draft;
}

/**
 * Removes the lock of a dead owner, unless it has become another's since it was read: only who holds the guard removes, so
 * that nobody removes the lock of whoever was faster. Answers what the dead owner owed.
 */
function removeStale(path: string, seen: LockRecord | undefined): readonly number[] | undefined {
  const guard = `${path}.guard`;
  const mine: LockRecord = { pid: process.pid, startTicks: startTicks(process.pid), serial: ++lastSerial, owed: [] };
  if (!create(guard, mine)) {
    const holder = readRecord(guard);
    if (holder === undefined || !lives(holder)) quietly(() => unlinkSync(guard));
    return undefined;
  }
  try {
    const present = readRecord(path);
    if (present !== undefined && (lives(present) || (seen !== undefined && !sameOwner(present, seen))))
      return undefined;
    quietly(() => unlinkSync(path));
    return present?.owed ?? [];
  } finally {
    quietly(() => unlinkSync(guard));
  }
}

function inUse(where: string, owner: LockRecord | undefined): HalError {
  const by = owner === undefined ? '' : ` by process ${owner.pid} (${nameOf(owner.pid)})`;
  return new HalError('HAL_IN_USE', `${where} is in use${by}`, {
    where,
    hint: 'End the program that has it open, or use another device.',
  });
}

function readRecord(path: string): LockRecord | undefined {
  try {
    const { pid, startTicks: ticks, serial, owed } = JSON.parse(readFileSync(path, 'utf8')) as Partial<LockRecord>;
    if (!Number.isInteger(pid) || (pid as number) <= 0) return undefined;
    return {
      pid: pid as number,
      startTicks: String(ticks ?? ''),
      serial: Number(serial),
      owed: Array.isArray(owed) ? owed.filter((number) => Number.isInteger(number)) : [],
    };
  } catch {
    // Gone, or not ours: no owner is to be seen in it.
    return undefined;
  }
}

function sameOwner(a: LockRecord | undefined, b: LockRecord): boolean {
  return a !== undefined && a.pid === b.pid && a.startTicks === b.startTicks && a.serial === b.serial;
}

function lives({ pid, startTicks: ticks }: LockRecord): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const present = startTicks(pid);
  return ticks === '' || present === '' || present === ticks;
}

/** Field 22 of /proc/PID/stat, behind the name, which may hold anything (proc(5)); a zombie has ended. */
function startTicks(pid: number): string {
  const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? '';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : (fields[19] ?? '');
}

function nameOf(pid: number): string {
  return quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ?? '?';
}

function quietly<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
