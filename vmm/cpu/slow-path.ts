/** The instructions that the hot loop leaves: system, atomic, and every access that needs a check or a device. */

import { CSR_EFFECT, NO_CSR } from './csr-file.js';
import { ACCESS_RESULT } from './data-path.js';
import { ID, LENGTH_SHIFT, OP, REGISTER_MASK, RS1_SHIFT, RS2_SHIFT } from './decoded-code.js';
import type { Hart } from './hart.js';
import { MSTATUS, PRIVILEGE, WORD } from './hart-state.js';
import { awaitingInterrupts, CAUSE } from './traps.js';
import type { VmExit, VmExitReason } from './vcpu.js';

/** Bytes of the loads and stores, in the order of their numbers from `lb`. */
const ACCESS_SIZE: readonly number[] = [1, 2, 4, 1, 2, 1, 2, 4];

/** The exit that a vCPU hands out again and again. */
export class ReusedExit implements VmExit {
  reason: VmExitReason = 'until';
  gpa = 0;
  size = 0;
  value = 0;
  valueHigh = 0;
}

/** What a load instruction makes of the bytes it got. */
export function extendLoad(id: number, value: number): number {
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

/** Conditions in the order of the branches' numbers from `beq`. */
function isTaken(branch: number, a: number, b: number): boolean {
  switch (branch) {
    case 0:
      return a === b;
    case 1:
      return a !== b;
    case 2:
      return a < b;
    case 3:
      return a >= b;
    case 4:
      return a >>> 0 < b >>> 0;
    default:
      return a >>> 0 >= b >>> 0;
  }
}

/**
 * Executes one instruction, given as the two words of its decoded slot, at the hart's pc: it retires, or traps, or needs
 * an exit, whose reason is returned and whose other fields are in `exit`.
 */
export class SlowPath {
  readonly exit = new ReusedExit();
  readonly #hart: Hart;
  readonly #hypercalls: boolean;

  constructor(hart: Hart, hypercalls: boolean) {
    this.#hart = hart;
    this.#hypercalls = hypercalls;
  }

  execute(word: number, operand: number): VmExitReason | undefined {
    const op = word & 255;
    if (op >= ID.lb && op <= ID.lhu) return this.#load(word, operand);
    if (op >= ID.sb && op <= ID.sw) return this.#store(word, operand);
    if (op >= ID.csrrw && op <= ID.csrrci) return this.#accessCsr(word, operand);
    if (op >= ID.lr && op <= ID.amomaxu) return this.#atomic(word);
    if (op >= OP.far) return this.#farJump(word, operand);
    return this.#system(word, operand);
  }

  #system(word: number, operand: number): VmExitReason | undefined {
    const hart = this.#hart;
    const isMachine = hart.state.privilege === PRIVILEGE.machine;
    switch (word & 255) {
      case ID.fence:
        // A sequentially consistent operation, so that this thread's loads and stores keep their order for others.
        Atomics.load(hart.words, WORD.mip);
        hart.retire(word);
        return undefined;
      case ID.fenceI:
        hart.synchronizeCode();
        hart.retire(word);
        return undefined;
      case ID.ecall:
        if (isMachine && this.#hypercalls) return 'hypercall';
        return this.#trap(isMachine ? CAUSE.ecallFromMachine : CAUSE.ecallFromUser, 0);
      case ID.ebreak:
        return this.#trap(CAUSE.breakpoint, hart.words[WORD.pc]);
      case ID.mret:
        if (!isMachine) return this.#trap(CAUSE.illegalInstruction, operand);
        hart.returnFromTrap();
        return undefined;
      case ID.wfi:
        if (!isMachine && (hart.words[WORD.mstatus] & MSTATUS.tw) !== 0) {
          return this.#trap(CAUSE.illegalInstruction, operand);
        }
        hart.retire(word);
        return awaitingInterrupts(hart.state) === 0 ? 'wfi' : undefined;
      case OP.fetchFault:
        return this.#trap(CAUSE.fetchAccess, operand);
      default:
        return this.#trap(CAUSE.illegalInstruction, operand);
    }
  }

  #trap(cause: number, value: number): undefined {
    this.#hart.raise(cause, value);
    return undefined;
  }

  #load(word: number, operand: number): VmExitReason | undefined {
    const { data } = this.#hart;
    const gpa = this.#address(word, operand);
    const size = ACCESS_SIZE[(word & 255) - ID.lb];
    switch (data.load(gpa, size)) {
      case ACCESS_RESULT.done:
        this.#hart.retire(word, extendLoad(word & 255, data.value));
        this.#widen(gpa, size);
        return undefined;
      case ACCESS_RESULT.outside:
        this.#describe(gpa, size, 0);
        return 'mmio-read';
      default:
        return this.#trap(CAUSE.loadAccess, data.faultGpa);
    }
  }

  #store(word: number, operand: number): VmExitReason | undefined {
    const { data, words } = this.#hart;
    const gpa = this.#address(word, operand);
    const size = ACCESS_SIZE[(word & 255) - ID.lb];
    const stored = words[(word >> RS2_SHIFT) & REGISTER_MASK];
    const value = size === 4 ? stored >>> 0 : stored & (size === 2 ? 0xffff : 0xff);
    switch (data.store(gpa, size, value)) {
      case ACCESS_RESULT.done:
        this.#hart.retire(word);
        this.#widen(gpa, size);
        return undefined;
      case ACCESS_RESULT.outside:
        this.#describe(gpa, size, value);
        return 'mmio-write';
      default:
        return this.#trap(CAUSE.storeAccess, data.faultGpa);
    }
  }

  /** An aligned access to RAM that came here was stopped by protection, not by its address: the next ones need not be. */
  #widen(gpa: number, size: number): void {
    if ((gpa & (size - 1)) === 0) this.#hart.openWindow(gpa);
  }

  #describe(gpa: number, size: number, value: number): void {
    this.exit.gpa = gpa;
    this.exit.size = size;
    this.exit.value = value;
  }

  #address(word: number, operand: number): number {
    const { memory, words } = this.#hart;
    return (words[(word >> RS1_SHIFT) & REGISTER_MASK] + operand + memory.ramBase) >>> 0;
  }

  #atomic(word: number): undefined {
    const { data, words } = this.#hart;
    const id = word & 255;
    const gpa = words[(word >> RS1_SHIFT) & REGISTER_MASK] >>> 0;
    const operand = words[(word >> RS2_SHIFT) & REGISTER_MASK];
    let result: number;
    if (id === ID.lr) result = data.loadReserved(gpa);
    else if (id === ID.sc) result = data.storeConditional(gpa, operand);
    else result = data.modify(id, gpa, operand);
    switch (result) {
      case ACCESS_RESULT.done:
        this.#hart.retire(word, data.value);
        return undefined;
      case ACCESS_RESULT.misaligned:
        return this.#trap(id === ID.lr ? CAUSE.loadMisaligned : CAUSE.storeMisaligned, gpa);
      default:
        return this.#trap(id === ID.lr ? CAUSE.loadAccess : CAUSE.storeAccess, data.faultGpa);
    }
  }

  #accessCsr(word: number, bits: number): undefined {
    const hart = this.#hart;
    const csr = bits >>> 20;
    const kind = ((word & 255) - ID.csrrw) % 3;
    const isImmediate = (word & 255) - ID.csrrw >= 3;
    const source = (word >> RS1_SHIFT) & REGISTER_MASK;
    const value = isImmediate ? source >> 1 : hart.words[source];
    const isWrite = kind === 0 || source !== 0;
    const old = hart.csrs.permits(csr, hart.state.privilege, isWrite) ? hart.csrs.read(csr) : NO_CSR;
    if (old === NO_CSR) return this.#trap(CAUSE.illegalInstruction, bits);
    if (isWrite) {
      const next = kind === 0 ? value : kind === 1 ? old | value : old & ~value;
      const effect = hart.csrs.write(csr, next, kind === 0 ? 0 : ~value);
      if (effect === CSR_EFFECT.dataAccess) hart.dataAccessChanged();
      else if (effect === CSR_EFFECT.protection) hart.protectionChanged();
    }
    hart.retire(word, old);
    return undefined;
  }

  #farJump(word: number, operand: number): undefined {
    const { words } = this.#hart;
    const id = (word & 255) - OP.far;
    const pc = words[WORD.pc];
    const a = words[(word >> RS1_SHIFT) & REGISTER_MASK];
    const b = words[(word >> RS2_SHIFT) & REGISTER_MASK];
    this.#hart.retire(word, pc + (word >>> LENGTH_SHIFT));
    if (id === ID.jal || isTaken(id - ID.beq, a, b)) words[WORD.pc] = pc + operand;
    return undefined;
  }
}
