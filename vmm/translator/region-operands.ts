/** Operands as the translator has them: registers in locals, immediates known, memory by one comparison where all of RAM is open. */

import { FLOAT_READY, RAM_OFFSET, STATE, TLB } from '../cpu/state-layout.js';
import type { Operands } from '../engine/semantics/operands.js';
import type { Width } from '../engine/semantics/width.js';
import type { Code, Label } from '../wasm/code.js';
import { MEMORY, OP, TYPE } from '../wasm/opcodes.js';
import type { RegionInstruction } from './region.js';

/** What a region's code may take for granted about memory; another one is translated where that does not hold. */
export interface MemoryModel {
  /** All of RAM is open to loads and stores without translation. */
  readonly isOpen: boolean;
  readonly ramBase: number;
  readonly ramBytes: number;
  readonly codeStateOffset: number;
  /** The privilege mode in which all of RAM may be executed; the region is entered in no other one. */
  readonly privilege: number;
  /** Under translation: binary logarithm of the bytes that are mapped alike round the region; a page is 12. */
  readonly spanBits: number;
}

/** Registers of a region in locals, loaded at its entry and stored at its exits. */
export class RegisterLocals {
  readonly #x = new Map<number, number>();
  readonly #f = new Map<number, number>();
  readonly #writtenX = new Set<number>();
  readonly #writtenF = new Set<number>();

  constructor(
    readonly code: Code,
    readonly x: Width,
  ) {}

  /** The local of an x register that is not x0. */
  general(register: number, isWrite: boolean): number {
    if (isWrite) this.#writtenX.add(register);
    return this.#local(this.#x, register, this.x.type);
  }

  /** The local of an f register: an f64 whose bits are the register's. */
  float(register: number, isWrite: boolean): number {
    if (isWrite) this.#writtenF.add(register);
    return this.#local(this.#f, register, TYPE.f64);
  }

  load(): void {
    for (const [register, local] of this.#x) {
      this.code
        .i32(0)
        .memory(this.x.load, STATE.x + 8 * register)
        .set(local);
    }
    for (const [register, local] of this.#f) {
      this.code
        .i32(0)
        .memory(MEMORY.f64Load, STATE.f + 8 * register)
        .set(local);
    }
  }

  store(): void {
    for (const register of this.#writtenX) {
      this.code
        .i32(0)
        .get(this.general(register, false))
        .memory(this.x.store, STATE.x + 8 * register);
    }
    for (const register of this.#writtenF) {
      this.code
        .i32(0)
        .get(this.float(register, false))
        .memory(MEMORY.f64Store, STATE.f + 8 * register);
    }
  }

  #local(locals: Map<number, number>, register: number, type: Parameters<Code['local']>[0]): number {
    let local = locals.get(register);
    if (local === undefined) {
      local = this.code.local(type);
      locals.set(register, local);
    }
    return local;
  }
}

export class RegionOperands implements Operands {
  readonly memoryOffset: number;
  readonly physicalDifference: number;
  readonly #model: MemoryModel;
  readonly #registers: RegisterLocals;
  readonly #slow: Label;
  readonly #pushPc: (offset: number) => void;
  readonly #scratch = new Map<string, number>();
  readonly #address: number;
  readonly #host: number;
  readonly #readSet: number;
  readonly #writeSet: number;
  #instruction: RegionInstruction | undefined;
  /** What this block has made sure of already. */
  #floatReady = 0;

  constructor(
    readonly code: Code,
    readonly x: Width,
    model: MemoryModel,
    registers: RegisterLocals,
    slow: Label,
    pushPc: (offset: number) => void,
  ) {
    this.#model = model;
    this.#registers = registers;
    this.#slow = slow;
    this.#pushPc = pushPc;
    this.#address = code.local(x.type);
    this.#host = code.local(TYPE.i32);
    this.#readSet = code.local(TYPE.i32);
    this.#writeSet = code.local(TYPE.i32);
    this.memoryOffset = model.isOpen ? RAM_OFFSET : 0;
    this.physicalDifference = (model.isOpen ? model.ramBase : model.ramBase - RAM_OFFSET) | 0;
  }

  /** At the region's entry. */
  begin(): void {
    if (this.#model.isOpen) return;
    this.code.i32(STATE.tlbRead).memory(MEMORY.i32Load, 0).set(this.#readSet);
    this.code.i32(STATE.tlbWrite).memory(MEMORY.i32Load, 0).set(this.#writeSet);
  }

  /** At the beginning of every block. */
  beginBlock(): void {
    this.#floatReady = 0;
  }

  /** The instruction that is described next. */
  at(instruction: RegionInstruction): void {
    this.#instruction = instruction;
  }

  rs1(): void {
    this.#pushGeneral(this.#current.rs1);
  }

  rs2(): void {
    this.#pushGeneral(this.#current.rs2);
  }

  imm(): void {
    this.x.constant(this.code, this.#current.imm);
  }

  immWord(): void {
    this.code.i32(this.#current.imm);
  }

  pc(): void {
    this.#pushPc(this.#current.offset);
  }

  setRd(push: () => void): void {
    push();
    const { rd } = this.#current;
    if (rd === 0) this.code.op(OP.drop);
    else this.code.set(this.#registers.general(rd, true));
  }

  f1(): void {
    this.d1();
    this.code.op(OP.i64ReinterpretF64);
  }

  f2(): void {
    this.d2();
    this.code.op(OP.i64ReinterpretF64);
  }

  f3(): void {
    this.d3();
    this.code.op(OP.i64ReinterpretF64);
  }

  d1(): void {
    this.code.get(this.#registers.float(this.#current.rs1, false));
  }

  d2(): void {
    this.code.get(this.#registers.float(this.#current.rs2, false));
  }

  d3(): void {
    this.code.get(this.#registers.float(this.#current.rs3, false));
  }

  setFd(push: () => void): void {
    push();
    this.code.op(OP.f64ReinterpretI64).set(this.#registers.float(this.#current.rd, true));
  }

  setDouble(push: () => void): void {
    push();
    this.code.set(this.#registers.float(this.#current.rd, true));
  }

  access(bytes: number, isWrite: boolean, isAtomic = false): number {
    this.rs1();
    if (!isAtomic && this.#current.imm !== 0) {
      this.imm();
      this.code.op(this.x.add);
    }
    if (this.#model.isOpen) this.#accessOpen(bytes, isWrite, isAtomic);
    else this.#accessTranslated(bytes, isWrite, isAtomic);
    return this.#host;
  }

  slowIf(): void {
    this.code.brIf(this.#slow);
  }

  needFloat(nearest: boolean): void {
    const wanted = nearest ? FLOAT_READY.nearest : FLOAT_READY.dirty;
    if ((this.#floatReady & wanted) !== 0) return;
    this.#floatReady |= nearest ? FLOAT_READY.nearest | FLOAT_READY.dirty : FLOAT_READY.dirty;
    this.code.i32(STATE.floatReady).memory(MEMORY.i32Load, 0).i32(wanted).op(OP.i32And).op(OP.i32Eqz).brIf(this.#slow);
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

  get #current(): RegionInstruction {
    if (this.#instruction === undefined) throw new Error('no instruction is being described');
    return this.#instruction;
  }

  #pushGeneral(register: number): void {
    if (register === 0) this.x.constant(this.code, 0);
    else this.code.get(this.#registers.general(register, false));
  }

  /** The address is on the stack; its RAM offset goes into the host local. */
  #accessOpen(bytes: number, isWrite: boolean, isAtomic: boolean): void {
    const { code, x } = this;
    const { ramBase, ramBytes, codeStateOffset } = this.#model;
    x.constant(code, x.xlen === 32 ? ramBase | 0 : ramBase);
    code.op(x.sub).tee(this.#address);
    x.constant(code, ramBytes - bytes);
    code.op(x.gtU).brIf(this.#slow);
    code.get(this.#address);
    x.toWord(code);
    code.set(this.#host);
    if (isWrite) {
      code.get(this.#host).i32(12).op(OP.i32ShrU).memory(MEMORY.i32Load8U, codeStateOffset);
      // A misaligned store may reach into the next page, which nobody has asked about.
      if (bytes > 1)
        code
          .get(this.#host)
          .i32(bytes - 1)
          .op(OP.i32And)
          .op(OP.i32Or);
      code.brIf(this.#slow);
    } else if (isAtomic) {
      code
        .get(this.#host)
        .i32(bytes - 1)
        .op(OP.i32And)
        .brIf(this.#slow);
    }
  }

  #accessTranslated(bytes: number, isWrite: boolean, isAtomic: boolean): void {
    const { code, x } = this;
    const entry = this.scratch('i32', 7);
    code.tee(this.#address);
    x.constant(code, 8);
    code.op(x.shrU);
    x.toWord(code);
    code
      .i32((TLB.entries - 1) * TLB.entryBytes)
      .op(OP.i32And)
      .get(isWrite ? this.#writeSet : this.#readSet);
    code.op(OP.i32Add).tee(entry).memory(x.load, 0);
    code.get(this.#address);
    // The page of the last byte, so that what crosses into the next page misses.
    if (!isAtomic && bytes > 1) {
      x.constant(code, bytes - 1);
      code.op(x.add);
    }
    x.constant(code, isAtomic ? -0x1000 | (bytes - 1) : -0x1000);
    code.op(x.and).op(x.ne).brIf(this.#slow);
    code.get(this.#address);
    x.toWord(code);
    code.get(entry).memory(MEMORY.i32Load, TLB.addend).op(OP.i32Add).set(this.#host);
  }
}
