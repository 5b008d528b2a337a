/** The CSRs of an RV32 hart with M and U mode: existence, access rights, WARL rules (Privileged specification 1.12, chapters 2 and 3). */

import { CSR } from '../isa/csr-numbers.js';
import { type HartState, MPP_SHIFT, MSTATUS, PRIVILEGE, WORD } from './hart-state.js';
import { PMP_ENTRIES, type Pmp } from './pmp.js';
import { CLEARABLE_INTERRUPTS, INTERRUPT_MASK } from './traps.js';
import type { VcpuHost } from './vcpu.js';

/** What `write` changed beyond the register itself. */
export const CSR_EFFECT = { none: 0, dataAccess: 1, protection: 2 } as const;

/** What `read` answers for a CSR that does not exist or that this privilege may not read. */
export const NO_CSR = -1;

/** RV32 (MXL 1), A, C, I, M, U. */
const MISA = (1 << 30) | (1 << 0) | (1 << 2) | (1 << 8) | (1 << 12) | (1 << 20);
const MSTATUS_WRITABLE = MSTATUS.mie | MSTATUS.mpie | MSTATUS.mprv | MSTATUS.tw;
/** cycle, time and instret; the event counters do not count and are closed to U mode. */
const COUNTERS = 0b111;
/** `mcountinhibit` has no bit for `time`. */
const INHIBITABLE = 0b101;
const TWO_32 = 0x1_0000_0000;

const SIMPLE: ReadonlyMap<number, number> = new Map([
  [CSR.mstatus, WORD.mstatus],
  [CSR.mie, WORD.mie],
  [CSR.mtvec, WORD.mtvec],
  [CSR.mcounteren, WORD.mcounteren],
  [CSR.mcountinhibit, WORD.mcountinhibit],
  [CSR.mscratch, WORD.mscratch],
  [CSR.mepc, WORD.mepc],
  [CSR.mcause, WORD.mcause],
  [CSR.mtval, WORD.mtval],
  [CSR.mhartid, WORD.hartId],
]);

const isWithin = (csr: number, first: number, count: number): boolean => csr >= first && csr < first + count;

/** mhpmcounter3..31, their high halves, mhpmevent3..31, and what is allowed to be nothing but zero. */
function isZero(csr: number): boolean {
  return (
    isWithin(csr, CSR.mcycle + 3, 29) ||
    isWithin(csr, CSR.mcycleh + 3, 29) ||
    isWithin(csr, CSR.mhpmevent3, 29) ||
    isWithin(csr, CSR.cycle + 3, 29) ||
    isWithin(csr, CSR.cycleh + 3, 29) ||
    isWithin(csr, CSR.mvendorid, 3) ||
    csr === CSR.mconfigptr ||
    csr === CSR.mstatush ||
    csr === CSR.menvcfg ||
    csr === CSR.menvcfgh
  );
}

/**
 * Reads and writes by CSR number. `mcycle` counts retired instructions, as `minstret` does: both are `instret` plus an
 * offset of the guest's own, so that a guest that writes them does not disturb the count that the machine goes by.
 */
export class CsrFile {
  readonly #state: HartState;
  readonly #pmp: Pmp;
  readonly #host: VcpuHost;

  constructor(state: HartState, pmp: Pmp, host: VcpuHost) {
    this.#state = state;
    this.#pmp = pmp;
    this.#host = host;
  }

  /** Whether `privilege` may use the CSR in this way at all; its existence is for `read` to say. */
  permits(csr: number, privilege: number, isWrite: boolean): boolean {
    if (((csr >> 8) & 3) > privilege) return false;
    if (isWrite && csr >> 10 === 3) return false;
    const isCounter = (csr & 0xf60) === CSR.cycle;
    if (!isCounter || privilege === PRIVILEGE.machine) return true;
    return ((this.#state.words[WORD.mcounteren] >>> (csr & 31)) & 1) !== 0;
  }

  /** The value as an unsigned number, or `NO_CSR`. */
  read(csr: number): number {
    if (csr === CSR.time) return this.#host.readTime(this.#state.instret) >>> 0;
    const word = SIMPLE.get(csr);
    if (word !== undefined) return this.#state.words[word] >>> 0;
    if (isWithin(csr, CSR.pmpaddr0, PMP_ENTRIES)) return this.#pmp.readAddress(csr - CSR.pmpaddr0);
    if (isWithin(csr, CSR.pmpcfg0, PMP_ENTRIES / 4)) return this.#pmp.readConfig(csr - CSR.pmpcfg0);
    switch (csr) {
      case CSR.mip:
        return Atomics.load(this.#state.words, WORD.mip) >>> 0;
      case CSR.misa:
        return MISA >>> 0;
      case CSR.cycle:
      case CSR.mcycle:
        return this.#counterLow(WORD.mcycleOffset, 0);
      case CSR.cycleh:
      case CSR.mcycleh:
        return this.#counterHigh(WORD.mcycleOffset, 0);
      case CSR.instret:
      case CSR.minstret:
        return this.#counterLow(WORD.minstretOffset, 2);
      case CSR.instreth:
      case CSR.minstreth:
        return this.#counterHigh(WORD.minstretOffset, 2);
      case CSR.timeh:
        return Math.floor(this.#host.readTime(this.#state.instret) / TWO_32);
      default:
        return isZero(csr) ? 0 : NO_CSR;
    }
  }

  /**
   * Writes all bits, as far as they are writable. The CSR exists and may be written. `kept` are the bits that the
   * instruction does not mean to change: another thread may be setting those of `mip` at this moment.
   */
  write(csr: number, value: number, kept: number): number {
    const { words } = this.#state;
    switch (csr) {
      case CSR.mstatus:
        this.#writeMstatus(value);
        return CSR_EFFECT.dataAccess;
      case CSR.mie:
        words[WORD.mie] = value & INTERRUPT_MASK;
        break;
      case CSR.mip:
        Atomics.and(words, WORD.mip, value | kept | ~CLEARABLE_INTERRUPTS);
        break;
      case CSR.mtvec:
        // Bit 1 is part of a mode that is reserved.
        words[WORD.mtvec] = value & ~2;
        break;
      case CSR.mcounteren:
        words[WORD.mcounteren] = value & COUNTERS;
        break;
      case CSR.mepc:
        words[WORD.mepc] = value & ~1;
        break;
      case CSR.mscratch:
        words[WORD.mscratch] = value;
        break;
      case CSR.mcause:
        words[WORD.mcause] = value;
        break;
      case CSR.mtval:
        words[WORD.mtval] = value;
        break;
      default:
        return this.#writeCounterOrProtection(csr, value);
    }
    return CSR_EFFECT.none;
  }

  #writeCounterOrProtection(csr: number, value: number): number {
    if (isWithin(csr, CSR.pmpaddr0, PMP_ENTRIES)) {
      this.#pmp.writeAddress(csr - CSR.pmpaddr0, value);
      return CSR_EFFECT.protection;
    }
    if (isWithin(csr, CSR.pmpcfg0, PMP_ENTRIES / 4)) {
      this.#pmp.writeConfig(csr - CSR.pmpcfg0, value);
      return CSR_EFFECT.protection;
    }
    switch (csr) {
      case CSR.mcycle:
        this.#setCounter(WORD.mcycleOffset, 0, value >>> 0, this.#counterHigh(WORD.mcycleOffset, 0));
        break;
      case CSR.mcycleh:
        this.#setCounter(WORD.mcycleOffset, 0, this.#nextLow(WORD.mcycleOffset, 0), value >>> 0);
        break;
      case CSR.minstret:
        this.#setCounter(WORD.minstretOffset, 2, value >>> 0, this.#counterHigh(WORD.minstretOffset, 2));
        break;
      case CSR.minstreth:
        this.#setCounter(WORD.minstretOffset, 2, this.#nextLow(WORD.minstretOffset, 2), value >>> 0);
        break;
      case CSR.mcountinhibit:
        this.#writeInhibit(value & INHIBITABLE);
        break;
    }
    return CSR_EFFECT.none;
  }

  #writeMstatus(value: number): void {
    const { words } = this.#state;
    // S mode and the reserved mode do not exist here: either choice is stored as U.
    const wanted = (value & MSTATUS.mpp) >> MPP_SHIFT;
    const mpp = wanted === PRIVILEGE.machine ? MSTATUS.mpp : 0;
    words[WORD.mstatus] = (value & MSTATUS_WRITABLE) | mpp;
  }

  #isInhibited(bit: number): boolean {
    return ((this.#state.words[WORD.mcountinhibit] >>> bit) & 1) !== 0;
  }

  #counterLow(offset: number, bit: number): number {
    const { words } = this.#state;
    return (words[offset] + (this.#isInhibited(bit) ? 0 : words[WORD.instret])) >>> 0;
  }

  #counterHigh(offset: number, bit: number): number {
    const { words } = this.#state;
    if (this.#isInhibited(bit)) return words[offset + 1] >>> 0;
    const carry = (words[offset] >>> 0) + (words[WORD.instret] >>> 0) >= TWO_32 ? 1 : 0;
    return (words[offset + 1] + words[WORD.instret + 1] + carry) >>> 0;
  }

  /** What the next instruction would read: writing the high half alone does not stop the low one. */
  #nextLow(offset: number, bit: number): number {
    return (this.#counterLow(offset, bit) + (this.#isInhibited(bit) ? 0 : 1)) >>> 0;
  }

  /** Makes the next instruction read `low` and `high`: the writing instruction's own retirement is not counted (section 3.1.10). */
  #setCounter(offset: number, bit: number, low: number, high: number): void {
    const { words } = this.#state;
    if (this.#isInhibited(bit)) {
      words[offset] = low;
      words[offset + 1] = high;
      return;
    }
    const count = this.#state.instret + 1;
    const difference = low - (count % TWO_32);
    words[offset] = difference;
    words[offset + 1] = high - Math.floor(count / TWO_32) - (difference < 0 ? 1 : 0);
  }

  /** Stopping a counter keeps its value in the offset; starting it makes the offset relative again. */
  #writeInhibit(value: number): void {
    const { words } = this.#state;
    const changed = words[WORD.mcountinhibit] ^ value;
    for (const [bit, offset] of [
      [0, WORD.mcycleOffset],
      [2, WORD.minstretOffset],
    ] as const) {
      if (((changed >> bit) & 1) === 0) continue;
      const low = this.#counterLow(offset, bit);
      const high = this.#counterHigh(offset, bit);
      words[WORD.mcountinhibit] ^= 1 << bit;
      this.#setCounter(offset, bit, low, high);
    }
  }
}
