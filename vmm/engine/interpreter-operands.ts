/** Operands as the interpreter finds them: in the decoded slot, at run time. */

import { SLOT } from '../cpu/decoded-slot.js';
import { FLOAT_READY, RAM_OFFSET, STATE, TLB } from '../cpu/state-layout.js';
import type { Code, Label } from '../wasm/code.js';
import { MEMORY, OP, TYPE } from '../wasm/opcodes.js';
import type { Operands } from './semantics/operands.js';
import type { Width } from './semantics/width.js';

/** Byte offset of a register's slot: its number times 8, still masked. */
const REGISTER_BYTES = SLOT.registerMask << 3;

/** The interpreter's variables. */
export interface InterpreterLocals {
  /** Address of the slot that is executed. */
  readonly slot: number;
  /** First word of that slot. */
  readonly word: number;
  /** The instruction's address is this plus a quarter of `slot`. */
  readonly base: number;
  readonly address: number;
  readonly host: number;
  readonly readSet: number;
  readonly writeSet: number;
}

export class InterpreterOperands implements Operands {
  readonly memoryOffset = 0;
  readonly physicalDifference: number;
  readonly #scratch = new Map<string, number>();
  readonly #l: InterpreterLocals;
  readonly #slow: Label;

  constructor(
    readonly code: Code,
    readonly x: Width,
    locals: InterpreterLocals,
    slow: Label,
    ramBase: number,
  ) {
    this.#l = locals;
    this.#slow = slow;
    this.physicalDifference = (ramBase - RAM_OFFSET) | 0;
  }

  rs1(): void {
    this.#register(SLOT.rs1Shift);
    this.code.memory(this.x.load, 0);
  }

  rs2(): void {
    this.#register(SLOT.rs2Shift);
    this.code.memory(this.x.load, 0);
  }

  imm(): void {
    this.code.get(this.#l.slot).memory(this.x.xlen === 32 ? MEMORY.i32Load : MEMORY.i64Load32S, 4);
  }

  immWord(): void {
    this.code.get(this.#l.slot).memory(MEMORY.i32Load, 4);
  }

  pc(): void {
    this.code.get(this.#l.base).get(this.#l.slot).i32(2).op(OP.i32ShrU);
    this.x.fromUnsigned(this.code);
    this.code.op(this.x.add);
  }

  /** Pushes the length of the instruction in guest bytes, XLEN wide. */
  length(): void {
    this.code.i32(2).get(this.#l.word).i32(SLOT.lengthShift).op(OP.i32ShrU).op(OP.i32Shl);
    this.x.fromUnsigned(this.code);
  }

  setRd(push: () => void): void {
    this.#register(SLOT.rdShift);
    push();
    this.code.memory(this.x.store, 0);
  }

  f1(): void {
    this.#register(SLOT.rs1Shift);
    this.code.memory(MEMORY.i64Load, 0);
  }

  f2(): void {
    this.#register(SLOT.rs2Shift);
    this.code.memory(MEMORY.i64Load, 0);
  }

  f3(): void {
    this.#register3();
    this.code.memory(MEMORY.i64Load, 0);
  }

  d1(): void {
    this.#register(SLOT.rs1Shift);
    this.code.memory(MEMORY.f64Load, 0);
  }

  d2(): void {
    this.#register(SLOT.rs2Shift);
    this.code.memory(MEMORY.f64Load, 0);
  }

  d3(): void {
    this.#register3();
    this.code.memory(MEMORY.f64Load, 0);
  }

  setFd(push: () => void): void {
    this.#register(SLOT.rdShift);
    push();
    this.code.memory(MEMORY.i64Store, 0);
  }

  setDouble(push: () => void): void {
    this.#register(SLOT.rdShift);
    push();
    this.code.memory(MEMORY.f64Store, 0);
  }

  access(bytes: number, isWrite: boolean, isAtomic = false): number {
    const { code, x } = this;
    const { address, host } = this.#l;
    const entry = this.scratch('i32', 7);
    this.rs1();
    if (!isAtomic) {
      this.imm();
      code.op(x.add);
    }
    code.tee(address);
    x.constant(code, 8);
    code.op(x.shrU);
    x.toWord(code);
    code.i32((TLB.entries - 1) * TLB.entryBytes).op(OP.i32And);
    code
      .get(isWrite ? this.#l.writeSet : this.#l.readSet)
      .op(OP.i32Add)
      .tee(entry)
      .memory(x.load, 0);
    code.get(address);
    // The page of the last byte, so that what crosses into the next page misses.
    if (!isAtomic && bytes > 1) {
      x.constant(code, bytes - 1);
      code.op(x.add);
    }
    x.constant(code, isAtomic ? -0x1000 | (bytes - 1) : -0x1000);
    code.op(x.and).op(x.ne).brIf(this.#slow);
    code.get(address);
    x.toWord(code);
    code.get(entry).memory(MEMORY.i32Load, TLB.addend).op(OP.i32Add).set(host);
    return host;
  }

  slowIf(): void {
    this.code.brIf(this.#slow);
  }

  needFloat(nearest: boolean): void {
    const bit = nearest ? FLOAT_READY.nearest : FLOAT_READY.dirty;
    this.code.i32(STATE.floatReady).memory(MEMORY.i32Load, 0).i32(bit).op(OP.i32And).op(OP.i32Eqz).brIf(this.#slow);
  }

  scratch(type: 'x' | 'i32' | 'i64' | 'f32' | 'f64', number: number): number {
    const valueType = type === 'x' ? this.x.type : TYPE[type];
    const key = `${valueType}.${number}`;
    let local = this.#scratch.get(key);
    if (local === undefined) {
      local = this.code.local(valueType);
      this.#scratch.set(key, local);
    }
    return local;
  }

  /** rs3's slot number stands at bit 3 of the immediate, so its masked bits are its byte offset. */
  #register3(): void {
    this.immWord();
    this.code.i32(REGISTER_BYTES).op(OP.i32And);
  }

  #register(shift: number): void {
    this.code
      .get(this.#l.word)
      .i32(shift - 3)
      .op(OP.i32ShrU)
      .i32(REGISTER_BYTES)
      .op(OP.i32And);
  }
}
