/** Sv39 page tables (Privileged specification 1.12, sections 4.3 and 4.4; A and D are updated by hardware: Svadu). */

import type { GuestMemory } from '../cpu/guest-memory.js';
import type { CodeGuard } from './code-guard.js';
import { type HartState, MSTATUS, PRIVILEGE, WORD } from './hart-state.js';
import { ACCESS, type Pmp } from './pmp.js';

/** How a translation ended. */
export const TRANSLATION = { ok: 0, pageFault: 1, accessFault: 2 } as const;

const PTE = { v: 1, r: 2, w: 4, x: 8, u: 0x10, a: 0x40, d: 0x80 } as const;
const POINTER_RESERVED = PTE.u | PTE.a | PTE.d;
/** N, PBMT and bits 54 to 60, in the high word. */
const HIGH_RESERVED = ~0x3f_ffff;
const PPN_HIGH_MASK = 0x3f_ffff;
const SATP_PPN_HIGH_MASK = 0xfff;
const LEVELS = 3;
const LEVEL_BITS = 9;
const TWO_22 = 2 ** 22;
const TWO_32 = 2 ** 32;
const PAGE_BYTES = 0x1000;

/** Whether bits 63 to 39 of the address are all like bit 38. */
function isCanonical(vaHigh: number): boolean {
  return vaHigh >> 6 === 0 || vaHigh >> 6 === -1;
}

/** Walks the tables that `satp` names; the result is left in `physical`. */
export class PageWalk {
  /** Guest physical address, below 2^56, of what was translated. */
  physical = 0;
  /** Whether writes through the translation just made need no further look at the entry: W and D are set. */
  isWritable = false;
  readonly #memory: GuestMemory;
  readonly #state: HartState;
  readonly #pmp: Pmp;
  readonly #guard: CodeGuard;
  #pteGpa = 0;
  #pteLow = 0;
  #pteHigh = 0;
  #level = 0;

  constructor(memory: GuestMemory, state: HartState, pmp: Pmp, guard: CodeGuard) {
    this.#memory = memory;
    this.#state = state;
    this.#pmp = pmp;
    this.#guard = guard;
  }

  /** Translates for `privilege` (U or S); `access` is one `ACCESS` bit. Sets A, and D for a write. */
  translate(vaLow: number, vaHigh: number, access: number, privilege: number): number {
    for (;;) {
      const found = this.#findLeaf(vaLow, vaHigh);
      if (found !== TRANSLATION.ok) return found;
      if (!this.#permits(access, privilege)) return TRANSLATION.pageFault;
      const wanted = access === ACCESS.write ? PTE.a | PTE.d : PTE.a;
      if ((this.#pteLow & wanted) !== wanted) {
        if (!this.#pmp.allows(this.#pteGpa, 8, ACCESS.write, PRIVILEGE.supervisor)) return TRANSLATION.accessFault;
        // Another thread changed the entry meanwhile: what it says now decides.
        if (!this.#setBits(wanted)) continue;
      }
      this.isWritable = (this.#pteLow & (PTE.w | PTE.d)) === (PTE.w | PTE.d);
      this.#compose(vaLow);
      return TRANSLATION.ok;
    }
  }

  /** Translates without asking for permission and without changing anything; for debuggers. */
  peek(vaLow: number, vaHigh: number): boolean {
    if (this.#findLeaf(vaLow, vaHigh) !== TRANSLATION.ok) return false;
    this.#compose(vaLow);
    return true;
  }

  #findLeaf(vaLow: number, vaHigh: number): number {
    if (!isCanonical(vaHigh)) return TRANSLATION.pageFault;
    const { words } = this.#state;
    let table = ((words[WORD.satp] >>> 0) + (words[WORD.satp + 1] & SATP_PPN_HIGH_MASK) * TWO_32) * PAGE_BYTES;
    for (this.#level = LEVELS - 1; this.#level >= 0; this.#level--) {
      this.#pteGpa = table + 8 * pageIndex(vaLow, vaHigh, this.#level);
      if (!this.#readEntry()) return TRANSLATION.accessFault;
      const low = this.#pteLow;
      const isReserved = (low & (PTE.r | PTE.w)) === PTE.w || (this.#pteHigh & HIGH_RESERVED) !== 0;
      if ((low & PTE.v) === 0 || isReserved) return TRANSLATION.pageFault;
      if ((low & (PTE.r | PTE.x)) !== 0) return this.#isAligned() ? TRANSLATION.ok : TRANSLATION.pageFault;
      if ((low & POINTER_RESERVED) !== 0) return TRANSLATION.pageFault;
      table = this.#pageNumber() * PAGE_BYTES;
    }
    return TRANSLATION.pageFault;
  }

  #readEntry(): boolean {
    if (!this.#memory.contains(this.#pteGpa, 8)) return false;
    if (!this.#pmp.allows(this.#pteGpa, 8, ACCESS.read, PRIVILEGE.supervisor)) return false;
    const index = this.#pteIndex();
    this.#pteLow = Atomics.load(this.#memory.i32, index);
    this.#pteHigh = Atomics.load(this.#memory.i32, index + 1);
    return true;
  }

  #pteIndex(): number {
    return (this.#pteGpa - this.#memory.ramBase) / 4;
  }

  #pageNumber(): number {
    return (this.#pteLow >>> 10) + (this.#pteHigh & PPN_HIGH_MASK) * TWO_22;
  }

  /** A superpage's lower page numbers are zero. */
  #isAligned(): boolean {
    return ((this.#pteLow >>> 10) & ((1 << (LEVEL_BITS * this.#level)) - 1)) === 0;
  }

  #permits(access: number, privilege: number): boolean {
    const mstatus = this.#state.words[WORD.mstatus];
    const low = this.#pteLow;
    const isUserPage = (low & PTE.u) !== 0;
    if (privilege === PRIVILEGE.user) {
      if (!isUserPage) return false;
    } else if (isUserPage && (access === ACCESS.execute || (mstatus & MSTATUS.sum) === 0)) {
      return false;
    }
    switch (access) {
      case ACCESS.read:
        return (low & PTE.r) !== 0 || ((mstatus & MSTATUS.mxr) !== 0 && (low & PTE.x) !== 0);
      case ACCESS.write:
        return (low & PTE.w) !== 0;
      default:
        return (low & PTE.x) !== 0;
    }
  }

  /** Sets A and D in memory, unless the entry is no longer what was read. */
  #setBits(bits: number): boolean {
    this.#guard.beforeWrite(this.#pteGpa - this.#memory.ramBase);
    const old = this.#pteLow;
    this.#pteLow = old | bits;
    return Atomics.compareExchange(this.#memory.i32, this.#pteIndex(), old, this.#pteLow) === old;
  }

  /** The leaf's page, with the rest of the address as its offset. */
  #compose(vaLow: number): void {
    const within = vaLow & ((PAGE_BYTES << (LEVEL_BITS * this.#level)) - 1);
    this.physical = this.#pageNumber() * PAGE_BYTES + within;
  }
}

/** The nine bits of the page number that index the table of `level`. */
function pageIndex(vaLow: number, vaHigh: number, level: number): number {
  if (level === 2) return ((vaLow >>> 30) | (vaHigh << 2)) & 0x1ff;
  return (vaLow >>> (level === 1 ? 21 : 12)) & 0x1ff;
}
