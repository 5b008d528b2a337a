/** Generates one region's WebAssembly function: structured control flow, registers in locals, exact budget, shared side exit. */

import { STATE, TLB } from '../cpu/state-layout.js';
import { BRANCHES, semanticsOf } from '../engine/semantics/semantics.js';
import { WIDTH_32, WIDTH_64, type Width } from '../engine/semantics/width.js';
import { FORMATS, type Format, type RegisterField } from '../isa/format.js';
import type { Code, Label } from '../wasm/code.js';
import { MEMORY, OP, TYPE } from '../wasm/opcodes.js';
import { ControlFlow, type Node } from './control-flow.js';
import type { Region, RegionInstruction, Terminator } from './region.js';
import { type MemoryModel, RegionOperands, RegisterLocals } from './region-operands.js';

/** Calls of regions within regions go this deep; deeper ones return to the dispatcher first. */
const MOST_DEPTH = 128;

const PAGE_BITS = 12;

/** Link registers by the calling convention. */
const RA = 1;
const T0 = 5;

/** Parameters of a region's inner function: pc, what is left of the budget, depth of calls. */
const PARAMETER = { pc: 0, left: 1, depth: 2 } as const;

export interface RegionCodeOptions {
  readonly xlen: 32 | 64;
  readonly model: MemoryModel;
  /** Where the heat of the region's entry is counted. */
  readonly heatAddress: number;
  /** Number of the indirect jump at a RAM offset, not 0. */
  readonly siteOf: (offset: number) => number;
  /** Number of the function that runs the region at a RAM offset of the same module; undefined when there is none. */
  readonly functionOf: (target: number) => number | undefined;
}

/** One region on its way into a function. */
export class RegionCode {
  readonly #code: Code;
  readonly #region: Region;
  readonly #options: RegionCodeOptions;
  readonly #x: Width;
  readonly #flow: ControlFlow;
  readonly #registers: RegisterLocals;
  readonly #costs: Int32Array;
  /** Where control may be passed to at this point: open loops and merge points. */
  readonly #labels = new Map<Node, Label>();
  readonly #pcOut: number;
  readonly #exitDelta: number;
  readonly #back: number;
  /** The indirect jump by which the region is left; 0 for any other way. */
  readonly #site: number;
  #operands!: RegionOperands;
  #exit: Label = 0;

  constructor(code: Code, region: Region, options: RegionCodeOptions) {
    this.#code = code;
    this.#region = region;
    this.#options = options;
    this.#x = options.xlen === 32 ? WIDTH_32 : WIDTH_64;
    this.#flow = new ControlFlow(region, (target) => options.functionOf(target) !== undefined);
    this.#registers = new RegisterLocals(code, this.#x);
    this.#costs = pathCosts(this.#flow);
    this.#pcOut = code.local(this.#x.type);
    this.#exitDelta = code.local(TYPE.i32);
    this.#back = code.local(TYPE.i32);
    this.#site = code.local(TYPE.i32);
    this.#nameRegisters();
  }

  generate(): void {
    const code = this.#code;
    const x = this.#x;
    this.#checkModel();
    this.#registers.load();
    this.#exit = code.block();
    const side = code.block();
    this.#operands = new RegionOperands(code, x, this.#options.model, this.#registers, side, (at) => this.#pushPc(at));
    this.#operands.begin();
    this.#tree(this.#flow.nodes[0]);
    code.op(OP.unreachable).end();
    code.get(PARAMETER.pc).get(this.#exitDelta);
    x.fromWord(code);
    code.op(x.add).set(this.#pcOut);
    code.get(PARAMETER.left).get(this.#back).op(OP.i32Add).set(PARAMETER.left);
    code.end();
    this.#registers.store();
    code.i32(STATE.left).get(PARAMETER.left).memory(MEMORY.i32Store, 0);
    code.i32(STATE.indirect).get(this.#site).memory(MEMORY.i32Store, 0);
    code.get(this.#pcOut);
  }

  /** Locals must exist before the entry loads them. */
  #nameRegisters(): void {
    for (const { block } of this.#flow.nodes) {
      for (const instruction of block.body) this.#nameOperands(instruction);
      const { terminator } = block;
      if ('instruction' in terminator) this.#nameOperands(terminator.instruction);
    }
  }

  #nameOperands(instruction: RegionInstruction): void {
    const format: Format = FORMATS[instruction.row.format];
    this.#name(format.rd, instruction.rd, true);
    this.#name(format.rs1, instruction.rs1, false);
    this.#name(format.rs2, instruction.rs2, false);
    this.#name(format.rs3, instruction.rs3, false);
  }

  #name(field: RegisterField | undefined, register: number, isWrite: boolean): void {
    if (field === undefined) return;
    if (field.file === 'f') this.#registers.float(register, isWrite);
    else if (register !== 0) this.#registers.general(register, isWrite);
  }

  /** Returns at once, having retired nothing, when memory is not as the region was made for; it may then be made anew. */
  #checkModel(): void {
    const code = this.#code;
    const { isOpen, spanBits } = this.#options.model;
    if (!isOpen && spanBits <= PAGE_BITS) return;
    if (isOpen) this.#pushNotOpen();
    else this.#pushOtherSpan();
    code.if();
    code.i32(this.#options.heatAddress).i32(0).memory(MEMORY.i32Store, 0);
    code.i32(STATE.left).get(PARAMETER.left).memory(MEMORY.i32Store, 0).get(PARAMETER.pc).op(OP.return).end();
  }

  #pushNotOpen(): void {
    const { ramBytes, privilege } = this.#options.model;
    this.#code.i32(STATE.openBytes).memory(MEMORY.i32Load, 0).i32(ramBytes).op(OP.i32Ne);
    this.#code.i32(STATE.privilege).memory(MEMORY.i32Load, 0).i32(privilege).op(OP.i32Ne).op(OP.i32Or);
  }

  /** Whether pc is mapped by a smaller page than the region counts on; a caller in the same module has asked already. */
  #pushOtherSpan(): void {
    const code = this.#code;
    const x = this.#x;
    code.get(PARAMETER.depth).op(OP.i32Eqz).if(TYPE.i32);
    code.get(PARAMETER.pc);
    x.constant(code, 8);
    code.op(x.shrU);
    x.toWord(code);
    code
      .i32((TLB.entries - 1) * TLB.entryBytes)
      .op(OP.i32And)
      .i32(STATE.tlbFetch)
      .memory(MEMORY.i32Load, 0);
    code.op(OP.i32Add).memory(MEMORY.i32Load, TLB.span).i32(this.#options.model.spanBits).op(OP.i32LtU);
    code.else().i32(0).end();
  }

  #pushPc(offset: number): void {
    const delta = offset - this.#region.entry;
    this.#code.get(PARAMETER.pc);
    if (delta === 0) return;
    this.#x.constant(this.#code, delta);
    this.#code.op(this.#x.add);
  }

  /** A node and all it dominates. */
  #tree(node: Node): void {
    const code = this.#code;
    const merges = node.dominated.filter((child) => child.forwardEdges > 1);
    if (node.isLoopHeader) this.#labels.set(node, code.loop());
    for (let i = merges.length - 1; i >= 0; i--) this.#labels.set(merges[i], code.block());
    this.#node(node);
    for (const merge of merges) {
      code.end();
      this.#labels.delete(merge);
      this.#tree(merge);
    }
    if (node.isLoopHeader) {
      code.end();
      this.#labels.delete(node);
    }
  }

  #node(node: Node): void {
    const code = this.#code;
    const { block } = node;
    if (this.#isCheckPoint(node)) {
      code.get(PARAMETER.left).i32(this.#costs[node.order]).op(OP.i32LtS).if();
      this.#leaveTo(block.offset);
      code.end();
    }
    if (block.count > 0) code.get(PARAMETER.left).i32(block.count).op(OP.i32Sub).set(PARAMETER.left);
    this.#operands.beginBlock();
    block.body.forEach((instruction, i) => {
      code.i32(instruction.offset - this.#region.entry).set(this.#exitDelta);
      code.i32(block.count - i).set(this.#back);
      this.#operands.at(instruction);
      semanticsOf(instruction.row.name, this.#options.xlen)?.(this.#operands);
    });
    this.#terminate(node, block.terminator);
  }

  /** The entry, loop headers and returns from calls make sure of what is left of the budget. */
  #isCheckPoint(node: Node): boolean {
    return node.order === 0 || node.isLoopHeader || this.#followsCall(node);
  }

  #followsCall(node: Node): boolean {
    return isAfterCall(this.#flow, node);
  }

  #terminate(node: Node, terminator: Terminator): void {
    const code = this.#code;
    switch (terminator.kind) {
      case 'jump':
        this.#pass(node, terminator.target);
        break;
      case 'branch':
        this.#operands.at(terminator.instruction);
        this.#operands.rs1();
        this.#operands.rs2();
        code.op(BRANCHES.get(terminator.instruction.row.name)?.(this.#x) ?? OP.unreachable);
        code.if();
        this.#pass(node, terminator.taken);
        code.else();
        this.#pass(node, terminator.next);
        code.end();
        // Both arms have branched away.
        code.op(OP.unreachable);
        break;
      case 'call':
        this.#link(terminator.instruction, terminator.next);
        this.#call(node, terminator.target, terminator.next);
        break;
      case 'indirect':
        this.#operands.at(terminator.instruction);
        this.#operands.rs1();
        this.#operands.imm();
        code.op(this.#x.add);
        this.#x.constant(code, -2);
        code.op(this.#x.and).set(this.#pcOut);
        this.#link(terminator.instruction, terminator.instruction.offset + terminator.instruction.length);
        this.#leaveIndirectly(node, terminator.instruction, terminator.targets);
        break;
      case 'leave':
        this.#leaveTo(terminator.target);
        break;
    }
  }

  /** To one of the known targets, or out of the region; returns are nobody's targets. */
  #leaveIndirectly(node: Node, { rd, rs1, offset }: RegionInstruction, targets: readonly number[]): void {
    const code = this.#code;
    if (rd !== 0 || rs1 === RA || rs1 === T0) {
      code.br(this.#exit);
      return;
    }
    const inside = targets.filter((target) => this.#flow.successor(node, target) !== undefined).sort((a, b) => a - b);
    this.#choose(node, inside);
    code.i32(this.#options.siteOf(offset)).set(this.#site).br(this.#exit);
  }

  /** Passes control to that one of `targets`, which ascend, that is in `pcOut`; goes on behind when none is. */
  #choose(node: Node, targets: readonly number[]): void {
    const code = this.#code;
    if (targets.length <= 3) {
      for (const target of targets) {
        code.get(this.#pcOut);
        this.#pushPc(target);
        code.op(this.#x.eq).if();
        this.#pass(node, target);
        code.end();
      }
      return;
    }
    const middle = targets.length >> 1;
    code.get(this.#pcOut);
    this.#pushPc(targets[middle]);
    code.op(this.#x.ltU).if();
    this.#choose(node, targets.slice(0, middle));
    code.else();
    this.#choose(node, targets.slice(middle));
    code.end();
  }

  #link(instruction: RegionInstruction, next: number): void {
    if (instruction.rd === 0) return;
    this.#pushPc(next);
    this.#code.set(this.#registers.general(instruction.rd, true));
  }

  #call(node: Node, target: number, next: number): void {
    const code = this.#code;
    const x = this.#x;
    const callee = this.#options.functionOf(target);
    if (callee === undefined) {
      this.#leaveTo(target);
      return;
    }
    code.get(PARAMETER.depth).i32(MOST_DEPTH).op(OP.i32GeU).if();
    this.#leaveTo(target);
    code.end();
    this.#registers.store();
    this.#pushPc(target);
    code.get(PARAMETER.left).get(PARAMETER.depth).i32(1).op(OP.i32Add).call(callee).tee(this.#pcOut);
    this.#pushPc(next);
    code.op(x.ne).if();
    // The callee did not come to its end: state and budget are in memory already.
    code.get(this.#pcOut).op(OP.return).end();
    code.i32(STATE.left).memory(MEMORY.i32Load, 0).set(PARAMETER.left);
    this.#registers.load();
    this.#pass(node, next);
  }

  /** Control passes to RAM offset `target`: within the region where it can. */
  #pass(from: Node, target: number): void {
    const node = this.#flow.successor(from, target);
    if (node === undefined) {
      this.#leaveTo(target);
      return;
    }
    const label = this.#labels.get(node);
    if (label === undefined) this.#tree(node);
    else this.#code.br(label);
  }

  #leaveTo(target: number): void {
    this.#pushPc(target);
    this.#code.set(this.#pcOut).br(this.#exit);
  }
}

function isAfterCall(flow: ControlFlow, node: Node): boolean {
  return flow.nodes.some(
    ({ block, successors }) =>
      block.terminator.kind === 'call' && block.terminator.next === node.block.offset && successors.includes(node),
  );
}

/** By order: the most instructions that retire from a node up to the next check point or exit. */
function pathCosts(flow: ControlFlow): Int32Array {
  const costs = new Int32Array(flow.nodes.length);
  for (let i = flow.nodes.length - 1; i >= 0; i--) {
    const node = flow.nodes[i];
    let onward = 0;
    for (const successor of node.successors) {
      if (successor.order <= i || successor.isLoopHeader || isAfterCall(flow, successor)) continue;
      onward = Math.max(onward, costs[successor.order]);
    }
    costs[i] = node.block.count + onward;
  }
  return costs;
}
