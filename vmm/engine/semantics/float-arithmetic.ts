/** Sums, products, quotients, roots and fused operations of F and D while rounding is to nearest and nothing special happens. */

import { OP } from '../../wasm/opcodes.js';
import {
  inexactIf,
  needBelow,
  needNotTiny,
  pushDoublesDiffer,
  pushProductError,
  pushSinglesDiffer,
  pushSumError,
  unlessInexact,
} from './exactness.js';
import type { Operands, Semantics } from './operands.js';
import { DOUBLE, type Precision, SINGLE } from './precision.js';

/** Exponents between which products and their errors are exact in double precision. */
const LARGE = 2 ** 900;
const SMALL = 2 ** -900;
/** The same for the three operands of a fused operation. */
const FUSED_LARGE = 2 ** 400;
const FUSED_SMALL = 2 ** -400;
/** Operands 1 and 2 in locals, and a local for the result. */
export function operands(o: Operands, p: Precision): readonly [a: number, b: number, r: number] {
  const locals = [o.scratch(p.type, 0), o.scratch(p.type, 1), o.scratch(p.type, 2)] as const;
  p.push(o, 1);
  o.code.set(locals[0]);
  p.push(o, 2);
  o.code.set(locals[1]);
  return locals;
}

export const sum =
  (p: Precision, isDifference: boolean): Semantics =>
  (o) => {
    o.needFloat(true);
    const [a, b, r] = operands(o, p);
    if (isDifference) o.code.get(b).op(p.neg).set(b);
    o.code.get(a).get(b).op(p.add).set(r);
    needBelow(o, p, r, Number.POSITIVE_INFINITY);
    unlessInexact(o, () => {
      // Exact where both operands come back from the sum.
      o.code.get(r).get(a).op(p.sub).get(b).op(p.ne).get(r).get(b).op(p.sub).get(a).op(p.ne).op(OP.i32Or);
      inexactIf(o);
    });
    p.set(o, () => o.code.get(r));
  };

export const product =
  (p: Precision): Semantics =>
  (o) => {
    o.needFloat(true);
    const { code } = o;
    const [a, b, r] = operands(o, p);
    code.get(a).get(b).op(p.mul).set(r);
    needBelow(o, p, r, Number.POSITIVE_INFINITY);
    // A product of zero is exact; any other one below the bound may be tiny.
    code.get(r).op(p.abs);
    p.constant(o, p.tiny);
    code.op(p.lt);
    for (const factor of [a, b]) {
      code.get(factor);
      p.constant(o, 0);
      code.op(p.ne).op(OP.i32And);
    }
    o.slowIf();
    unlessInexact(o, () => {
      if (p.type === 'f32') {
        pushSinglesDiffer(o, a, b, r);
      } else {
        needNotTiny(o, p, r, SMALL);
        needBelow(o, p, a, LARGE);
        needBelow(o, p, b, LARGE);
        pushProductError(o, a, b, r);
        code.f64(0).op(OP.f64Ne);
      }
      inexactIf(o);
    });
    p.set(o, () => code.get(r));
  };

export const quotient =
  (p: Precision): Semantics =>
  (o) => {
    o.needFloat(true);
    const { code } = o;
    const [a, b, r] = operands(o, p);
    code.get(a).get(b).op(p.div).set(r);
    needBelow(o, p, r, Number.POSITIVE_INFINITY);
    code.get(r).op(p.abs);
    p.constant(o, p.tiny);
    code.op(p.lt).get(a);
    p.constant(o, 0);
    code.op(p.ne).op(OP.i32And);
    o.slowIf();
    unlessInexact(o, () => {
      if (p.type === 'f32') {
        // Zero divided by infinity is exact, too.
        pushSinglesDiffer(o, r, b, a);
        code.get(a).f32(0).op(OP.f32Ne).op(OP.i32And);
      } else {
        for (const local of [a, b, r]) {
          needNotTiny(o, p, local, SMALL);
          needBelow(o, p, local, LARGE);
        }
        pushDoublesDiffer(o, r, b, a);
      }
      inexactIf(o);
    });
    p.set(o, () => code.get(r));
  };

export const squareRoot =
  (p: Precision): Semantics =>
  (o) => {
    o.needFloat(true);
    const { code } = o;
    const a = o.scratch(p.type, 0);
    const r = o.scratch(p.type, 2);
    p.push(o, 1);
    code.tee(a).op(p.sqrt).set(r);
    needBelow(o, p, r, Number.POSITIVE_INFINITY);
    unlessInexact(o, () => {
      if (p.type === 'f32') {
        pushSinglesDiffer(o, r, r, a);
      } else {
        needNotTiny(o, p, a, SMALL);
        needBelow(o, p, a, LARGE);
        pushDoublesDiffer(o, r, r, a);
      }
      inexactIf(o);
    });
    p.set(o, () => code.get(r));
  };

/** Makes `sum` (rounded, with the exact `error`) the odd one of its two neighbours when it is not exact: round to odd. */
function roundToOdd(o: Operands, sum: number, error: number): void {
  const { code } = o;
  const bits = o.scratch('i64', 5);
  code.get(error).f64(0).op(OP.f64Ne).if();
  code.get(sum).op(OP.i64ReinterpretF64).tee(bits).i64(1).op(OP.i64And).op(OP.i64Eqz).if();
  // Away from zero when error and sum have the same sign.
  code.get(bits).i64(1).i64(-1);
  code.get(error).f64(0).op(OP.f64Gt).get(sum).f64(0).op(OP.f64Gt).op(OP.i32Eq).op(OP.select);
  code.op(OP.i64Add).op(OP.f64ReinterpretI64).set(sum);
  code.end().end();
}

/** Operands of a fused operation, with the signs that its name gives to product and addend. */
function fusedOperands(o: Operands, p: Precision, negateProduct: boolean, negateAddend: boolean): readonly number[] {
  const locals = [0, 1, 3].map((number) => o.scratch(p.type, number));
  ([1, 2, 3] as const).forEach((operand, i) => {
    p.push(o, operand);
    if ((operand === 1 && negateProduct) || (operand === 3 && negateAddend)) o.code.op(p.neg);
    o.code.set(locals[i]);
  });
  return locals;
}

/** Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008, algorithm Fma. */
export const fusedDouble =
  (negateProduct: boolean, negateAddend: boolean): Semantics =>
  (o) => {
    o.needFloat(true);
    const { code } = o;
    const [a, b, c] = fusedOperands(o, DOUBLE, negateProduct, negateAddend);
    for (const local of [a, b, c]) {
      needBelow(o, DOUBLE, local, FUSED_LARGE);
      needNotTiny(o, DOUBLE, local, FUSED_SMALL);
    }
    const [uHigh, uLow, tHigh, tLow, vHigh, vLow] = [2, 4, 5, 6, 7, 8].map((number) => o.scratch('f64', number));
    const [z, error, r] = [14, 15, 16].map((number) => o.scratch('f64', number));
    code.get(a).get(b).op(OP.f64Mul).set(uHigh);
    pushProductError(o, a, b, uHigh);
    code.set(uLow);
    code.get(c).get(uLow).op(OP.f64Add).set(tHigh);
    pushSumError(o, DOUBLE, c, uLow, tHigh);
    code.set(tLow);
    code.get(uHigh).get(tHigh).op(OP.f64Add).set(vHigh);
    pushSumError(o, DOUBLE, uHigh, tHigh, vHigh);
    code.set(vLow);
    code.get(tLow).get(vLow).op(OP.f64Add).set(z);
    pushSumError(o, DOUBLE, tLow, vLow, z);
    code.set(error);
    roundToOdd(o, z, error);
    code.get(vHigh).get(z).op(OP.f64Add).tee(r).f64(0).op(OP.f64Eq);
    // The sign of a zero depends on more than the sum.
    o.slowIf();
    unlessInexact(o, () => {
      pushSumError(o, DOUBLE, vHigh, z, r);
      code.f64(0).op(OP.f64Ne).get(error).f64(0).op(OP.f64Ne).op(OP.i32Or);
      inexactIf(o);
    });
    o.setDouble(() => code.get(r));
  };

/** The product of two singles is exact as a double; the sum, rounded to odd, has bits enough to be rounded again. */
export const fusedSingle =
  (negateProduct: boolean, negateAddend: boolean): Semantics =>
  (o) => {
    o.needFloat(true);
    const { code } = o;
    const [a, b, c] = fusedOperands(o, SINGLE, negateProduct, negateAddend);
    const [exact, addend, s, error] = [2, 4, 5, 15].map((number) => o.scratch('f64', number));
    const r = o.scratch('f32', 2);
    code.get(a).op(OP.f64PromoteF32).get(b).op(OP.f64PromoteF32).op(OP.f64Mul).set(exact);
    code.get(c).op(OP.f64PromoteF32).set(addend);
    code.get(exact).get(addend).op(OP.f64Add).set(s);
    pushSumError(o, DOUBLE, exact, addend, s);
    code.set(error);
    roundToOdd(o, s, error);
    code.get(s).op(OP.f32DemoteF64).set(r);
    needBelow(o, SINGLE, r, Number.POSITIVE_INFINITY);
    code.get(r).op(OP.f32Abs).f32(SINGLE.tiny).op(OP.f32Lt).get(s).f64(0).op(OP.f64Ne).op(OP.i32And);
    o.slowIf();
    code.get(error).f64(0).op(OP.f64Ne).get(r).op(OP.f64PromoteF32).get(s).op(OP.f64Ne).op(OP.i32Or);
    inexactIf(o);
    SINGLE.set(o, () => code.get(r));
  };
