/** The CSRs of a hart: existence, access rights, WARL rules (Privileged specification 1.12, chapters 2 to 4; Unprivileged 20191213, section 11.2). */

import { INTERRUPT } from '../cpu/state-layout.js';
import type { VcpuHost } from '../cpu/vcpu.js';
import { CSR } from '../isa/csr-numbers.js';
import { type Counter, Counters, CYCLE, INSTRET } from './counters.js';
import { existsAsZero, isCounter, pmpEntryOf, simpleWords } from './csr-tables.js';
import { type HartState, MPP_SHIFT, MSTATUS, PRIVILEGE, SEIP_SOURCE, WORD } from './hart-state.js';
import type { Pmp } from './pmp.js';
import { CLEARABLE_INTERRUPTS, DELEGABLE_EXCEPTIONS, DELEGABLE_INTERRUPTS, interruptMask, setSeip } from './traps.js';

/** What `write` changed beyond the register itself; bits. */
export const CSR_EFFECT = {
  none: 0,
  /** What `Mmu.modeChanged` derives. */
  mode: 1,
  /** PMP entries. */
  protection: 2,
  /** What reads under translation may reach: MXR. */
  readable: 4,
  /** `satp`. */
  translation: 8,
  /** What floating point needs: `Mmu.floatChanged`. */
  float: 16,
} as const;

const MISA_32 = { low: 0x4010_1105, high: 0 } as const;
/** RV64 (MXL 2), A, C, D, F, I, M, S, U. */
const MISA_64 = { low: 0x0014_112d, high: 2 << 30 } as const;
const STATUS_32 = MSTATUS.mie | MSTATUS.mpie | MSTATUS.mprv | MSTATUS.tw;
const SSTATUS = MSTATUS.sie | MSTATUS.spie | MSTATUS.spp | MSTATUS.fs | MSTATUS.sum | MSTATUS.mxr;
const STATUS_64 = STATUS_32 | SSTATUS | MSTATUS.tvm | MSTATUS.tsr;
/** What else than the interrupt enables and traps depends on. */
const STATUS_MODE = MSTATUS.mpp | MSTATUS.mprv | MSTATUS.sum | MSTATUS.fs;
/** UXL. */
const SSTATUS_HIGH = 2;
const SD_HIGH = 1 << 31;
/** cycle, time and instret; the event counters do not count and are closed to the modes below M. */
const COUNTERS = 0b111;
/** `mcountinhibit` has no bit for `time`. */
const INHIBITABLE = 0b101;
/** Of `menvcfg` and `senvcfg`; it changes nothing, because every `fence` orders everything. */
const FIOM = 1;
/** `satp.MODE` and the high bits of PPN: ASID does not exist. */
const SATP_HIGH = 0xf000_0fff;
const SATP_BARE = 0;
const SATP_SV39 = 8;
const FFLAGS_MASK = 0x1f;
const FRM_SHIFT = 5;
const FCSR_MASK = 0xff;
const TWO_32 = 0x1_0000_0000;

/** Reads and writes by CSR number. What `read` found is in `valueLow` and `valueHigh`; on RV32 the low word alone counts. */
export class CsrFile {
  valueLow = 0;
  valueHigh = 0;
  readonly #state: HartState;
  readonly #words: Int32Array;
  readonly #pmp: Pmp;
  readonly #host: VcpuHost;
  readonly #counters: Counters;
  readonly #simple: ReadonlyMap<number, number>;
  readonly #isWide: boolean;

  constructor(state: HartState, pmp: Pmp, host: VcpuHost) {
    this.#state = state;
    this.#words = state.words;
    this.#pmp = pmp;
    this.#host = host;
    this.#counters = new Counters(state);
    this.#simple = simpleWords(state.xlen);
    this.#isWide = state.xlen === 64;
  }

  /** Whether `privilege` may use the CSR in this way at all now; its existence is for `read` to say. */
  permits(csr: number, privilege: number, isWrite: boolean): boolean {
    if (((csr >> 8) & 3) > privilege) return false;
    if (isWrite && csr >> 10 === 3) return false;
    const mstatus = this.#words[WORD.mstatus];
    if (csr <= CSR.fcsr) return (mstatus & MSTATUS.fs) !== 0;
    if (csr === CSR.satp) return privilege === PRIVILEGE.machine || (mstatus & MSTATUS.tvm) === 0;
    if (!isCounter(csr) || privilege === PRIVILEGE.machine) return true;
    let open = this.#words[WORD.mcounteren];
    if (this.#isWide && privilege === PRIVILEGE.user) open &= this.#words[WORD.scounteren];
    return ((open >>> (csr & 31)) & 1) !== 0;
  }

  /** False when the CSR does not exist. */
  read(csr: number): boolean {
    const word = this.#simple.get(csr);
    if (word !== undefined) return this.#answer(this.#words[word], this.#words[word + 1]);
    const entry = pmpEntryOf(csr, this.#state.xlen);
    if (entry >= 0) return this.#readPmp(csr, entry);
    switch (csr) {
      case CSR.mstatus:
        return this.#answer(this.#words[WORD.mstatus], this.#words[WORD.mstatus + 1] | this.#dirtyBit());
      case CSR.mip:
        return this.#answer(Atomics.load(this.#words, WORD.mip), 0);
      case CSR.misa:
        return this.#isWide ? this.#answer(MISA_64.low, MISA_64.high) : this.#answer(MISA_32.low, MISA_32.high);
      case CSR.cycle:
      case CSR.mcycle:
        return this.#readCounter(CYCLE);
      case CSR.instret:
      case CSR.minstret:
        return this.#readCounter(INSTRET);
      case CSR.time: {
        const time = this.#host.readTime(this.#state.instret);
        return this.#answer(time | 0, Math.floor(time / TWO_32));
      }
    }
    if (existsAsZero(csr, this.#state.xlen)) return this.#answer(0, 0);
    return this.#isWide ? this.#readWide(csr) : this.#readNarrow(csr);
  }

  /** What RV64 alone has: S mode and floating point. */
  #readWide(csr: number): boolean {
    const words = this.#words;
    switch (csr) {
      case CSR.fflags:
        return this.#answer(words[WORD.fcsr] & FFLAGS_MASK, 0);
      case CSR.frm:
        return this.#answer(words[WORD.fcsr] >>> FRM_SHIFT, 0);
      case CSR.fcsr:
        return this.#answer(words[WORD.fcsr], 0);
      case CSR.sstatus:
        return this.#answer(words[WORD.mstatus] & SSTATUS, SSTATUS_HIGH | this.#dirtyBit());
      case CSR.sie:
        return this.#answer(words[WORD.mie] & words[WORD.mideleg], 0);
      case CSR.sip:
        return this.#answer(Atomics.load(words, WORD.mip) & words[WORD.mideleg], 0);
      default:
        return false;
    }
  }

  /** What RV32 alone has: high halves. */
  #readNarrow(csr: number): boolean {
    switch (csr) {
      case CSR.cycleh:
      case CSR.mcycleh:
        return this.#answer(this.#counters.high(CYCLE), 0);
      case CSR.instreth:
      case CSR.minstreth:
        return this.#answer(this.#counters.high(INSTRET), 0);
      case CSR.timeh:
        return this.#answer(Math.floor(this.#host.readTime(this.#state.instret) / TWO_32), 0);
      default:
        return false;
    }
  }

  #answer(low: number, high: number): boolean {
    this.valueLow = low | 0;
    this.valueHigh = high | 0;
    return true;
  }

  #readCounter(counter: Counter): boolean {
    return this.#answer(this.#counters.low(counter), this.#counters.high(counter));
  }

  #readPmp(csr: number, entry: number): boolean {
    if (csr >= CSR.pmpaddr0) {
      const word = WORD.pmpaddr + 2 * entry;
      return this.#answer(this.#words[word], this.#words[word + 1]);
    }
    return this.#answer(this.#pmp.readConfig(entry), this.#isWide ? this.#pmp.readConfig(entry + 4) : 0);
  }

  /** SD, which says that FS is Dirty. */
  #dirtyBit(): number {
    return (this.#words[WORD.mstatus] & MSTATUS.fs) === MSTATUS.fs ? SD_HIGH : 0;
  }

  /**
   * Writes all bits, as far as they are writable; `CSR_EFFECT` bits. The CSR exists and may be written. `kept` are the
   * bits of the low word that the instruction does not mean to change: another thread may be setting those of `mip` at
   * this moment, and SEIP's two sources are not to be mixed.
   */
  write(csr: number, low: number, high: number, kept: number): number {
    switch (csr) {
      case CSR.mstatus:
        return this.#writeStatus(low, this.#isWide ? STATUS_64 : STATUS_32);
      case CSR.mie:
        return this.#set(WORD.mie, low & interruptMask(this.#state.xlen), 0);
      case CSR.mip:
        return this.#writePending(low, ~kept, this.#isWide ? DELEGABLE_INTERRUPTS : 0);
      case CSR.mtvec:
        // Bit 1 is part of a mode that is reserved.
        return this.#set(WORD.mtvec, low & ~2, high);
      case CSR.mcounteren:
        return this.#set(WORD.mcounteren, low & COUNTERS, 0);
      case CSR.mcountinhibit:
        this.#counters.writeInhibit(low & INHIBITABLE);
        return CSR_EFFECT.none;
      case CSR.mepc:
        return this.#set(WORD.mepc, low & ~1, high);
      case CSR.mscratch:
        return this.#set(WORD.mscratch, low, high);
      case CSR.mcause:
        return this.#set(WORD.mcause, low, high);
      case CSR.mtval:
        return this.#set(WORD.mtval, low, high);
      case CSR.mcycle:
        return this.#writeCounter(CYCLE, low, high);
      case CSR.minstret:
        return this.#writeCounter(INSTRET, low, high);
    }
    const entry = pmpEntryOf(csr, this.#state.xlen);
    if (entry >= 0) return this.#writePmp(csr, entry, low, high);
    return this.#isWide ? this.#writeWide(csr, low, high, kept) : this.#writeNarrow(csr, low);
  }

  #writeWide(csr: number, low: number, high: number, kept: number): number {
    const words = this.#words;
    switch (csr) {
      case CSR.fflags:
        return this.#writeFloat((words[WORD.fcsr] & ~FFLAGS_MASK) | (low & FFLAGS_MASK));
      case CSR.frm:
        return this.#writeFloat((words[WORD.fcsr] & FFLAGS_MASK) | ((low & 7) << FRM_SHIFT));
      case CSR.fcsr:
        return this.#writeFloat(low & FCSR_MASK);
      case CSR.sstatus:
        return this.#writeStatus((words[WORD.mstatus] & ~SSTATUS) | (low & SSTATUS), STATUS_64);
      case CSR.sie:
        return this.#set(WORD.mie, (words[WORD.mie] & ~words[WORD.mideleg]) | (low & words[WORD.mideleg]), 0);
      case CSR.sip:
        return this.#writePending(low, ~kept & words[WORD.mideleg] & INTERRUPT.ssip, INTERRUPT.ssip);
      case CSR.stvec:
        return this.#set(WORD.stvec, low & ~2, high);
      case CSR.sepc:
        return this.#set(WORD.sepc, low & ~1, high);
      case CSR.scause:
        return this.#set(WORD.scause, low, high);
      case CSR.stval:
        return this.#set(WORD.stval, low, high);
      case CSR.sscratch:
        return this.#set(WORD.sscratch, low, high);
      case CSR.satp:
        return this.#writeSatp(low, high & SATP_HIGH);
      case CSR.scounteren:
        return this.#set(WORD.scounteren, low & COUNTERS, 0);
      case CSR.medeleg:
        return this.#set(WORD.medeleg, low & DELEGABLE_EXCEPTIONS, 0);
      case CSR.mideleg:
        return this.#set(WORD.mideleg, low & DELEGABLE_INTERRUPTS, 0);
      case CSR.menvcfg:
        return this.#set(WORD.menvcfg, low & FIOM, 0);
      case CSR.senvcfg:
        return this.#set(WORD.senvcfg, low & FIOM, 0);
      default:
        return CSR_EFFECT.none;
    }
  }

  #writeNarrow(csr: number, low: number): number {
    if (csr === CSR.mcycleh) this.#counters.setHigh(CYCLE, low);
    else if (csr === CSR.minstreth) this.#counters.setHigh(INSTRET, low);
    return CSR_EFFECT.none;
  }

  #set(word: number, low: number, high: number): number {
    this.#words[word] = low;
    this.#words[word + 1] = high;
    return CSR_EFFECT.none;
  }

  #writeCounter(counter: Counter, low: number, high: number): number {
    if (this.#isWide) this.#counters.set(counter, low, high);
    else this.#counters.setLow(counter, low);
    return CSR_EFFECT.none;
  }

  #writePmp(csr: number, entry: number, low: number, high: number): number {
    if (csr >= CSR.pmpaddr0) {
      this.#pmp.writeAddress(entry, low, high);
    } else {
      this.#pmp.writeConfig(entry, low);
      if (this.#isWide) this.#pmp.writeConfig(entry + 4, high);
    }
    return CSR_EFFECT.protection;
  }

  #writeStatus(value: number, writable: number): number {
    const old = this.#words[WORD.mstatus];
    // A mode that does not exist is stored as U.
    const wanted = (value & MSTATUS.mpp) >> MPP_SHIFT;
    const exists = wanted === PRIVILEGE.machine || (this.#isWide && wanted === PRIVILEGE.supervisor);
    const next = (value & writable) | (exists ? value & MSTATUS.mpp : 0);
    this.#words[WORD.mstatus] = next;
    const changed = old ^ next;
    if ((changed & MSTATUS.mxr) !== 0) return CSR_EFFECT.mode | CSR_EFFECT.readable;
    return (changed & STATUS_MODE) === 0 ? CSR_EFFECT.none : CSR_EFFECT.mode;
  }

  /** `changed` are the bits that the instruction means to change, `settable` those that it may set as well as clear. */
  #writePending(value: number, changed: number, settable: number): number {
    const software = changed & settable & ~INTERRUPT.seip;
    const clear = changed & (software | CLEARABLE_INTERRUPTS) & ~value;
    if (clear !== 0) Atomics.and(this.#words, WORD.mip, ~clear);
    const set = software & value;
    if (set !== 0) Atomics.or(this.#words, WORD.mip, set);
    if ((changed & settable & INTERRUPT.seip) !== 0) {
      setSeip(this.#state, SEIP_SOURCE.software, (value & INTERRUPT.seip) !== 0);
    }
    return CSR_EFFECT.none;
  }

  /** A mode other than Bare and Sv39 makes the write have no effect at all (section 4.1.11). */
  #writeSatp(low: number, high: number): number {
    const mode = high >>> 28;
    if (mode !== SATP_BARE && mode !== SATP_SV39) return CSR_EFFECT.none;
    const isSame = this.#words[WORD.satp] === low && this.#words[WORD.satp + 1] === high;
    this.#set(WORD.satp, low, high);
    return isSame ? CSR_EFFECT.none : CSR_EFFECT.translation;
  }

  #writeFloat(value: number): number {
    this.#words[WORD.fcsr] = value;
    this.#words[WORD.mstatus] |= MSTATUS.fs;
    return CSR_EFFECT.float;
  }
}
