/** Loads and stores with every check: misaligned, translated, protected, outside RAM. */

import type { GuestMemory } from '../cpu/guest-memory.js';
import type { CodeGuard } from './code-guard.js';
import type { HartState } from './hart-state.js';
import type { Mmu } from './mmu.js';
import { TRANSLATION } from './page-walk.js';
import { ACCESS, type Pmp } from './pmp.js';

/** How an access ended. */
export const ACCESS_RESULT = {
  /** It is done; what was loaded is in `valueLow` and `valueHigh`. */
  done: 0,
  /** Aligned and permitted, but not RAM: for a device at `gpa`. */
  outside: 1,
  /** A page fault; its address is in `faultLow` and `faultHigh`. */
  pageFault: 2,
  /** An access fault; its address is in `faultLow` and `faultHigh`. */
  accessFault: 3,
  /** An atomic that is not naturally aligned. */
  misaligned: 4,
} as const;

const PAGE_BYTES = 0x1000;

/**
 * One access at a time, with its result left in fields so that nothing is allocated. Misaligned accesses are done byte
 * by byte in RAM, and nothing is written when one byte of them is not permitted; outside RAM they are access faults,
 * because no device has registers across its register boundaries. Sizes are 1, 2, 4 and 8 bytes.
 */
export class DataPath {
  /** What was loaded, zero-extended. */
  valueLow = 0;
  valueHigh = 0;
  faultLow = 0;
  faultHigh = 0;
  /** Guest physical address of the latest access that did not fault. */
  gpa = 0;
  readonly #memory: GuestMemory;
  readonly #state: HartState;
  readonly #pmp: Pmp;
  readonly #mmu: Mmu;
  readonly #guard: CodeGuard;
  /** RAM offset of the second page's part of a misaligned access, and how many bytes the first page has of it. */
  #secondOffset = 0;
  #firstBytes = 0;

  constructor(memory: GuestMemory, state: HartState, pmp: Pmp, mmu: Mmu, guard: CodeGuard) {
    this.#memory = memory;
    this.#state = state;
    this.#pmp = pmp;
    this.#mmu = mmu;
    this.#guard = guard;
  }

  load(vaLow: number, vaHigh: number, size: number): number {
    const isAligned = (vaLow & (size - 1)) === 0;
    const result = isAligned
      ? this.check(vaLow, vaHigh, size, ACCESS.read, ACCESS.read)
      : this.#checkBytes(vaLow, vaHigh, size, ACCESS.read);
    if (result !== ACCESS_RESULT.done) return result;
    if (isAligned) this.#loadAligned(this.gpa - this.#memory.ramBase, size);
    else this.#loadBytes(this.gpa - this.#memory.ramBase, size);
    return result;
  }

  store(vaLow: number, vaHigh: number, size: number, low: number, high: number): number {
    const isAligned = (vaLow & (size - 1)) === 0;
    const result = isAligned
      ? this.check(vaLow, vaHigh, size, ACCESS.write, ACCESS.write)
      : this.#checkBytes(vaLow, vaHigh, size, ACCESS.write);
    if (result !== ACCESS_RESULT.done) return result;
    const offset = this.gpa - this.#memory.ramBase;
    this.#guard.beforeWrite(offset);
    if (isAligned) this.#storeAligned(offset, size, low, high);
    else this.#storeBytes(offset, size, low, high);
    return result;
  }

  /**
   * Checks one access that lies within a page: translated as `access` (one bit), protected as `rights` (any bits).
   * `done` means that `gpa` is RAM.
   */
  check(vaLow: number, vaHigh: number, size: number, access: number, rights: number): number {
    const translation = this.#mmu.translate(vaLow, vaHigh, access);
    if (translation !== TRANSLATION.ok) return this.#fault(translation, vaLow, vaHigh);
    const gpa = this.#mmu.physical;
    if (!this.#pmp.allows(gpa, size, rights, this.#state.dataPrivilege)) {
      return this.#fault(TRANSLATION.accessFault, vaLow, vaHigh);
    }
    this.gpa = gpa;
    return this.#memory.contains(gpa, size) ? ACCESS_RESULT.done : ACCESS_RESULT.outside;
  }

  /** The same for an access that is not aligned; both of its pages are translated before either is used. */
  #checkBytes(vaLow: number, vaHigh: number, size: number, access: number): number {
    const firstBytes = Math.min(size, PAGE_BYTES - (vaLow & (PAGE_BYTES - 1)));
    this.#firstBytes = firstBytes;
    const result = this.#checkPart(vaLow, vaHigh, firstBytes, access);
    if (result !== ACCESS_RESULT.done || firstBytes === size) return result;
    const { gpa } = this;
    const second = (vaLow + firstBytes) | 0;
    const secondResult = this.#checkPart(
      second,
      second === 0 && this.#state.xlen === 64 ? vaHigh + 1 : vaHigh,
      size - firstBytes,
      access,
    );
    this.#secondOffset = this.gpa - this.#memory.ramBase;
    this.gpa = gpa;
    return secondResult;
  }

  /** One page's part: every byte must be RAM and permitted. */
  #checkPart(vaLow: number, vaHigh: number, length: number, access: number): number {
    const translation = this.#mmu.translate(vaLow, vaHigh, access);
    if (translation !== TRANSLATION.ok) return this.#fault(translation, vaLow, vaHigh);
    const gpa = this.#mmu.physical;
    for (let i = 0; i < length; i++) {
      const isRam = this.#memory.contains(gpa + i, 1);
      if (isRam && this.#pmp.allows(gpa + i, 1, access, this.#state.dataPrivilege)) continue;
      return this.#fault(TRANSLATION.accessFault, vaLow + i, vaHigh);
    }
    this.gpa = gpa;
    return ACCESS_RESULT.done;
  }

  #fault(translation: number, vaLow: number, vaHigh: number): number {
    this.faultLow = vaLow | 0;
    this.faultHigh = vaHigh;
    return translation === TRANSLATION.pageFault ? ACCESS_RESULT.pageFault : ACCESS_RESULT.accessFault;
  }

  #loadAligned(offset: number, size: number): void {
    this.valueHigh = 0;
    switch (size) {
      case 1:
        this.valueLow = this.#memory.u8[offset];
        break;
      case 2:
        this.valueLow = this.#memory.u16[offset / 2];
        break;
      case 4:
        this.valueLow = this.#memory.i32[offset / 4];
        break;
      default:
        this.valueLow = this.#memory.i32[offset / 4];
        this.valueHigh = this.#memory.i32[offset / 4 + 1];
    }
  }

  #storeAligned(offset: number, size: number, low: number, high: number): void {
    switch (size) {
      case 1:
        this.#memory.u8[offset] = low;
        break;
      case 2:
        this.#memory.u16[offset / 2] = low;
        break;
      case 4:
        this.#memory.i32[offset / 4] = low;
        break;
      default:
        this.#memory.i32[offset / 4] = low;
        this.#memory.i32[offset / 4 + 1] = high;
    }
  }

  #byteOffset(offset: number, i: number): number {
    return i < this.#firstBytes ? offset + i : this.#secondOffset + i - this.#firstBytes;
  }

  #loadBytes(offset: number, size: number): void {
    let low = 0;
    let high = 0;
    for (let i = size - 1; i >= 0; i--) {
      const byte = this.#memory.u8[this.#byteOffset(offset, i)];
      if (i < 4) low = (low << 8) | byte;
      else high = (high << 8) | byte;
    }
    this.valueLow = low;
    this.valueHigh = high;
  }

  #storeBytes(offset: number, size: number, low: number, high: number): void {
    if (this.#firstBytes < size) this.#guard.beforeWrite(this.#secondOffset);
    for (let i = 0; i < size; i++) {
      this.#memory.u8[this.#byteOffset(offset, i)] = (i < 4 ? low : high) >>> (8 * (i & 3));
    }
  }
}
