/** Conversions of F and D: C's casts to integers, integers to nearest, and between the precisions. */

import { OP } from '../../wasm/opcodes.js';
import { inexactIf, needBelow } from './exactness.js';
import type { Operands, Semantics } from './operands.js';
import { type Precision, SINGLE } from './precision.js';

/** Pushes operand 1 as a double, whatever its precision. */
function pushWide(o: Operands, p: Precision): void {
  p.push(o, 1);
  if (p.type === 'f32') o.code.op(OP.f64PromoteF32);
}

/** The conversions of C's casts: towards zero, with NX when a fraction is lost; what does not fit is slow. */
export function toInteger(p: Precision, isSigned: boolean, isWide: boolean): Semantics {
  const bits = isWide ? 64 : 32;
  const least = isSigned ? -(2 ** (bits - 1)) : 0;
  const bound = isSigned ? 2 ** (bits - 1) : 2 ** bits;
  const opcode = (isWide ? 6 : 2) + (isSigned ? 0 : 1);
  return (o) => {
    o.needFloat(false);
    const { code } = o;
    const value = o.scratch('f64', 3);
    const whole = o.scratch('f64', 4);
    pushWide(o, p);
    code.tee(value).op(OP.f64Trunc).tee(whole).f64(least).op(OP.f64Ge).get(whole).f64(bound).op(OP.f64Lt);
    code.op(OP.i32And).op(OP.i32Eqz);
    o.slowIf();
    code.get(whole).get(value).op(OP.f64Ne);
    inexactIf(o);
    o.setRd(() => {
      code.get(value).truncate(opcode);
      if (!isWide) o.x.fromWord(code);
    });
  };
}

/** Conversions from integers; inexact when the value has more significant bits than the precision. */
export function fromInteger(p: Precision, isSigned: boolean, isWide: boolean, opcode: number): Semantics {
  const digits = p.type === 'f64' ? 53 : 24;
  return (o) => {
    const isExact = !isWide && p.type === 'f64';
    o.needFloat(true);
    const { code } = o;
    const value = o.scratch('i64', 0);
    const sign = o.scratch('i64', 1);
    o.rs1();
    if (!isWide) code.op(OP.i32WrapI64).op(isSigned ? OP.i64ExtendI32S : OP.i64ExtendI32U);
    code.set(value);
    p.set(o, () => code.get(value).op(opcode));
    if (isExact) return;
    if (isSigned) {
      code.get(value).i64(63).op(OP.i64ShrS).set(sign);
      code.get(value).get(sign).op(OP.i64Xor).get(sign).op(OP.i64Sub).set(value);
    }
    code
      .get(value)
      .op(OP.i64Clz)
      .get(value)
      .op(OP.i64Ctz)
      .op(OP.i64Add)
      .i64(64 - digits)
      .op(OP.i64LtU);
    inexactIf(o);
  };
}

export const demote: Semantics = (o) => {
  o.needFloat(true);
  const { code } = o;
  const value = o.scratch('f64', 0);
  const r = o.scratch('f32', 2);
  o.d1();
  code.tee(value).op(OP.f32DemoteF64).set(r);
  needBelow(o, SINGLE, r, Number.POSITIVE_INFINITY);
  code.get(r).op(OP.f32Abs).f32(SINGLE.tiny).op(OP.f32Lt).get(value).f64(0).op(OP.f64Ne).op(OP.i32And);
  o.slowIf();
  code.get(r).op(OP.f64PromoteF32).get(value).op(OP.f64Ne);
  inexactIf(o);
  SINGLE.set(o, () => code.get(r));
};

export const promote: Semantics = (o) => {
  // Exact, but illegal while frm is reserved.
  o.needFloat(true);
  const { code } = o;
  const value = o.scratch('f32', 0);
  SINGLE.push(o, 1);
  code.tee(value).get(value).op(OP.f32Ne);
  o.slowIf();
  o.setDouble(() => code.get(value).op(OP.f64PromoteF32));
};
