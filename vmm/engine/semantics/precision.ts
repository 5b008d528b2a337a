/** Single and double precision as two cases of one description: opcodes, bounds, and the way to and from f registers. */

import { OP } from '../../wasm/opcodes.js';
import type { Operands } from './operands.js';

/** Bits 32 to 63 of a single in its 64-bit register. */
const BOX = -0x1_0000_0000;

export interface Precision {
  readonly type: 'f32' | 'f64';
  readonly abs: number;
  readonly neg: number;
  readonly sqrt: number;
  readonly add: number;
  readonly sub: number;
  readonly mul: number;
  readonly div: number;
  readonly min: number;
  readonly max: number;
  readonly eq: number;
  readonly ne: number;
  readonly lt: number;
  readonly le: number;
  readonly gt: number;
  /** Below it in magnitude a result that is not exact may be tiny: twice the least normal number. */
  readonly tiny: number;
  constant(o: Operands, value: number): void;
  /** Pushes operand 1, 2 or 3; leaves to the slow path when a single is not NaN-boxed. */
  push(o: Operands, operand: 1 | 2 | 3): void;
  /** Writes rd. */
  set(o: Operands, push: () => void): void;
}

export const DOUBLE: Precision = {
  type: 'f64',
  abs: OP.f64Abs,
  neg: OP.f64Neg,
  sqrt: OP.f64Sqrt,
  add: OP.f64Add,
  sub: OP.f64Sub,
  mul: OP.f64Mul,
  div: OP.f64Div,
  min: OP.f64Min,
  max: OP.f64Max,
  eq: OP.f64Eq,
  ne: OP.f64Ne,
  lt: OP.f64Lt,
  le: OP.f64Le,
  gt: OP.f64Gt,
  tiny: 2 ** -1021,
  constant: (o, value) => void o.code.f64(value),
  push: (o, operand) => (operand === 1 ? o.d1() : operand === 2 ? o.d2() : o.d3()),
  set: (o, push) => o.setDouble(push),
};

export const SINGLE: Precision = {
  type: 'f32',
  abs: OP.f32Abs,
  neg: OP.f32Neg,
  sqrt: OP.f32Sqrt,
  add: OP.f32Add,
  sub: OP.f32Sub,
  mul: OP.f32Mul,
  div: OP.f32Div,
  min: OP.f32Min,
  max: OP.f32Max,
  eq: OP.f32Eq,
  ne: OP.f32Ne,
  lt: OP.f32Lt,
  le: OP.f32Le,
  gt: OP.f32Gt,
  tiny: 2 ** -125,
  constant: (o, value) => void o.code.f32(value),
  push: (o, operand) => {
    const bits = o.scratch('i64', 4);
    if (operand === 1) o.f1();
    else if (operand === 2) o.f2();
    else o.f3();
    o.code.tee(bits).i64(32).op(OP.i64ShrS).i64(-1).op(OP.i64Ne);
    o.slowIf();
    o.code.get(bits).op(OP.i32WrapI64).op(OP.f32ReinterpretI32);
  },
  set: (o, push) =>
    o.setFd(() => {
      push();
      o.code.op(OP.i32ReinterpretF32).op(OP.i64ExtendI32U).i64(BOX).op(OP.i64Or);
    }),
};

/** Pushes the 64 bits of a boxed single from the i32 on the stack. */
export function box(o: Operands): void {
  o.code.op(OP.i64ExtendI32U).i64(BOX).op(OP.i64Or);
}
