/** Physical memory protection: 16 entries, 4-byte grain (Privileged specification 1.12, section 3.7). */

import type { HartState } from './hart-state.js';
import { PRIVILEGE, WORD } from './hart-state.js';

export const PMP_ENTRIES = 16;

/** Permission bits, as in `pmpcfg`. */
export const ACCESS = { read: 1, write: 2, execute: 4 } as const;

const MATCH_SHIFT = 3;
const MATCH = { off: 0, tor: 1, na4: 2, napot: 3 } as const;
const LOCKED = 0x80;
const IMPLEMENTED = 0x9f;

/**
 * The entries as guest writes left them, with their ranges worked out. Every access must be naturally aligned and at
 * most 4 bytes, so that it never straddles two entries; wider or misaligned ones are checked byte by byte.
 */
export class Pmp {
  readonly #state: HartState;
  /** Ranges in units of 4 bytes, because `pmpaddr` reaches 34 bits; empty where an entry is off. */
  readonly #first = new Float64Array(PMP_ENTRIES);
  readonly #end = new Float64Array(PMP_ENTRIES);
  /** Entries from here on are off. */
  #used = 0;
  /** Bounds that `findWindow` found. */
  windowFirst = 0;
  windowEnd = 0;

  constructor(state: HartState) {
    this.#state = state;
    this.refresh();
  }

  /** Works the ranges out again after the state area changed. */
  refresh(): void {
    this.#used = 0;
    for (let entry = 0; entry < PMP_ENTRIES; entry++) {
      this.#setRange(entry);
      if (this.#first[entry] < this.#end[entry]) this.#used = entry + 1;
    }
  }

  readAddress(entry: number): number {
    return this.#state.words[WORD.pmpaddr + 2 * entry] >>> 0;
  }

  /** Ignored when the entry is locked, or is the lower bound of a locked TOR entry. */
  writeAddress(entry: number, value: number): void {
    if (this.#isLocked(entry) || (this.#isLocked(entry + 1) && this.#match(entry + 1) === MATCH.tor)) return;
    this.#state.words[WORD.pmpaddr + 2 * entry] = value;
    this.refresh();
  }

  /** `pmpcfg` register 0..3: four entries. */
  readConfig(register: number): number {
    const { pmpcfg } = this.#state;
    let value = 0;
    for (let i = 3; i >= 0; i--) value = (value << 8) | pmpcfg[4 * register + i];
    return value >>> 0;
  }

  /** Locked entries keep their value; the reserved combination W without R is stored without W. */
  writeConfig(register: number, value: number): void {
    for (let i = 0; i < 4; i++) {
      const entry = 4 * register + i;
      if (this.#isLocked(entry)) continue;
      const byte = (value >>> (8 * i)) & IMPLEMENTED;
      this.#state.pmpcfg[entry] = (byte & ACCESS.read) === 0 ? byte & ~ACCESS.write : byte;
    }
    this.refresh();
  }

  /** Whether an aligned access at physical address `gpa` with all of the `access` bits is permitted. */
  allows(gpa: number, access: number, privilege: number): boolean {
    const unit = gpa >>> 2;
    for (let entry = 0; entry < this.#used; entry++) {
      if (unit >= this.#first[entry] && unit < this.#end[entry]) return this.#permits(entry, access, privilege);
    }
    return privilege === PRIVILEGE.machine;
  }

  /** Whether every access in [gpa, gpa + length) is permitted; false also when that takes more than one entry to tell. */
  allowsAll(gpa: number, length: number, access: number, privilege: number): boolean {
    const first = gpa / 4;
    const end = (gpa + length) / 4;
    for (let entry = 0; entry < this.#used; entry++) {
      if (end <= this.#first[entry] || first >= this.#end[entry]) continue;
      if (this.#permits(entry, access, privilege)) {
        if (first >= this.#first[entry] && end <= this.#end[entry]) return true;
        continue;
      }
      return false;
    }
    return privilege === PRIVILEGE.machine;
  }

  /**
   * Finds the widest range round `gpa` for which the same entry answers, and leaves it in `windowFirst` and `windowEnd`.
   * False when that entry does not permit `access`.
   */
  findWindow(gpa: number, access: number, privilege: number): boolean {
    const unit = gpa >>> 2;
    let first = 0;
    let end = 2 ** 30;
    let isPermitted = privilege === PRIVILEGE.machine;
    for (let entry = 0; entry < this.#used; entry++) {
      const entryFirst = this.#first[entry];
      const entryEnd = this.#end[entry];
      if (entryFirst >= entryEnd) continue;
      if (unit >= entryFirst && unit < entryEnd) {
        first = Math.max(first, entryFirst);
        end = Math.min(end, entryEnd);
        isPermitted = this.#permits(entry, access, privilege);
        break;
      }
      if (entryEnd <= unit) first = Math.max(first, entryEnd);
      else end = Math.min(end, entryFirst);
    }
    this.windowFirst = 4 * first;
    this.windowEnd = 4 * end;
    return isPermitted;
  }

  /** Whether some entry binds M mode too. */
  get hasLockedEntry(): boolean {
    return this.#state.pmpcfg.some((config) => (config & LOCKED) !== 0);
  }

  #permits(entry: number, access: number, privilege: number): boolean {
    const config = this.#state.pmpcfg[entry];
    if (privilege === PRIVILEGE.machine && (config & LOCKED) === 0) return true;
    return (config & access) === access;
  }

  #isLocked(entry: number): boolean {
    return entry < PMP_ENTRIES && (this.#state.pmpcfg[entry] & LOCKED) !== 0;
  }

  #match(entry: number): number {
    return (this.#state.pmpcfg[entry] >> MATCH_SHIFT) & 3;
  }

  #setRange(entry: number): void {
    const address = this.readAddress(entry);
    let first = 0;
    let end = 0;
    switch (this.#match(entry)) {
      case MATCH.tor:
        first = entry === 0 ? 0 : this.readAddress(entry - 1);
        end = address;
        break;
      case MATCH.na4:
        first = address;
        end = address + 1;
        break;
      case MATCH.napot: {
        // The trailing ones and the zero above them are the size: all ones cover everything.
        const size = address === 0xffff_ffff ? 2 ** 33 : 2 * ((~address & (address + 1)) >>> 0);
        first = Math.floor(address / size) * size;
        end = first + size;
        break;
      }
    }
    this.#first[entry] = first;
    this.#end[entry] = end;
  }
}
