/** Typed access to the architectural state of a hart in the state area, for RV32 and RV64 alike. */

import { SINK_SLOT } from '../cpu/decoded-slot.js';
import type { SharedWasmMemory } from '../cpu/guest-memory.js';
import { STATE } from '../cpu/state-layout.js';

/** Indices of 32-bit words; a 64-bit slot's high word follows its low word. */
export const WORD = {
  f: STATE.f >> 2,
  pc: STATE.pc >> 2,
  instret: STATE.instret >> 2,
  privilege: STATE.privilege >> 2,
  /** High word: 0 after LR.W, 1 after LR.D, because RAM lies below 4 GiB; all ones when nothing is reserved. */
  reservation: STATE.reservation >> 2,
  reservedValue: STATE.reservedValue >> 2,
  /** High word: where SEIP comes from, `SEIP_SOURCE` bits; the low word has their OR. */
  mip: STATE.mip >> 2,
  mie: STATE.mie >> 2,
  /** SD is not kept: reads work it out. */
  mstatus: STATE.mstatus >> 2,
  mtvec: STATE.mtvec >> 2,
  mepc: STATE.mepc >> 2,
  mcause: STATE.mcause >> 2,
  mtval: STATE.mtval >> 2,
  mscratch: STATE.mscratch >> 2,
  mideleg: STATE.mideleg >> 2,
  medeleg: STATE.medeleg >> 2,
  mcounteren: STATE.mcounteren >> 2,
  mcountinhibit: STATE.mcountinhibit >> 2,
  stvec: STATE.stvec >> 2,
  sepc: STATE.sepc >> 2,
  scause: STATE.scause >> 2,
  stval: STATE.stval >> 2,
  sscratch: STATE.sscratch >> 2,
  satp: STATE.satp >> 2,
  scounteren: STATE.scounteren >> 2,
  senvcfg: STATE.senvcfg >> 2,
  menvcfg: STATE.menvcfg >> 2,
  fcsr: STATE.fcsr >> 2,
  mcycleOffset: STATE.mcycleOffset >> 2,
  minstretOffset: STATE.minstretOffset >> 2,
  hartId: STATE.hartId >> 2,
  pmpaddr: STATE.pmpaddr >> 2,
  tlbRead: STATE.tlbRead >> 2,
  tlbWrite: STATE.tlbWrite >> 2,
  tlbFetch: STATE.tlbFetch >> 2,
  floatReady: STATE.floatReady >> 2,
  openFirst: STATE.openFirst >> 2,
  openBytes: STATE.openBytes >> 2,
  paged: STATE.paged >> 2,
} as const;

export type Xlen = 32 | 64;

export const PRIVILEGE = { user: 0, supervisor: 1, machine: 3 } as const;

/** Bits of the low word of `mstatus` (Privileged specification 1.12, section 3.1.6). */
export const MSTATUS = {
  sie: 1 << 1,
  mie: 1 << 3,
  spie: 1 << 5,
  mpie: 1 << 7,
  spp: 1 << 8,
  mpp: 3 << 11,
  fs: 3 << 13,
  mprv: 1 << 17,
  sum: 1 << 18,
  mxr: 1 << 19,
  tvm: 1 << 20,
  tw: 1 << 21,
  tsr: 1 << 22,
} as const;
export const MPP_SHIFT = 11;

/** High word of `mstatus` on RV64: UXL and SXL are 2. */
export const MSTATUS_HIGH = 0xa;

/** High word of `mip`: what M mode wrote to SEIP, and the interrupt controller's line (section 3.1.9). */
export const SEIP_SOURCE = { software: 1, line: 2 } as const;

/** Everything up to here is cleared by a reset; the TLB behind it is invalidated. */
const RESET_WORDS = STATE.tlb >> 2;

const TWO_32 = 0x1_0000_0000;

/** State as 32-bit words, plus the few values that need two of them. */
export class HartState {
  /** The whole state area before the TLB; the low word of x`n` is `words[2 * n]`, of f`n` `words[64 + 2 * n]`. */
  readonly words: Int32Array;
  /** The same by register slot (`SLOT`): x0..x31, f0..f31, and the one that swallows. */
  readonly registers: BigUint64Array;
  readonly pmpcfg: Uint8Array;
  readonly xlen: Xlen;
  /** The same as the two words of `instret`, as one number. */
  #instret = 0;

  constructor(memory: SharedWasmMemory, xlen: Xlen) {
    this.xlen = xlen;
    this.words = new Int32Array(memory.buffer, 0, RESET_WORDS);
    this.registers = new BigUint64Array(memory.buffer, 0, SINK_SLOT + 1);
    this.pmpcfg = new Uint8Array(memory.buffer, STATE.pmpcfg, 16);
  }

  /** Everything zero but M mode, `pc` (below 4 GiB) and `hartId`; the derived words are `Mmu.reset`'s. */
  reset(pc: number, hartId: number): void {
    const { words } = this;
    words.fill(0);
    this.#instret = 0;
    words[WORD.pc] = pc;
    words[WORD.privilege] = PRIVILEGE.machine;
    words[WORD.hartId] = hartId;
    if (this.xlen === 64) words[WORD.mstatus + 1] = MSTATUS_HIGH;
    this.dropReservation();
  }

  get privilege(): number {
    return this.words[WORD.privilege];
  }

  /** The privilege that loads and stores have: `mstatus.MPRV` lends M mode the rights of MPP. */
  get dataPrivilege(): number {
    const mstatus = this.words[WORD.mstatus];
    const isLent = (mstatus & MSTATUS.mprv) !== 0 && this.privilege === PRIVILEGE.machine;
    return isLent ? (mstatus & MSTATUS.mpp) >> MPP_SHIFT : this.privilege;
  }

  get instret(): number {
    return this.#instret;
  }

  set instret(count: number) {
    this.#instret = count;
    this.words[WORD.instret] = count;
    this.words[WORD.instret + 1] = count < TWO_32 ? 0 : Math.floor(count / TWO_32);
  }

  /** The low word of `pc`. */
  get pc(): number {
    return this.words[WORD.pc];
  }

  /** The high word of `pc`: 0 on RV32. */
  get pcHigh(): number {
    return this.xlen === 64 ? this.words[WORD.pc + 1] : 0;
  }

  setPc(low: number, high: number): void {
    this.words[WORD.pc] = low;
    this.words[WORD.pc + 1] = high;
  }

  /** Ends the instruction at pc, whose decoded slot's first word is `word`, without a result. */
  retire(word: number): void {
    const { words } = this;
    const low = words[WORD.pc];
    const next = (low + 2 + 2 * (word >>> 31)) | 0;
    words[WORD.pc] = next;
    if (low < 0 && next >= 0 && this.xlen === 64) words[WORD.pc + 1] += 1;
    this.instret = this.#instret + 1;
  }

  dropReservation(): void {
    this.words[WORD.reservation] = -1;
    this.words[WORD.reservation + 1] = -1;
  }
}
