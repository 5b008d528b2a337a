/** Which CSRs are plain words of the state, which are nothing but zero, and which are PMP entries. */

import { CSR } from '../isa/csr-numbers.js';
import { WORD, type Xlen } from './hart-state.js';
import { PMP_ENTRIES } from './pmp.js';

const COMMON: readonly (readonly [csr: number, word: number])[] = [
  [CSR.mie, WORD.mie],
  [CSR.mtvec, WORD.mtvec],
  [CSR.mcounteren, WORD.mcounteren],
  [CSR.mcountinhibit, WORD.mcountinhibit],
  [CSR.mscratch, WORD.mscratch],
  [CSR.mepc, WORD.mepc],
  [CSR.mcause, WORD.mcause],
  [CSR.mtval, WORD.mtval],
  [CSR.mhartid, WORD.hartId],
];

const WIDE: readonly (readonly [csr: number, word: number])[] = [
  [CSR.mideleg, WORD.mideleg],
  [CSR.medeleg, WORD.medeleg],
  [CSR.menvcfg, WORD.menvcfg],
  [CSR.stvec, WORD.stvec],
  [CSR.sepc, WORD.sepc],
  [CSR.scause, WORD.scause],
  [CSR.stval, WORD.stval],
  [CSR.sscratch, WORD.sscratch],
  [CSR.satp, WORD.satp],
  [CSR.scounteren, WORD.scounteren],
  [CSR.senvcfg, WORD.senvcfg],
];

/** Where the CSRs are whose reads are nothing but two words of the state. */
export function simpleWords(xlen: Xlen): ReadonlyMap<number, number> {
  return new Map(xlen === 64 ? [...COMMON, ...WIDE] : COMMON);
}

const isWithin = (csr: number, first: number, count: number): boolean => csr >= first && csr < first + count;

/** cycle, time, instret, hpmcounter3..31 and their high halves. */
export function isCounter(csr: number): boolean {
  return (csr & 0xf60) === CSR.cycle;
}

/** mhpmcounter3..31, mhpmevent3..31, hpmcounter3..31, high halves on RV32, and what is allowed to be nothing but zero. */
export function existsAsZero(csr: number, xlen: Xlen): boolean {
  if (
    isWithin(csr, CSR.mhpmcounter3, 29) ||
    isWithin(csr, CSR.mhpmevent3, 29) ||
    isWithin(csr, CSR.hpmcounter3, 29) ||
    isWithin(csr, CSR.mvendorid, 3) ||
    csr === CSR.mconfigptr
  ) {
    return true;
  }
  if (xlen === 64) return false;
  return (
    isWithin(csr, CSR.mhpmcounter3h, 29) ||
    isWithin(csr, CSR.hpmcounter3h, 29) ||
    csr === CSR.mstatush ||
    csr === CSR.menvcfg ||
    csr === CSR.menvcfgh
  );
}

/** The (first) entry that a `pmpaddr` or `pmpcfg` register is about, or -1. RV64 has the even `pmpcfg` alone, with eight entries each. */
export function pmpEntryOf(csr: number, xlen: Xlen): number {
  if (isWithin(csr, CSR.pmpaddr0, PMP_ENTRIES)) return csr - CSR.pmpaddr0;
  if (!isWithin(csr, CSR.pmpcfg0, PMP_ENTRIES / 4)) return -1;
  const register = csr - CSR.pmpcfg0;
  return xlen === 64 && register % 2 === 1 ? -1 : 4 * register;
}
