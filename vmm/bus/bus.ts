/** The physical address space outside RAM: finds the device behind an address, on every exit, without allocating. */

import { VmmError } from '../errors.js';
import type { MmioDevice } from './mmio-device.js';

/** A range of guest physical addresses, in bytes. */
export interface AddressRange {
  /** How error messages name it. */
  readonly name: string;
  readonly base: number;
  readonly length: number;
}

/** A device's window. */
export interface BusRegion extends AddressRange {
  readonly device: MmioDevice;
}

function describe(range: AddressRange): string {
  return `'${range.name}' [0x${range.base.toString(16)}, 0x${(range.base + range.length).toString(16)})`;
}

function checkRange(range: AddressRange): void {
  const { name, base, length } = range;
  if (!Number.isSafeInteger(base) || base < 0)
    throw new VmmError('VMM_CONFIG', `region '${name}' has no usable base address: ${base}`, { where: name });
  if (!Number.isSafeInteger(length) || length < 1)
    throw new VmmError('VMM_CONFIG', `region '${name}' is ${length} bytes long; it needs at least 1`, { where: name });
  if (!Number.isSafeInteger(base + length))
    throw new VmmError('VMM_CONFIG', `region '${name}' reaches beyond the address space`, { where: name });
}

/**
 * Maps guest physical addresses to devices. An access that starts in a region and ends behind it misses, as does
 * one that no region holds; what a miss means to the guest is the machine's business.
 */
export class Bus {
  readonly #claimed: AddressRange[] = [];
  /** Sorted by base, as are the three arrays below. */
  readonly #regions: BusRegion[] = [];
  #bases: number[] = [];
  #ends: number[] = [];
  #devices: MmioDevice[] = [];
  #last = -1;
  #lastBase = 0;
  #lastEnd = -1;

  /** What is mapped, by ascending base. */
  get regions(): readonly BusRegion[] {
    return this.#regions;
  }

  /**
   * Gives `region` to its device. Indices that `lookup` returned before are void afterwards.
   * @throws VmmError `VMM_CONFIG` for an empty region, one beyond 2^53, or one that overlaps another (both are named).
   */
  map(region: BusRegion): void {
    this.reserve(region);
    this.#regions.push(region);
    this.#regions.sort((a, b) => a.base - b.base);
    this.#bases = this.#regions.map((r) => r.base);
    this.#ends = this.#regions.map((r) => r.base + r.length);
    this.#devices = this.#regions.map((r) => r.device);
    this.#last = -1;
    this.#lastBase = 0;
    this.#lastEnd = -1;
  }

  /** Keeps a range free of devices (RAM); same errors as `map`. */
  reserve(range: AddressRange): void {
    checkRange(range);
    const clash = this.#claimed.find((r) => range.base < r.base + r.length && r.base < range.base + range.length);
    if (clash !== undefined)
      throw new VmmError('VMM_CONFIG', `region ${describe(range)} overlaps region ${describe(clash)}`, {
        where: range.name,
        hint: 'Give one of them another base address or a shorter length.',
      });
    this.#claimed.push(range);
  }

  /** Index of the region that holds all of [gpa, gpa + size), -1 when none does. */
  lookup(gpa: number, size: number): number {
    if (gpa >= this.#lastBase && gpa + size <= this.#lastEnd) return this.#last;
    return this.#search(gpa, size);
  }

  /** The device of region `index`, which `lookup` gave. */
  device(index: number): MmioDevice {
    return this.#devices[index];
  }

  /** Base address of region `index`, which `lookup` gave. */
  base(index: number): number {
    return this.#bases[index];
  }

  /** Reads `size` (1, 2, 4) bytes: an unsigned 32-bit value, or -1 on a miss. */
  read(gpa: number, size: number): number {
    const index = this.lookup(gpa, size);
    return index < 0 ? -1 : this.#devices[index].read(gpa - this.#bases[index], size);
  }

  /** Writes `size` (1, 2, 4) bytes; false on a miss. */
  write(gpa: number, size: number, value: number): boolean {
    const index = this.lookup(gpa, size);
    if (index < 0) return false;
    this.#devices[index].write(gpa - this.#bases[index], size, value);
    return true;
  }

  #search(gpa: number, size: number): number {
    const bases = this.#bases;
    let low = 0;
    let high = bases.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (bases[middle] > gpa) high = middle - 1;
      else low = middle + 1;
    }
    if (high < 0 || gpa + size > this.#ends[high]) return -1;
    this.#last = high;
    this.#lastBase = bases[high];
    this.#lastEnd = this.#ends[high];
    return high;
  }
}
