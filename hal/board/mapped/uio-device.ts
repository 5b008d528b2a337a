/** Linux's UIO: a device's memory and interrupt as a file (kernel documentation, driver-api/uio-howto). */

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { HalError } from '../../errors.js';
import { type MappedMemory, memoryCalls } from './memory-calls.js';

/** Where the system keeps its devices; others for tests. */
export interface UioSystem {
  /** Default `/dev`. */
  readonly dev?: string;
  /** Default `/sys/class`. */
  readonly sysfs?: string;
  /** Lets an interrupt through; default: writes a 1 to the device, which is the driver's `irqcontrol`. */
  readonly rearm?: (fd: number) => void;
}

/** One memory that the driver offers. */
export interface UioMap {
  readonly index: number;
  readonly name: string;
  /** On the device's bus, as the driver gives it. */
  readonly address: number;
  /** From the beginning of the first page. */
  readonly offset: number;
  readonly bytes: number;
}

const PAGE = 4096;
/** PCI Local Bus Specification 3.0, section 6.2.2: the command register and its interrupt disable bit. */
const COMMAND = { offset: 4, bytes: 2, interruptDisable: 0x400 } as const;
const ONE = new Uint8Array(new Uint32Array([1]).buffer);

/** An opened `/dev/uioN`, locked against a second user of this library. */
export class UioDevice {
  /** `uio0`. */
  readonly name: string;
  readonly fd: number;
  readonly maps: readonly UioMap[];
  readonly #folder: string;
  readonly #config: number | undefined;
  readonly #control: (fd: number) => void;

  /** `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_IN_USE`, `HAL_UNSUPPORTED`, each with its cure. `name`: `uio0` or `/dev/uio0`. */
  constructor(name: string, { dev = '/dev', sysfs = '/sys/class', rearm = writeOne }: UioSystem = {}) {
    this.name = name.replace(/^.*\//, '');
    this.#folder = join(sysfs, 'uio', this.name);
    this.#control = rearm;
    this.fd = openDevice(name.includes('/') ? name : join(dev, this.name), this.name);
    try {
      if (!memoryCalls().lock(this.fd))
        throw new HalError('HAL_IN_USE', `${this.name} is in use by another process`, {
          where: this.name,
          hint: 'End the other run, or find it by: fuser -v /dev/uio*',
        });
      // uio_dmem_genirq knows its addresses from now on: it allocates when the device is opened.
      this.maps = readMaps(this.#folder);
      this.#config = this.#hasControl() ? undefined : this.#openConfig();
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  /** A 16-bit number that the device's bus knows of it (`vendor`), undefined where it is on no such bus. */
  identity(file: string): number | undefined {
    const value = numberIn(join(this.#folder, 'device', file));
    return value !== undefined && value <= 0xffff ? value : undefined;
  }

  /**
   * Maps memory `index` whole; byte 0 of what is handed out is the device's first. Where the driver offers none
   * (uio_pci_generic), 0 is the device's BAR 0. `HAL_UNSUPPORTED` without such a memory.
   */
  map(index: number): MappedMemory {
    const map = this.maps[index];
    const bar = join(this.#folder, 'device', 'resource0');
    if (map === undefined && index === 0 && existsSync(bar)) return mapBar(bar, this.name);
    if (map === undefined)
      throw new HalError('HAL_UNSUPPORTED', `${this.name} offers no memory ${index}`, {
        where: this.name,
        hint: 'A board needs its registers as map 0 and DMA memory as map 1: use uio_dmem_genirq, or name a u-dma-buf device.',
      });
    const whole = memoryCalls().map(this.fd, index * PAGE, pages(map.offset + map.bytes), this.name);
    const words = new Uint32Array(whole.words.buffer, map.offset, map.bytes >>> 2);
    return { words, bytes: whole.bytes.subarray(map.offset, map.offset + map.bytes), unmap: whole.unmap };
  }

  /** Lets the next interrupt through: by the driver's `irqcontrol`, or by the command register (uio_pci_generic). */
  rearm(): void {
    if (this.#config === undefined) {
      this.#control(this.fd);
      return;
    }
    const command = new Uint8Array(COMMAND.bytes);
    readSync(this.#config, command, 0, COMMAND.bytes, COMMAND.offset);
    command[1] &= ~(COMMAND.interruptDisable >>> 8);
    writeSync(this.#config, command, 0, COMMAND.bytes, COMMAND.offset);
  }

  /** Closes what `rearm` needs; the descriptor as well unless someone else has taken it over. */
  close(isFdOwned = true): void {
    if (this.#config !== undefined) closeSync(this.#config);
    if (isFdOwned) closeSync(this.fd);
  }

  #hasControl(): boolean {
    try {
      this.#control(this.fd);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSYS') return false;
      throw new HalError('HAL_UNSUPPORTED', `${this.name} has no interrupt: ${(error as Error).message}`, {
        where: this.name,
        cause: error,
        hint: 'The board must have an interrupt line that the firmware or device tree has routed.',
      });
    }
  }

  #openConfig(): number {
    const path = join(this.#folder, 'device', 'config');
    try {
      return openSync(path, 'r+');
    } catch (error) {
      throw new HalError('HAL_DENIED', `${this.name}: its interrupt can only be let through by ${path}`, {
        where: this.name,
        cause: error,
        hint: `Run as root, or allow it: chgrp plugdev ${path} && chmod g+w ${path}`,
      });
    }
  }
}

function mapBar(path: string, where: string): MappedMemory {
  const fd = openSync(path, constants.O_RDWR | constants.O_SYNC);
  try {
    return memoryCalls().map(fd, 0, fstatSync(fd).size, where);
  } finally {
    closeSync(fd);
  }
}

function writeOne(fd: number): void {
  writeSync(fd, ONE);
}

function openDevice(path: string, name: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const details = { where: name, cause: error };
    if (code === 'EACCES' || code === 'EPERM')
      throw new HalError('HAL_DENIED', `${path} may not be opened by this user`, {
        ...details,
        hint: 'Add a udev rule: SUBSYSTEM=="uio", GROUP="plugdev", MODE="0660"; join that group; bind the driver again.',
      });
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO')
      throw new HalError('HAL_NOT_FOUND', `there is no ${path}`, {
        ...details,
        hint: 'Load the driver and bind the board to it: modprobe uio_pci_generic, then write its IDs to new_id of the driver.',
      });
    throw new HalError('HAL_IO', `${path} cannot be opened: ${(error as Error).message}`, details);
  }
}

function readMaps(folder: string): UioMap[] {
  const maps: UioMap[] = [];
  for (let index = 0; existsSync(join(folder, 'maps', `map${index}`)); index++) {
    const at = join(folder, 'maps', `map${index}`);
    const [address, offset, bytes] = ['addr', 'offset', 'size'].map((file) => numberIn(join(at, file)) ?? 0);
    maps.push({ index, name: textIn(join(at, 'name')) ?? '', address, offset, bytes });
  }
  return maps;
}

/** Names of the system's UIO devices and of what drives them; none where there is no UIO. */
export function listUioDevices({ sysfs = '/sys/class' }: UioSystem = {}): { name: string; driver: string }[] {
  const folder = join(sysfs, 'uio');
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /^uio\d+$/.test(name));
  return names.sort().map((name) => ({ name, driver: textIn(join(folder, name, 'name')) ?? '' }));
}

export function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** What a file of sysfs says, decimal or with 0x. */
export function numberIn(path: string): number | undefined {
  const text = textIn(path);
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

function pages(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}
