/** Floating-point computation in the slow path: registers, boxing, rounding mode and flags round `SoftFloat` (Unprivileged 20191213, chapters 11 and 12). */

import { SLOT } from '../cpu/decoded-slot.js';
import { boxSingle, classify, type FloatWidth, formatOf, unboxSingle } from '../fpu/float-format.js';
import { SoftFloat } from '../fpu/soft-float.js';
import { type HartState, MSTATUS, WORD } from './hart-state.js';
import { ID, OPERATION_MASK, TWIN_OF_D } from './operations.js';

const RM_MASK = 7;
const DYNAMIC = 7;
const LAST_MODE = 4;
const FRM_SHIFT = 5;
const RS3_SHIFT = 3;

/** Executes what is neither load nor store. Its bigints are the only allocation on the path of an instruction. */
export class FloatUnit {
  readonly #state: HartState;
  readonly #registers: BigUint64Array;
  readonly #soft = new SoftFloat();
  /** The instruction at work. */
  #word = 0;
  #operand = 0;
  #width: FloatWidth = 64;
  #rm = 0;

  constructor(state: HartState) {
    this.#state = state;
    this.#registers = state.registers;
  }

  /** mstatus.FS is not Off. */
  get isOn(): boolean {
    return (this.#state.words[WORD.mstatus] & MSTATUS.fs) !== 0;
  }

  setDirty(): void {
    this.#state.words[WORD.mstatus] |= MSTATUS.fs;
  }

  /**
   * Executes the instruction of a decoded slot, all but its retirement, and sets FS to Dirty when it changed an f
   * register or `fflags`. False, with nothing done, when its rounding mode is reserved.
   */
  execute(word: number, operand: number): boolean {
    const rm = operand & RM_MASK;
    this.#rm = rm === DYNAMIC ? this.#state.words[WORD.fcsr] >>> FRM_SHIFT : rm;
    if (this.#rm > LAST_MODE) return false;
    const id = word & OPERATION_MASK;
    const isDouble = id >= ID.fld;
    this.#word = word;
    this.#operand = operand;
    this.#width = isDouble ? 64 : 32;
    this.#soft.flags = 0;
    if (id >= ID.fcvtSD) this.#convertFormat(id);
    else this.#compute(isDouble ? id - TWIN_OF_D : id);
    if (this.#soft.flags !== 0) {
      this.#state.words[WORD.fcsr] |= this.#soft.flags;
      this.setDirty();
    }
    return true;
  }

  /** By the number of the twin in F. */
  #compute(id: number): void {
    if (id <= ID.fnmaddS) this.#fused(id);
    else if (id <= ID.fmaxS) this.#setF(this.#arithmetic(id));
    else if (id <= ID.fcvtWuS || id === ID.fcvtLS || id === ID.fcvtLuS) this.#toInteger(id);
    else if (id === ID.fmvXW) this.#setX(this.#moved());
    else if (id <= ID.fclassS) this.#setX(this.#compare(id));
    else if (id === ID.fmvWX) this.#setF(BigInt.asUintN(this.#width, this.#register(SLOT.rs1Shift)));
    else this.#fromInteger(id);
  }

  #fused(id: number): void {
    const { signBit } = formatOf(this.#width);
    const flipsProduct = id === ID.fnmsubS || id === ID.fnmaddS;
    const flipsAddend = id === ID.fmsubS || id === ID.fnmaddS;
    const a = flipsProduct ? this.#a ^ signBit : this.#a;
    const c = this.#unboxed(this.#registers[(this.#operand >>> RS3_SHIFT) & SLOT.registerMask]);
    this.#setF(this.#soft.fusedMultiplyAdd(a, this.#b, flipsAddend ? c ^ signBit : c, this.#width, this.#rm));
  }

  #arithmetic(id: number): bigint {
    const width = this.#width;
    const soft = this.#soft;
    switch (id) {
      case ID.faddS:
        return soft.add(this.#a, this.#b, width, this.#rm);
      case ID.fsubS:
        return soft.sub(this.#a, this.#b, width, this.#rm);
      case ID.fmulS:
        return soft.mul(this.#a, this.#b, width, this.#rm);
      case ID.fdivS:
        return soft.div(this.#a, this.#b, width, this.#rm);
      case ID.fsqrtS:
        return soft.sqrt(this.#a, width, this.#rm);
      case ID.fminS:
        return soft.min(this.#a, this.#b, width);
      case ID.fmaxS:
        return soft.max(this.#a, this.#b, width);
      default:
        return this.#injectSign(id);
    }
  }

  #injectSign(id: number): bigint {
    const { signBit } = formatOf(this.#width);
    const a = this.#a;
    const sign = this.#b & signBit;
    if (id === ID.fsgnjxS) return a ^ sign;
    return (a & ~signBit) | (id === ID.fsgnjS ? sign : sign ^ signBit);
  }

  #compare(id: number): bigint {
    switch (id) {
      case ID.feqS:
        return this.#soft.eq(this.#a, this.#b, this.#width) ? 1n : 0n;
      case ID.fltS:
        return this.#soft.lt(this.#a, this.#b, this.#width) ? 1n : 0n;
      case ID.fleS:
        return this.#soft.le(this.#a, this.#b, this.#width) ? 1n : 0n;
      default:
        return BigInt(classify(this.#a, this.#width));
    }
  }

  #toInteger(id: number): void {
    const intWidth = id >= ID.fcvtLS ? 64 : 32;
    const isSigned = id === ID.fcvtWS || id === ID.fcvtLS;
    const value = this.#soft.toInt(this.#a, this.#width, intWidth, isSigned, this.#rm);
    this.#setX(BigInt.asIntN(intWidth, value));
  }

  #fromInteger(id: number): void {
    const intWidth = id >= ID.fcvtSL ? 64 : 32;
    const isSigned = id === ID.fcvtSW || id === ID.fcvtSL;
    const value = this.#register(SLOT.rs1Shift);
    this.#setF(this.#soft.fromInt(value, intWidth, isSigned, this.#width, this.#rm));
  }

  #convertFormat(id: number): void {
    const from = id === ID.fcvtSD ? 64 : 32;
    this.#width = from;
    const a = this.#a;
    this.#width = from === 64 ? 32 : 64;
    this.#setF(this.#soft.convert(a, from, this.#width, this.#rm));
  }

  /** FMV.X.W and FMV.X.D move bits, boxed or not. */
  #moved(): bigint {
    return BigInt.asIntN(this.#width, this.#register(SLOT.rs1Shift));
  }

  #register(shift: number): bigint {
    return this.#registers[(this.#word >>> shift) & SLOT.registerMask];
  }

  get #a(): bigint {
    return this.#unboxed(this.#register(SLOT.rs1Shift));
  }

  get #b(): bigint {
    return this.#unboxed(this.#register(SLOT.rs2Shift));
  }

  #unboxed(bits: bigint): bigint {
    return this.#width === 32 ? unboxSingle(bits) : bits;
  }

  #setF(bits: bigint): void {
    this.#registers[(this.#word >>> SLOT.rdShift) & SLOT.registerMask] = this.#width === 32 ? boxSingle(bits) : bits;
    this.setDirty();
  }

  /** The low 64 bits of a signed value. */
  #setX(value: bigint): void {
    this.#registers[(this.#word >>> SLOT.rdShift) & SLOT.registerMask] = BigInt.asUintN(64, value);
  }
}
