/** One instruction with every check: what the interpreter and translated code do not execute themselves. */

import { OPERATION, SLOT } from '../cpu/decoded-slot.js';
import type { HypercallMode, VmExit, VmExitReason } from '../cpu/vcpu.js';
import { VmmError } from '../errors.js';
import { ACCESS_RESULT } from './data-path.js';
import { FloatUnit } from './float-unit.js';
import type { Hart } from './hart.js';
import { MSTATUS, PRIVILEGE, WORD } from './hart-state.js';
import { ID, OPERATION_MASK } from './operations.js';
import { awaitingInterrupts, CAUSE } from './traps.js';

const HYPERCALL_MODE: Readonly<Record<HypercallMode, number>> = {
  none: -1,
  machine: PRIVILEGE.machine,
  supervisor: PRIVILEGE.supervisor,
};

/** Bytes of the loads and stores, in the order of their numbers from `lb`. */
const ACCESS_SIZE: readonly number[] = [1, 2, 4, 1, 2, 1, 2, 4];

const TWO_32 = 0x1_0000_0000;
const A0 = 2 * 10;
const A1 = 2 * 11;

/** The exit that a vCPU hands out again and again. */
export class ReusedExit implements VmExit {
  reason: VmExitReason = 'until';
  gpa = 0;
  size = 0;
  value = 0;
  valueHigh = 0;
}

/**
 * Executes one instruction, given as the two words of its decoded slot, at the hart's pc: it retires, or traps, or needs
 * an exit, whose reason is returned and whose other fields are in `exit`. An exit with an answer is ended by its
 * `complete…` call, which retires the instruction or lets it trap.
 */
export class SlowPath {
  readonly exit = new ReusedExit();
  readonly #hart: Hart;
  readonly #words: Int32Array;
  readonly #float: FloatUnit;
  readonly #hypercallMode: number;
  /** High words of results: none on RV32. */
  readonly #highMask: number;
  /** The exit that waits for its `complete…` call; `until` when there is none. */
  #awaited: VmExitReason = 'until';
  #awaitedWord = 0;
  /** The latest access's virtual address. */
  #vaLow = 0;
  #vaHigh = 0;

  constructor(hart: Hart, hypercalls: HypercallMode) {
    this.#hart = hart;
    this.#words = hart.state.words;
    this.#float = new FloatUnit(hart.state);
    this.#hypercallMode = HYPERCALL_MODE[hypercalls];
    this.#highMask = hart.xlen === 64 ? -1 : 0;
  }

  /** The exit whose `complete…` call has to come before anything is executed; `until` when there is none. */
  get awaited(): VmExitReason {
    return this.#awaited;
  }

  /** Forgets the exit that was not completed; for a reset of the hart. */
  reset(): void {
    this.#awaited = 'until';
  }

  /** `VMM_ENGINE` for instructions that need no slow path, which are the engine's own. */
  execute(word: number, operand: number): VmExitReason | undefined {
    const reason = this.#dispatch(word, operand);
    if (reason !== undefined && reason !== 'wfi') {
      this.#awaited = reason;
      this.#awaitedWord = word;
    }
    return reason;
  }

  #dispatch(word: number, operand: number): VmExitReason | undefined {
    const id = word & OPERATION_MASK;
    if ((id >= ID.lb && id <= ID.lhu) || id === ID.ld || id === ID.lwu) return this.#load(word, operand);
    if ((id >= ID.sb && id <= ID.sw) || id === ID.sd) return this.#store(word, operand);
    if (id >= ID.csrrw && id <= ID.csrrci) return this.#accessCsr(word, operand);
    if ((id >= ID.lrW && id <= ID.amomaxuW) || (id >= ID.lrD && id <= ID.amomaxuD)) return this.#atomic(word);
    if (id >= ID.flw && id <= ID.fcvtDS) return this.#floatingPoint(word, operand);
    return this.#system(word, operand);
  }

  #system(word: number, bits: number): VmExitReason | undefined {
    const hart = this.#hart;
    switch (word & OPERATION_MASK) {
      case ID.fence:
        // A sequentially consistent operation, so that this thread's loads and stores keep their order for others.
        Atomics.load(this.#words, WORD.mip);
        return this.#retire(word);
      case ID.fenceI:
        hart.hooks.synchronizeCode();
        return this.#retire(word);
      case ID.ecall:
        if (hart.state.privilege === this.#hypercallMode) return 'hypercall';
        return this.#trap(CAUSE.ecall + hart.state.privilege, 0, 0);
      case ID.ebreak:
        return this.#trap(CAUSE.breakpoint, hart.state.pc, hart.state.pcHigh);
      case ID.mret:
      case ID.sret:
      case ID.wfi:
      case ID.sfenceVma:
        return this.#isPermitted(word & OPERATION_MASK) ? this.#privileged(word) : this.#illegal(bits);
      case OPERATION.fetchFault:
        return this.#fetchFault();
      case OPERATION.illegal:
        return this.#illegal(bits);
      default:
        throw new VmmError('VMM_ENGINE', `The slow path has no instruction ${word & OPERATION_MASK}.`);
    }
  }

  /** Whether the current mode may execute the instruction (Privileged specification 1.12, section 3.1.6.5). */
  #isPermitted(id: number): boolean {
    const { privilege, xlen } = this.#hart.state;
    if (privilege === PRIVILEGE.machine) return true;
    const mstatus = this.#words[WORD.mstatus];
    if (id === ID.wfi) {
      // With S mode, U mode may only wait for a bounded time: not at all.
      return (mstatus & MSTATUS.tw) === 0 && (xlen === 32 || privilege === PRIVILEGE.supervisor);
    }
    if (id === ID.mret || privilege === PRIVILEGE.user) return false;
    return (mstatus & (id === ID.sret ? MSTATUS.tsr : MSTATUS.tvm)) === 0;
  }

  #privileged(word: number): VmExitReason | undefined {
    const hart = this.#hart;
    switch (word & OPERATION_MASK) {
      case ID.mret:
        hart.returnFromMachine();
        return undefined;
      case ID.sret:
        hart.returnFromSupervisor();
        return undefined;
      case ID.wfi:
        hart.state.retire(word);
        return awaitingInterrupts(hart.state) === 0 ? 'wfi' : undefined;
      default: {
        const rs1 = (word >>> SLOT.rs1Shift) & SLOT.registerMask;
        if (rs1 === 0) hart.mmu.tlb.flushTranslated();
        else hart.mmu.tlb.flushPage(this.#words[2 * rs1]);
        return this.#retire(word);
      }
    }
  }

  #retire(word: number): undefined {
    this.#hart.state.retire(word);
    return undefined;
  }

  /** Ends the instruction with a result for its x or f register. */
  #retireWith(word: number, low: number, high: number): undefined {
    const rd = (word >>> SLOT.rdShift) & SLOT.registerMask;
    this.#words[2 * rd] = low;
    this.#words[2 * rd + 1] = high & this.#highMask;
    this.#hart.state.retire(word);
    return undefined;
  }

  #trap(cause: number, valueLow: number, valueHigh: number): undefined {
    this.#hart.raise(cause, valueLow, valueHigh);
    return undefined;
  }

  #illegal(bits: number): undefined {
    return this.#trap(CAUSE.illegalInstruction, bits, 0);
  }

  /** The second half of the instruction at pc cannot be fetched. */
  #fetchFault(): undefined {
    const hart = this.#hart;
    const { pc, pcHigh } = hart.state;
    const low = (pc + 2) | 0;
    const high = low === 0 ? pcHigh + 1 : pcHigh;
    hart.raiseFetchFault(hart.mmu.fetch(low, high), low, high);
    return undefined;
  }

  /** A page fault has the number of the access fault of its kind plus 8. */
  #accessTrap(result: number, accessFault: number): undefined {
    const { data } = this.#hart;
    const cause = result === ACCESS_RESULT.pageFault ? accessFault + (CAUSE.loadPage - CAUSE.loadAccess) : accessFault;
    return this.#trap(cause, data.faultLow, data.faultHigh);
  }

  /** rs1 + immediate; wraps at the width of the registers. */
  #setAddress(word: number, immediate: number): void {
    const rs1 = (word >>> SLOT.rs1Shift) & SLOT.registerMask;
    const base = this.#words[2 * rs1];
    const low = (base + immediate) | 0;
    this.#vaLow = low;
    if (this.#hart.xlen === 32) return;
    const carry = low >>> 0 < base >>> 0 ? 1 : 0;
    this.#vaHigh = (this.#words[2 * rs1 + 1] + (immediate >> 31) + carry) | 0;
  }

  #load(word: number, immediate: number): VmExitReason | undefined {
    const { data } = this.#hart;
    this.#setAddress(word, immediate);
    const size = loadSize(word & OPERATION_MASK);
    const result = data.load(this.#vaLow, this.#vaHigh, size);
    switch (result) {
      case ACCESS_RESULT.done:
        this.#deliver(word, data.valueLow, data.valueHigh);
        this.#widen(size);
        return undefined;
      case ACCESS_RESULT.outside:
        this.#describe(size, 0, 0);
        return 'mmio-read';
      default:
        return this.#accessTrap(result, CAUSE.loadAccess);
    }
  }

  #store(word: number, immediate: number): VmExitReason | undefined {
    const { data } = this.#hart;
    this.#setAddress(word, immediate);
    const size = storeSize(word & OPERATION_MASK);
    const rs2 = (word >>> SLOT.rs2Shift) & SLOT.registerMask;
    const low = this.#words[2 * rs2];
    const high = this.#words[2 * rs2 + 1];
    const result = data.store(this.#vaLow, this.#vaHigh, size, low, high);
    switch (result) {
      case ACCESS_RESULT.done:
        this.#hart.state.retire(word);
        this.#widen(size);
        return undefined;
      case ACCESS_RESULT.outside:
        this.#describe(size, size < 4 ? low & ((1 << (8 * size)) - 1) : low >>> 0, size === 8 ? high >>> 0 : 0);
        return 'mmio-write';
      default:
        return this.#accessTrap(result, CAUSE.storeAccess);
    }
  }

  /** An aligned access to RAM that came here was stopped by protection, not by its address: the next ones need not be. */
  #widen(size: number): void {
    if ((this.#vaLow & (size - 1)) === 0) this.#hart.mmu.openWindow(this.#hart.data.gpa);
  }

  #describe(size: number, value: number, valueHigh: number): void {
    this.exit.gpa = this.#hart.data.gpa;
    this.exit.size = size;
    this.exit.value = value;
    this.exit.valueHigh = valueHigh;
  }

  /** Ends a load with the bytes that it got. */
  #deliver(word: number, low: number, high: number): undefined {
    switch (word & OPERATION_MASK) {
      case ID.ld:
        return this.#retireWith(word, low, high);
      case ID.lwu:
        return this.#retireWith(word, low, 0);
      case ID.flw:
        this.#floatLoaded();
        return this.#retireWith(word, low, -1);
      case ID.fld:
        this.#floatLoaded();
        return this.#retireWith(word, low, high);
      default: {
        const extended = extendLoad(word & OPERATION_MASK, low);
        return this.#retireWith(word, extended, extended >> 31);
      }
    }
  }

  #floatLoaded(): void {
    this.#float.setDirty();
    this.#hart.mmu.floatChanged();
  }

  #atomic(word: number): undefined {
    const { atomics, xlen } = this.#hart;
    const id = word & OPERATION_MASK;
    const isDouble = id >= ID.lrD;
    const size = isDouble ? 8 : 4;
    const operation = isDouble ? id - ID.amoswapD : id - ID.amoswapW;
    const isLoad = id === ID.lrW || id === ID.lrD;
    const rs1 = (word >>> SLOT.rs1Shift) & SLOT.registerMask;
    const rs2 = (word >>> SLOT.rs2Shift) & SLOT.registerMask;
    const vaLow = this.#words[2 * rs1];
    const vaHigh = xlen === 64 ? this.#words[2 * rs1 + 1] : 0;
    const low = this.#words[2 * rs2];
    const high = this.#words[2 * rs2 + 1];
    let result: number;
    if (isLoad) result = atomics.loadReserved(vaLow, vaHigh, size);
    else if (operation < 0) result = atomics.storeConditional(vaLow, vaHigh, size, low, high);
    else result = atomics.modify(operation, vaLow, vaHigh, size, low, high);
    switch (result) {
      case ACCESS_RESULT.done:
        return this.#retireWith(word, atomics.valueLow, atomics.valueHigh);
      case ACCESS_RESULT.misaligned:
        return this.#trap(isLoad ? CAUSE.loadMisaligned : CAUSE.storeMisaligned, vaLow, vaHigh);
      default:
        return this.#accessTrap(result, isLoad ? CAUSE.loadAccess : CAUSE.storeAccess);
    }
  }

  #accessCsr(word: number, bits: number): undefined {
    const hart = this.#hart;
    const csr = bits >>> 20;
    const id = word & OPERATION_MASK;
    const kind = id >= ID.csrrwi ? id - ID.csrrwi : id - ID.csrrw;
    const source = (bits >>> 15) & 31;
    const isWrite = kind === 0 || source !== 0;
    const { csrs } = hart;
    if (!csrs.permits(csr, hart.state.privilege, isWrite) || !csrs.read(csr)) return this.#illegal(bits);
    const oldLow = csrs.valueLow;
    const oldHigh = csrs.valueHigh;
    if (!isWrite) return this.#retireWith(word, oldLow, oldHigh);
    const low = id >= ID.csrrwi ? source : this.#words[2 * source];
    const high = id >= ID.csrrwi ? 0 : this.#words[2 * source + 1] & this.#highMask;
    let effect: number;
    if (kind === 0) effect = csrs.write(csr, low, high, 0);
    else if (kind === 1) effect = csrs.write(csr, oldLow | low, oldHigh | high, ~low);
    else effect = csrs.write(csr, oldLow & ~low, oldHigh & ~high, ~low);
    hart.csrChanged(effect);
    return this.#retireWith(word, oldLow, oldHigh);
  }

  #floatingPoint(word: number, operand: number): VmExitReason | undefined {
    const id = word & OPERATION_MASK;
    const float = this.#float;
    if (!float.isOn) return this.#illegal(this.#bits(word));
    if (id === ID.flw || id === ID.fld) return this.#load(word, operand);
    if (id === ID.fsw || id === ID.fsd) return this.#store(word, operand);
    if (!float.execute(word, operand)) return this.#illegal(this.#bits(word));
    this.#hart.mmu.floatChanged();
    return this.#retire(word);
  }

  #bits(word: number): number {
    return this.#hart.instructionBits(2 + 2 * (word >>> SLOT.lengthShift));
  }

  /** Ends an `mmio-read` exit: the bytes reach the register, extended or boxed as the instruction says. */
  completeMmioRead(value: number, valueHigh = 0): void {
    this.#deliver(this.#complete('mmio-read'), value | 0, valueHigh | 0);
  }

  completeMmioWrite(): void {
    this.#hart.state.retire(this.#complete('mmio-write'));
  }

  /** Ends a `hypercall` exit: a0 = `error`, a1 = `value` unless that is undefined; integers below 2^53 in magnitude. */
  completeHypercall(error: number, value: number | undefined): void {
    const word = this.#complete('hypercall');
    this.#setArgument(A0, error);
    if (value !== undefined) this.#setArgument(A1, value);
    this.#hart.state.retire(word);
  }

  #setArgument(index: number, value: number): void {
    this.#words[index] = value;
    this.#words[index + 1] = Math.floor(value / TWO_32) & this.#highMask;
  }

  /** Ends an MMIO exit with a load or store access fault at the virtual address of the access. */
  completeAccessFault(): void {
    const isLoad = this.#awaited === 'mmio-read';
    this.#complete(isLoad ? 'mmio-read' : 'mmio-write');
    this.#hart.raise(isLoad ? CAUSE.loadAccess : CAUSE.storeAccess, this.#vaLow, this.#vaHigh);
  }

  /** The first slot word of the instruction whose exit ends now. */
  #complete(expected: VmExitReason): number {
    if (this.#awaited !== expected) {
      throw new VmmError('VMM_ENGINE', `No ${expected} exit waits to be completed.`);
    }
    this.#awaited = 'until';
    return this.#awaitedWord;
  }
}

function loadSize(id: number): number {
  if (id === ID.ld || id === ID.fld) return 8;
  return id === ID.lwu || id === ID.flw ? 4 : ACCESS_SIZE[id - ID.lb];
}

function storeSize(id: number): number {
  if (id === ID.sd || id === ID.fsd) return 8;
  return id === ID.fsw ? 4 : ACCESS_SIZE[id - ID.lb];
}

/** What an integer load of at most 32 bits makes of the bytes it got. */
function extendLoad(id: number, value: number): number {
  switch (id - ID.lb) {
    case 0:
      return (value << 24) >> 24;
    case 1:
      return (value << 16) >> 16;
    case 3:
      return value & 0xff;
    case 4:
      return value & 0xffff;
    default:
      return value | 0;
  }
}
