/** Physical memory protection: 16 entries, 4-byte grain (Privileged specification 1.12, section 3.7). */

import { type HartState, PRIVILEGE, WORD } from './hart-state.js';

export const PMP_ENTRIES = 16;

/** Permission bits, as in `pmpcfg`. */
export const ACCESS = { read: 1, write: 2, execute: 4 } as const;

/** What `pageAccess` answers when it takes more than one entry to tell. */
export const MIXED = -1;

const ALL_ACCESS = 7;
const PAGE_BYTES = 0x1000;
const MATCH_SHIFT = 3;
const MATCH = { off: 0, tor: 1, na4: 2, napot: 3 } as const;
const LOCKED = 0x80;
const IMPLEMENTED = 0x9f;
const TWO_32 = 0x1_0000_0000;
/** `pmpaddr` has 54 bits on RV64. */
const HIGH_MASK = 0x3f_ffff;

/**
 * The entries as guest writes left them, with their ranges worked out. Physical addresses are numbers below 2^53: what
 * lies above is no memory of any machine here, and whoever asks refuses it before.
 */
export class Pmp {
  readonly #state: HartState;
  /** Ranges in units of 4 bytes, empty where an entry is off. Above 2^53 they are rounded, where nothing is compared. */
  readonly #first = new Float64Array(PMP_ENTRIES);
  readonly #end = new Float64Array(PMP_ENTRIES);
  /** Entries from here on are off. */
  #used = 0;
  /** Byte addresses that `findWindow` found. */
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

  /** Ignored when the entry is locked, or is the lower bound of a locked TOR entry. `high` counts on RV64 alone. */
  writeAddress(entry: number, low: number, high: number): void {
    if (this.#isLocked(entry) || (this.#isLocked(entry + 1) && this.#match(entry + 1) === MATCH.tor)) return;
    const { words, xlen } = this.#state;
    words[WORD.pmpaddr + 2 * entry] = low;
    words[WORD.pmpaddr + 2 * entry + 1] = xlen === 64 ? high & HIGH_MASK : 0;
    this.refresh();
  }

  /** Four entries from `entry` as one word. */
  readConfig(entry: number): number {
    const { pmpcfg } = this.#state;
    return pmpcfg[entry] | (pmpcfg[entry + 1] << 8) | (pmpcfg[entry + 2] << 16) | (pmpcfg[entry + 3] << 24);
  }

  /** Four entries from `entry`. Locked ones keep their value; the reserved combination W without R is stored without W. */
  writeConfig(entry: number, value: number): void {
    for (let i = 0; i < 4; i++) {
      if (this.#isLocked(entry + i)) continue;
      const byte = (value >>> (8 * i)) & IMPLEMENTED;
      this.#state.pmpcfg[entry + i] = (byte & ACCESS.read) === 0 ? byte & ~ACCESS.write : byte;
    }
    this.refresh();
  }

  /**
   * Whether one access to [gpa, gpa + length) with all of the `access` bits is permitted: the first entry that matches
   * any of its bytes must match all of them (section 3.7.1.3).
   */
  allows(gpa: number, length: number, access: number, privilege: number): boolean {
    const first = gpa / 4;
    const end = (gpa + length) / 4;
    for (let entry = 0; entry < this.#used; entry++) {
      if (end <= this.#first[entry] || first >= this.#end[entry]) continue;
      if (first < this.#first[entry] || end > this.#end[entry]) return false;
      return this.#permits(entry, access, privilege);
    }
    return privilege === PRIVILEGE.machine;
  }

  /** Whether every access in [gpa, gpa + length) is permitted; false also when that takes more than one entry to tell. */
  allowsAll(gpa: number, length: number, access: number, privilege: number): boolean {
    const first = gpa / 4;
    const end = (gpa + length) / 4;
    for (let entry = 0; entry < this.#used; entry++) {
      if (end <= this.#first[entry] || first >= this.#end[entry]) continue;
      if (!this.#permits(entry, access, privilege)) return false;
      if (first >= this.#first[entry] && end <= this.#end[entry]) return true;
    }
    return privilege === PRIVILEGE.machine;
  }

  /** The `ACCESS` bits that hold for the whole 4 KiB page at `gpaPage`, or `MIXED`. */
  pageAccess(gpaPage: number, privilege: number): number {
    const first = gpaPage / 4;
    const end = first + PAGE_BYTES / 4;
    for (let entry = 0; entry < this.#used; entry++) {
      if (end <= this.#first[entry] || first >= this.#end[entry]) continue;
      if (first < this.#first[entry] || end > this.#end[entry]) return MIXED;
      return this.#rights(entry, privilege);
    }
    return privilege === PRIVILEGE.machine ? ALL_ACCESS : 0;
  }

  /**
   * Finds the widest range round `gpa` for which the same entry answers, and leaves it in `windowFirst` and `windowEnd`.
   * False when that entry does not permit `access`.
   */
  findWindow(gpa: number, access: number, privilege: number): boolean {
    const unit = Math.floor(gpa / 4);
    let first = 0;
    let end = 2 ** 54;
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

  #permits(entry: number, access: number, privilege: number): boolean {
    return (this.#rights(entry, privilege) & access) === access;
  }

  #rights(entry: number, privilege: number): number {
    const config = this.#state.pmpcfg[entry];
    return privilege === PRIVILEGE.machine && (config & LOCKED) === 0 ? ALL_ACCESS : config & ALL_ACCESS;
  }

  #isLocked(entry: number): boolean {
    return entry < PMP_ENTRIES && (this.#state.pmpcfg[entry] & LOCKED) !== 0;
  }

  #match(entry: number): number {
    return (this.#state.pmpcfg[entry] >> MATCH_SHIFT) & 3;
  }

  #address(entry: number): number {
    const { words } = this.#state;
    return (words[WORD.pmpaddr + 2 * entry] >>> 0) + (words[WORD.pmpaddr + 2 * entry + 1] >>> 0) * TWO_32;
  }

  /** The trailing ones of `pmpaddr` and the zero above them are the size: all ones cover everything. */
  #napotSize(entry: number): number {
    const { words } = this.#state;
    const low = words[WORD.pmpaddr + 2 * entry];
    const high = words[WORD.pmpaddr + 2 * entry + 1];
    // Where all bits are ones the counted zero lies above what is compared.
    return low === -1 ? TWO_32 * napotWordSize(high) : napotWordSize(low);
  }

  #setRange(entry: number): void {
    const address = this.#address(entry);
    let first = 0;
    let end = 0;
    switch (this.#match(entry)) {
      case MATCH.tor:
        first = entry === 0 ? 0 : this.#address(entry - 1);
        end = address;
        break;
      case MATCH.na4:
        first = address;
        end = address + 1;
        break;
      case MATCH.napot: {
        const size = this.#napotSize(entry);
        first = Math.floor(address / size) * size;
        end = first + size;
        break;
      }
    }
    this.#first[entry] = first;
    this.#end[entry] = end;
  }
}

/** Units of 4 bytes that a word with a zero in it stands for. */
function napotWordSize(word: number): number {
  return 2 * ((~word & (word + 1)) >>> 0);
}
