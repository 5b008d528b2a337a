/** Generates the interpreter: one WebAssembly function that executes decoded slots until something needs TypeScript. */

import { CODE_PAGE, HEAT } from '../cpu/code-page-layout.js';
import { OPERATION, SLOT } from '../cpu/decoded-slot.js';
import { STATE, TLB } from '../cpu/state-layout.js';
import type { Instruction } from '../isa/instruction-table.js';
import type { Code, Label } from '../wasm/code.js';
import { ModuleBuilder, type Signature } from '../wasm/module-builder.js';
import { MEMORY, OP, TYPE } from '../wasm/opcodes.js';
import { type InterpreterLocals, InterpreterOperands } from './interpreter-operands.js';
import { BRANCHES, semanticsOf } from './semantics/semantics.js';
import { WIDTH_32, WIDTH_64, type Width } from './semantics/width.js';

/** Why the generated function came back; pc and what is left of the budget are in the state area. */
export const STOP = {
  /** The budget is used up. */
  until: 0,
  /** The page of pc is not in the TLB's fetch set; or the budget was used up by a jump. */
  fetch: 1,
  /** The instruction in the decoded slot `STATE.slot` is not one for generated code. */
  slow: 2,
  /** pc, whose slot is in `STATE.slot`, was jumped to often enough to be translated. */
  hot: 3,
} as const;

/**
 * A region of translated code: takes its pc, what is left of the budget, and how deep regions have called each other;
 * returns the next pc. Everything else is in the state area.
 */
export function regionSignature(x: Width): Signature {
  return { parameters: [x.type, TYPE.i32, TYPE.i32], results: [x.type] };
}

export interface InterpreterModuleOptions {
  readonly xlen: 32 | 64;
  readonly instructions: readonly Instruction[];
  readonly ramBase: number;
  /** Places for regions; 0 leaves out counting and regions altogether. */
  readonly regions: number;
  /** Jumps that make their target hot; `HEAT.threshold` when absent. */
  readonly threshold?: number;
}

const PARAMETER = { slot: 0, left: 1 } as const;
/** Entries of the jump table; operations from here on are the slow path's. */
const OPERATIONS = OPERATION.slow;

/**
 * `run(slot, left)`: executes up to `left` instructions from pc, or from decoded `slot` (which holds the instruction at
 * pc) when that is not 0; answers a `STOP`. Exports the table of regions as `table`.
 */
export function buildInterpreterModule(options: InterpreterModuleOptions): Uint8Array<ArrayBuffer> {
  const builder = new ModuleBuilder();
  if (options.regions > 0) builder.table(options.regions);
  new InterpreterGenerator(builder, options).generate();
  return builder.encode();
}

class InterpreterGenerator {
  readonly #options: InterpreterModuleOptions;
  readonly #code: Code;
  readonly #x: Width;
  readonly #regionType: number;
  readonly #l: InterpreterLocals;
  readonly #pc: number;
  readonly #fetchSet: number;
  readonly #target: number;
  /** A region was entered and retired nothing: its first instruction is interpreted. */
  readonly #skip: number;

  constructor(builder: ModuleBuilder, options: InterpreterModuleOptions) {
    this.#options = options;
    const x = options.xlen === 32 ? WIDTH_32 : WIDTH_64;
    const code = builder.function({ parameters: [TYPE.i32, TYPE.i32], results: [TYPE.i32] }, 'run');
    this.#code = code;
    this.#x = x;
    this.#regionType = builder.type(regionSignature(x));
    this.#l = {
      slot: code.local(TYPE.i32),
      word: code.local(TYPE.i32),
      base: code.local(x.type),
      address: code.local(x.type),
      host: code.local(TYPE.i32),
      readSet: code.local(TYPE.i32),
      writeSet: code.local(TYPE.i32),
    };
    this.#pc = code.local(x.type);
    this.#fetchSet = code.local(TYPE.i32);
    this.#target = code.local(TYPE.i32);
    this.#skip = code.local(TYPE.i32);
  }

  generate(): void {
    const code = this.#code;
    this.#loadState();
    const slow = code.block();
    const until = code.block();
    const hot = code.block();
    const fetch = code.block();
    const jump = code.loop();
    code.get(PARAMETER.slot).op(OP.i32Eqz).if();
    this.#lookUp(fetch, hot, jump);
    code.else();
    code.get(PARAMETER.slot).set(this.#l.slot).i32(0).set(PARAMETER.slot);
    this.#setBase();
    code.end();
    this.#interpret(slow, until, jump);
    code.end().end();
    this.#leave(STOP.fetch, () => code.get(this.#pc));
    code.end();
    code.i32(STATE.slot).get(this.#l.slot).memory(MEMORY.i32Store, 0);
    this.#leave(STOP.hot, () => code.get(this.#pc));
    code.end();
    this.#leave(STOP.until, () => this.#pushPc());
    code.end();
    // The instruction has not retired.
    code.get(PARAMETER.left).i32(1).op(OP.i32Add).set(PARAMETER.left);
    code.i32(STATE.slot).get(this.#l.slot).memory(MEMORY.i32Store, 0);
    this.#leave(STOP.slow, () => this.#pushPc());
    code.op(OP.unreachable);
  }

  #loadState(): void {
    const code = this.#code;
    const load = (offset: number, local: number): void => void code.i32(offset).memory(MEMORY.i32Load, 0).set(local);
    load(STATE.tlbRead, this.#l.readSet);
    load(STATE.tlbWrite, this.#l.writeSet);
    load(STATE.tlbFetch, this.#fetchSet);
    code.i32(STATE.pc).memory(this.#x.load, 0).set(this.#pc);
  }

  #leave(stop: number, pushPc: () => void): void {
    const code = this.#code;
    code.i32(STATE.pc);
    pushPc();
    code.memory(this.#x.store, 0);
    code.i32(STATE.left).get(PARAMETER.left).memory(MEMORY.i32Store, 0);
    code.i32(stop).op(OP.return);
  }

  #pushPc(): void {
    const code = this.#code;
    code.get(this.#l.base).get(this.#l.slot).i32(2).op(OP.i32ShrU);
    this.#x.fromUnsigned(code);
    code.op(this.#x.add);
  }

  #setBase(): void {
    const code = this.#code;
    code.get(this.#pc).get(this.#l.slot).i32(2).op(OP.i32ShrU);
    this.#x.fromUnsigned(code);
    code.op(this.#x.sub).set(this.#l.base);
  }

  /** From pc to its slot, by the TLB's fetch set. */
  #lookUp(fetch: Label, hot: Label, jump: Label): void {
    const code = this.#code;
    const x = this.#x;
    code.get(PARAMETER.left).op(OP.i32Eqz).brIf(fetch);
    code.get(this.#pc);
    x.constant(code, 8);
    code.op(x.shrU);
    x.toWord(code);
    code
      .i32((TLB.entries - 1) * TLB.entryBytes)
      .op(OP.i32And)
      .get(this.#fetchSet)
      .op(OP.i32Add)
      .tee(this.#target);
    code.memory(x.load, 0).get(this.#pc);
    x.constant(code, -0x1000);
    code.op(x.and).op(x.ne).brIf(fetch);
    code.get(this.#target).memory(MEMORY.i32Load, TLB.addend).get(this.#pc);
    x.toWord(code);
    code.i32(0xffe).op(OP.i32And).i32(2).op(OP.i32Shl).op(OP.i32Add).set(this.#l.slot);
    this.#setBase();
    if (this.#options.regions > 0) this.#enterRegion(hot, jump);
  }

  /** Counts the jump to the slot, or calls the region that begins there. */
  #enterRegion(hot: Label, jump: Label): void {
    const code = this.#code;
    const heat = this.#l.word;
    const place = this.#l.host;
    code.get(this.#l.slot).i32(-CODE_PAGE.blockBytes).op(OP.i32And);
    code
      .get(this.#l.slot)
      .i32(CODE_PAGE.slotsBytes - 1)
      .op(OP.i32And)
      .i32(1)
      .op(OP.i32ShrU);
    code.op(OP.i32Add).tee(place).memory(MEMORY.i32Load, CODE_PAGE.heat).tee(heat).i32(0).op(OP.i32LtS);
    code.if();
    code.get(this.#skip).if();
    code.i32(0).set(this.#skip);
    code.else();
    code
      .get(this.#pc)
      .get(PARAMETER.left)
      .i32(0)
      .get(heat)
      .i32(HEAT.placeMask)
      .op(OP.i32And)
      .callIndirect(this.#regionType);
    code.set(this.#pc);
    code.i32(STATE.left).memory(MEMORY.i32Load, 0).tee(place).get(PARAMETER.left).op(OP.i32Eq).set(this.#skip);
    code.get(place).set(PARAMETER.left).br(jump);
    code.end();
    code.else();
    code.i32(0).set(this.#skip);
    const threshold = this.#options.threshold ?? HEAT.threshold;
    code.get(heat).i32(threshold).op(OP.i32LtU).if();
    code.get(place).get(heat).i32(1).op(OP.i32Add).tee(heat).memory(MEMORY.i32Store, CODE_PAGE.heat);
    code.get(heat).i32(threshold).op(OP.i32Eq);
    code.get(heat).i32(HEAT.learned).op(OP.i32Eq).i32(STATE.indirect).memory(MEMORY.i32Load, 0).i32(0).op(OP.i32Ne);
    code.op(OP.i32And).op(OP.i32Or).brIf(hot);
    code.end();
    code.i32(STATE.indirect).i32(0).memory(MEMORY.i32Store, 0);
    code.end();
  }

  #interpret(slow: Label, until: Label, jump: Label): void {
    const code = this.#code;
    const next = code.loop();
    code.get(PARAMETER.left).op(OP.i32Eqz).brIf(until);
    code.get(PARAMETER.left).i32(1).op(OP.i32Sub).set(PARAMETER.left);
    code.get(this.#l.slot).memory(MEMORY.i32Load, 0).set(this.#l.word);
    const handlers = this.#handlers(slow, next, jump);
    const operations = [...handlers.keys()];
    const labels = operations.map(() => code.block());
    const table = new Array<Label>(OPERATIONS).fill(slow);
    operations.forEach((operation, i) => {
      table[operation] = labels[labels.length - 1 - i];
    });
    code.get(this.#l.word).i32(SLOT.operationMask).op(OP.i32And).brTable(table, slow);
    for (const operation of operations) {
      code.end();
      handlers.get(operation)?.();
    }
    code.op(OP.unreachable);
    code.end();
  }

  /** By operation: what generates its handler, each ending with a branch. */
  #handlers(slow: Label, next: Label, jump: Label): Map<number, () => void> {
    const code = this.#code;
    const operands = new InterpreterOperands(code, this.#x, this.#l, slow, this.#options.ramBase);
    const advance = (): void => {
      code.get(this.#l.slot).i32(SLOT.bytes).get(this.#l.word).i32(SLOT.lengthShift).op(OP.i32ShrU).op(OP.i32Shl);
      code.op(OP.i32Add).set(this.#l.slot).br(next);
    };
    const handlers = new Map<number, () => void>();
    for (const { id, name } of this.#options.instructions) {
      if (handlers.has(id)) continue;
      const semantics = semanticsOf(name, this.#x.xlen);
      const condition = BRANCHES.get(name);
      if (semantics !== undefined) {
        handlers.set(id, () => {
          semantics(operands);
          advance();
        });
      } else if (condition !== undefined) {
        handlers.set(id, () => {
          operands.rs1();
          operands.rs2();
          code.op(condition(this.#x)).if();
          this.#jumpBy(operands, next, jump, true);
          code.end();
          advance();
        });
      } else if (name === 'jal') {
        handlers.set(id, () => {
          this.#link(operands);
          this.#jumpBy(operands, next, jump, false);
        });
      } else if (name === 'jalr') {
        handlers.set(id, () => {
          operands.rs1();
          operands.imm();
          code.op(this.#x.add);
          this.#x.constant(code, -2);
          code.op(this.#x.and).set(this.#pc);
          this.#link(operands);
          code.br(jump);
        });
      }
    }
    handlers.set(OPERATION.pageEnd, () => {
      code.get(PARAMETER.left).i32(1).op(OP.i32Add).set(PARAMETER.left);
      this.#pushPc();
      code.set(this.#pc).br(jump);
    });
    return handlers;
  }

  #link(operands: InterpreterOperands): void {
    operands.setRd(() => {
      operands.pc();
      operands.length();
      this.#code.op(this.#x.add);
    });
  }

  /** A jump by the immediate. Within the page the slot moves; counted jumps, to another page or to a region go by pc. */
  #jumpBy(operands: InterpreterOperands, next: Label, jump: Label, isBranch: boolean): void {
    const code = this.#code;
    const { slot } = this.#l;
    const isCounting = this.#options.regions > 0;
    if (!isCounting || isBranch) {
      code.get(slot);
      operands.immWord();
      code.i32(2).op(OP.i32Shl).op(OP.i32Add).tee(this.#target);
      code.get(slot).op(OP.i32Xor).i32(CODE_PAGE.slotsBytes).op(OP.i32LtU);
      if (isCounting) {
        operands.immWord();
        code.i32(0).op(OP.i32GeS).op(OP.i32And);
      }
      code.if();
      code.get(this.#target).set(slot).br(next);
      code.end();
    }
    this.#pushPc();
    operands.imm();
    code.op(this.#x.add).set(this.#pc).br(jump);
  }
}
