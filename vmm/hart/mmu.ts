/** From virtual to physical addresses, and what the engines may do without asking: TLB entries and the open window. */

import type { GuestMemory } from '../cpu/guest-memory.js';
import { FLOAT_READY, RAM_OFFSET, TLB } from '../cpu/state-layout.js';
import type { CodeGuard } from './code-guard.js';
import { type HartState, MSTATUS, PRIVILEGE, WORD } from './hart-state.js';
import { PageWalk, TRANSLATION } from './page-walk.js';
import { ACCESS, MIXED, type Pmp } from './pmp.js';
import { SoftTlb } from './tlb.js';

const PAGE_MASK = 0xfff;
const TWO_32 = 2 ** 32;
/** Addresses from here on are no memory of any machine, and not exact as numbers. */
const PHYSICAL_END = 2 ** 53;
/** `satp.MODE`, in bits 28 up of the high word; the only other one that can be written is Bare. */
const SV39 = 8;
const NO_OFFSET = -1;

/**
 * One translation at a time, with its result left in fields. Loads and stores go by the privilege that MPRV says, fetches
 * by the hart's own.
 */
export class Mmu {
  readonly tlb: SoftTlb;
  /** Guest physical address of the latest successful translation. */
  physical = 0;
  /** Whether all of the page of the latest successful `fetch` may be executed, so that it may enter a fetch set. */
  isPageExecutable = false;
  readonly #memory: GuestMemory;
  readonly #state: HartState;
  readonly #words: Int32Array;
  readonly #pmp: Pmp;
  readonly #guard: CodeGuard;
  readonly #walk: PageWalk;
  /** By privilege: whether PMP permits reads and writes in all of RAM; -1 when nobody asked since it changed. */
  readonly #isOpen = new Int8Array(4);

  constructor(memory: GuestMemory, state: HartState, pmp: Pmp, guard: CodeGuard) {
    this.#memory = memory;
    this.#state = state;
    this.#words = state.words;
    this.#pmp = pmp;
    this.#guard = guard;
    this.#walk = new PageWalk(memory, state, pmp, guard);
    this.tlb = new SoftTlb(memory.memory);
  }

  /** After the state was reset or replaced as a whole. */
  reset(): void {
    this.#pmp.refresh();
    this.protectionChanged();
  }

  /** PMP entries changed. */
  protectionChanged(): void {
    this.tlb.flushAll();
    this.#isOpen.fill(-1);
    this.modeChanged();
  }

  /** Privilege, or what `mstatus`, `satp` or `fcsr` say about memory and floating point, changed. */
  modeChanged(): void {
    const words = this.#words;
    const { privilege, dataPrivilege } = this.#state;
    const dataSet = this.#dataSet(dataPrivilege);
    words[WORD.tlbRead] = SoftTlb.offset('read', dataSet);
    words[WORD.tlbWrite] = SoftTlb.offset('write', dataSet);
    words[WORD.tlbFetch] = SoftTlb.offset('fetch', privilege === PRIVILEGE.machine ? TLB.machine : privilege);
    const isDataTranslated = this.#isTranslated(dataPrivilege);
    words[WORD.paged] = isDataTranslated || this.#isTranslated(privilege) ? 1 : 0;
    words[WORD.openFirst] = 0;
    words[WORD.openBytes] = !isDataTranslated && this.#isRamOpen(dataPrivilege) ? this.#memory.ramBytes : 0;
    this.floatChanged();
  }

  /** `mstatus.FS` or `frm` changed. */
  floatChanged(): void {
    const words = this.#words;
    const isDirty = (words[WORD.mstatus] & MSTATUS.fs) === MSTATUS.fs;
    const isNearest = words[WORD.fcsr] >>> 5 === 0;
    words[WORD.floatReady] = isDirty ? FLOAT_READY.dirty | (isNearest ? FLOAT_READY.nearest : 0) : 0;
  }

  /** After a checked access to RAM at `gpa`: opens what the same protection entry permits round it, unless translated. */
  openWindow(gpa: number): void {
    const privilege = this.#state.dataPrivilege;
    if (this.#isTranslated(privilege)) return;
    const { ramBase, ramBytes } = this.#memory;
    if (!this.#pmp.findWindow(gpa, ACCESS.read | ACCESS.write, privilege)) return;
    const first = 8 * Math.ceil((Math.max(this.#pmp.windowFirst, ramBase) - ramBase) / 8);
    const end = 8 * Math.floor((Math.min(this.#pmp.windowEnd, ramBase + ramBytes) - ramBase) / 8);
    this.#words[WORD.openFirst] = first;
    this.#words[WORD.openBytes] = Math.max(0, end - first);
  }

  /**
   * Translates one access that lies within a page: `ACCESS.read` or `ACCESS.write` of data, `ACCESS.execute` of a fetch.
   * A `TRANSLATION`; on `ok` the address is in `physical`, where PMP still has to be asked. The page enters the TLB when
   * it is RAM and PMP permits the access in all of it.
   */
  translate(vaLow: number, vaHigh: number, access: number): number {
    const privilege = access === ACCESS.execute ? this.#state.privilege : this.#state.dataPrivilege;
    let isWritable = access === ACCESS.write;
    if (this.#isTranslated(privilege)) {
      const result = this.#walk.translate(vaLow, vaHigh, access, privilege);
      if (result !== TRANSLATION.ok) return result;
      this.physical = this.#walk.physical;
      isWritable = access === ACCESS.write && this.#walk.isWritable;
    } else {
      this.physical = this.#bare(vaLow, vaHigh);
    }
    if (this.physical >= PHYSICAL_END) return TRANSLATION.accessFault;
    if (access !== ACCESS.execute && this.#memory.contains(this.physical, 1)) {
      this.#fill(vaLow, vaHigh, privilege, isWritable);
    }
    return TRANSLATION.ok;
  }

  /**
   * Translates a fetch of the halfword at this address. Its RAM offset, or -1 - a `TRANSLATION` when it cannot be
   * fetched; `isPageExecutable` says whether the same goes for the whole page.
   */
  fetch(vaLow: number, vaHigh: number): number {
    const result = this.translate(vaLow, vaHigh, ACCESS.execute);
    if (result !== TRANSLATION.ok) return NO_OFFSET - result;
    const gpa = this.physical;
    if (!this.#memory.contains(gpa, 2)) return NO_OFFSET - TRANSLATION.accessFault;
    const { privilege } = this.#state;
    const rights = this.#pmp.pageAccess(pageOf(gpa), privilege);
    this.isPageExecutable = rights !== MIXED && (rights & ACCESS.execute) !== 0;
    if (!this.isPageExecutable && !this.#pmp.allows(gpa, 2, ACCESS.execute, privilege)) {
      return NO_OFFSET - TRANSLATION.accessFault;
    }
    return gpa - this.#memory.ramBase;
  }

  /** Makes the fetch set of the current mode answer `addend` for the page of this address. */
  setFetch(vaLow: number, vaHigh: number, addend: number): void {
    this.tlb.fill(this.#words[WORD.tlbFetch], vaLow, vaHigh, addend);
  }

  /** Where a load would go now, without side effects and without regard to rights; undefined where nothing is mapped. */
  peek(vaLow: number, vaHigh: number): number | undefined {
    if (!this.#isTranslated(this.#state.dataPrivilege)) return this.#bare(vaLow, vaHigh);
    return this.#walk.peek(vaLow, vaHigh) ? this.#walk.physical : undefined;
  }

  #bare(vaLow: number, vaHigh: number): number {
    const low = vaLow >>> 0;
    return this.#state.xlen === 32 ? low : low + (vaHigh >>> 0) * TWO_32;
  }

  #isTranslated(privilege: number): boolean {
    return privilege !== PRIVILEGE.machine && this.#words[WORD.satp + 1] >>> 28 === SV39;
  }

  #dataSet(privilege: number): number {
    if (privilege === PRIVILEGE.machine) return TLB.machine;
    if (privilege === PRIVILEGE.user) return TLB.user;
    return (this.#words[WORD.mstatus] & MSTATUS.sum) === 0 ? TLB.supervisor : TLB.supervisorUser;
  }

  #isRamOpen(privilege: number): boolean {
    if (this.#isOpen[privilege] < 0) {
      const { ramBase, ramBytes } = this.#memory;
      const isOpen = this.#pmp.allowsAll(ramBase, ramBytes, ACCESS.read | ACCESS.write, privilege);
      this.#isOpen[privilege] = isOpen ? 1 : 0;
    }
    return this.#isOpen[privilege] === 1;
  }

  /** Enters the page of `physical`, which the tables permit to read, or to write and then also to read. */
  #fill(vaLow: number, vaHigh: number, privilege: number, isWritable: boolean): void {
    const rights = this.#pmp.pageAccess(pageOf(this.physical), privilege);
    if (rights === MIXED) return;
    const offset = this.physical - this.#memory.ramBase;
    const addend = (RAM_OFFSET + offset - (vaLow >>> 0)) | 0;
    const tagHigh = this.#state.xlen === 64 ? vaHigh : 0;
    if ((rights & ACCESS.read) !== 0) this.tlb.fill(this.#words[WORD.tlbRead], vaLow, tagHigh, addend);
    if (isWritable && (rights & ACCESS.write) !== 0) {
      this.#guard.beforeWrite(offset);
      this.tlb.fill(this.#words[WORD.tlbWrite], vaLow, tagHigh, addend);
    }
  }
}

function pageOf(gpa: number): number {
  return gpa - (gpa % (PAGE_MASK + 1));
}
