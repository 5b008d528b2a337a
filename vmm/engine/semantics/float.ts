/**
 * What the instructions of F and D do while rounding is to nearest and nothing special happens; NaN, infinity, tiny
 * results and other rounding modes are left to the slow path (Unprivileged specification 20191213, chapters 11 and 12).
 *
 * WebAssembly rounds to nearest and tells no flags. Of the flags only NX can be due on this path; whether it is, follows
 * from the exact error of the operation, computed by the classic error-free transformations (Dekker 1971, Knuth TwoSum)
 * inside the bounds in which they hold; `vmm/fpu/error-free.ts` has the same in TypeScript, proved against exact
 * arithmetic. Once NX is set nobody needs the error any more.
 */

import { STATE } from '../../cpu/state-layout.js';
import { MEMORY, OP } from '../../wasm/opcodes.js';
import type { Operands, Semantics } from './operands.js';
import { box, DOUBLE, type Precision, SINGLE } from './precision.js';

/** Exponents between which products and their errors are exact in double precision. */
const LARGE = 2 ** 900;
const SMALL = 2 ** -900;
/** The same for the three operands of a fused operation. */
const FUSED_LARGE = 2 ** 400;
const FUSED_SMALL = 2 ** -400;
/** Dekker's constant: splits a double into two halves of 26 bits. */
const SPLIT = 2 ** 27 + 1;

/** Takes a condition from the stack and sets NX when it holds. */
function inexactIf(o: Operands): void {
  o.code.if();
  o.code.i32(STATE.fcsr).i32(STATE.fcsr).memory(MEMORY.i32Load, 0).i32(1).op(OP.i32Or).memory(MEMORY.i32Store, 0).end();
}

function unlessInexact(o: Operands, body: () => void): void {
  o.code.i32(STATE.fcsr).memory(MEMORY.i32Load, 0).i32(1).op(OP.i32And).op(OP.i32Eqz).if();
  body();
  o.code.end();
}

/** Slow unless |local| < bound, which NaN is not. */
function needBelow(o: Operands, p: Precision, local: number, bound: number): void {
  o.code.get(local).op(p.abs);
  p.constant(o, bound);
  o.code.op(p.lt).op(OP.i32Eqz);
  o.slowIf();
}

/** Slow when 0 < |local| < bound. */
function needNotTiny(o: Operands, p: Precision, local: number, bound: number): void {
  o.code.get(local).op(p.abs);
  p.constant(o, bound);
  o.code.op(p.lt).get(local);
  p.constant(o, 0);
  o.code.op(p.ne).op(OP.i32And);
  o.slowIf();
}

/** Pushes the error of r = a + b (TwoSum). */
function pushSumError(o: Operands, p: Precision, a: number, b: number, r: number): void {
  const { code } = o;
  const t = o.scratch(p.type, 9);
  code.get(r).get(a).op(p.sub).set(t);
  code.get(a).get(r).get(t).op(p.sub).op(p.sub).get(b).get(t).op(p.sub).op(p.add);
}

/** Pushes the error of r = a * b in double precision (Dekker, Veltkamp). */
function pushProductError(o: Operands, a: number, b: number, r: number): void {
  const { code } = o;
  const [aHigh, aLow, bHigh, bLow] = [10, 11, 12, 13].map((number) => o.scratch('f64', number));
  const split = (from: number, high: number, low: number): void => {
    code.f64(SPLIT).get(from).op(OP.f64Mul).tee(high).get(high).get(from).op(OP.f64Sub).op(OP.f64Sub).set(high);
    code.get(from).get(high).op(OP.f64Sub).set(low);
  };
  split(a, aHigh, aLow);
  split(b, bHigh, bLow);
  code.get(aHigh).get(bHigh).op(OP.f64Mul).get(r).op(OP.f64Sub);
  code.get(aHigh).get(bLow).op(OP.f64Mul).op(OP.f64Add);
  code.get(aLow).get(bHigh).op(OP.f64Mul).op(OP.f64Add);
  code.get(aLow).get(bLow).op(OP.f64Mul).op(OP.f64Add);
}

/** Pushes whether the product of two singles differs from a third. */
function pushSinglesDiffer(o: Operands, a: number, b: number, product: number): void {
  o.code.get(a).op(OP.f64PromoteF32).get(b).op(OP.f64PromoteF32).op(OP.f64Mul);
  o.code.get(product).op(OP.f64PromoteF32).op(OP.f64Ne);
}

/** Pushes whether a * b differs from the double in `product`, whose rounded value it has. */
function pushDoublesDiffer(o: Operands, a: number, b: number, product: number): void {
  const rounded = o.scratch('f64', 8);
  o.code.get(a).get(b).op(OP.f64Mul).tee(rounded).get(product).op(OP.f64Ne);
  pushProductError(o, a, b, rounded);
  o.code.f64(0).op(OP.f64Ne).op(OP.i32Or);
}

function operands(o: Operands, p: Precision): readonly [a: number, b: number, r: number] {
  const locals = [o.scratch(p.type, 0), o.scratch(p.type, 1), o.scratch(p.type, 2)] as const;
  p.push(o, 1);
  o.code.set(locals[0]);
  p.push(o, 2);
  o.code.set(locals[1]);
  return locals;
}

const sum =
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

const product =
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

const quotient =
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

const squareRoot =
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
const fusedDouble =
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
const fusedSingle =
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

/** Slow when one of them is a NaN. */
function needNumbers(o: Operands, p: Precision, a: number, b: number): void {
  o.code.get(a).get(a).op(p.ne).get(b).get(b).op(p.ne).op(OP.i32Or);
  o.slowIf();
}

const extremum =
  (p: Precision, opcode: number): Semantics =>
  (o) => {
    o.needFloat(false);
    const [a, b] = operands(o, p);
    needNumbers(o, p, a, b);
    p.set(o, () => o.code.get(a).get(b).op(opcode));
  };

const comparison =
  (p: Precision, opcode: number): Semantics =>
  (o) => {
    o.needFloat(false);
    const [a, b] = operands(o, p);
    needNumbers(o, p, a, b);
    o.setRd(() => {
      o.code.get(a).get(b).op(opcode);
      o.x.fromUnsigned(o.code);
    });
  };

/** rd = rs1 with the sign of rs2, its inverse, or the product of both signs. */
const signInjection =
  (p: Precision, kind: 'copy' | 'invert' | 'multiply'): Semantics =>
  (o) => {
    o.needFloat(false);
    const { code } = o;
    const sign = p.type === 'f64' ? -0x8000_0000_0000_0000 : 0x8000_0000;
    if (p.type === 'f32') {
      // Singles that are not boxed count as NaN.
      o.f1();
      o.f2();
      code.op(OP.i64And).i64(32).op(OP.i64ShrS).i64(-1).op(OP.i64Ne);
      o.slowIf();
    }
    o.setFd(() => {
      o.f1();
      if (kind !== 'multiply') code.i64(sign).i64(-1).op(OP.i64Xor).op(OP.i64And);
      o.f2();
      if (kind === 'invert') code.i64(-1).op(OP.i64Xor);
      code
        .i64(sign)
        .op(OP.i64And)
        .op(kind === 'multiply' ? OP.i64Xor : OP.i64Or);
    });
  };

/** Pushes operand 1 as a double, whatever its precision. */
function pushWide(o: Operands, p: Precision): void {
  p.push(o, 1);
  if (p.type === 'f32') o.code.op(OP.f64PromoteF32);
}

/** The conversions of C's casts: towards zero, with NX when a fraction is lost; what does not fit is slow. */
function toInteger(p: Precision, isSigned: boolean, isWide: boolean): Semantics {
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
function fromInteger(p: Precision, isSigned: boolean, isWide: boolean, opcode: number): Semantics {
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

const demote: Semantics = (o) => {
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

const promote: Semantics = (o) => {
  // Exact, but illegal while frm is reserved.
  o.needFloat(true);
  const { code } = o;
  const value = o.scratch('f32', 0);
  SINGLE.push(o, 1);
  code.tee(value).get(value).op(OP.f32Ne);
  o.slowIf();
  o.setDouble(() => code.get(value).op(OP.f64PromoteF32));
};

const move = (transfer: (o: Operands) => void): Semantics => {
  return (o) => {
    o.needFloat(false);
    transfer(o);
  };
};

const MOVES: readonly (readonly [string, Semantics])[] = [
  [
    'fmv.x.w',
    move((o) =>
      o.setRd(() => {
        o.f1();
        o.code.op(OP.i32WrapI64);
        o.x.fromWord(o.code);
      }),
    ),
  ],
  [
    'fmv.w.x',
    move((o) =>
      o.setFd(() => {
        o.rs1();
        o.x.toWord(o.code);
        box(o);
      }),
    ),
  ],
  ['fmv.x.d', move((o) => o.setRd(() => o.f1()))],
  ['fmv.d.x', move((o) => o.setFd(() => o.rs1()))],
  ['fcvt.s.d', demote],
  ['fcvt.d.s', promote],
];

function ofPrecision(p: Precision, suffix: 's' | 'd'): readonly (readonly [string, Semantics])[] {
  const fused = p.type === 'f64' ? fusedDouble : fusedSingle;
  const isDouble = p.type === 'f64';
  const table: Readonly<Record<string, Semantics>> = {
    'fadd.': sum(p, false),
    'fsub.': sum(p, true),
    'fmul.': product(p),
    'fdiv.': quotient(p),
    'fsqrt.': squareRoot(p),
    'fmadd.': fused(false, false),
    'fmsub.': fused(false, true),
    'fnmsub.': fused(true, false),
    'fnmadd.': fused(true, true),
    'fmin.': extremum(p, p.min),
    'fmax.': extremum(p, p.max),
    'feq.': comparison(p, p.eq),
    'flt.': comparison(p, p.lt),
    'fle.': comparison(p, p.le),
    'fsgnj.': signInjection(p, 'copy'),
    'fsgnjn.': signInjection(p, 'invert'),
    'fsgnjx.': signInjection(p, 'multiply'),
    'fcvt.w.': toInteger(p, true, false),
    'fcvt.wu.': toInteger(p, false, false),
    'fcvt.l.': toInteger(p, true, true),
    'fcvt.lu.': toInteger(p, false, true),
  };
  const from: Readonly<Record<string, Semantics>> = {
    w: fromInteger(p, true, false, isDouble ? OP.f64ConvertI64S : OP.f32ConvertI64S),
    wu: fromInteger(p, false, false, isDouble ? OP.f64ConvertI64U : OP.f32ConvertI64U),
    l: fromInteger(p, true, true, isDouble ? OP.f64ConvertI64S : OP.f32ConvertI64S),
    lu: fromInteger(p, false, true, isDouble ? OP.f64ConvertI64U : OP.f32ConvertI64U),
  };
  return [
    ...Object.entries(table).map(([name, semantics]) => [`${name}${suffix}`, semantics] as const),
    ...Object.entries(from).map(([name, semantics]) => [`fcvt.${suffix}.${name}`, semantics] as const),
  ];
}

/** By instruction name; for registers of 64 bits. */
export const FLOAT: ReadonlyMap<string, Semantics> = new Map([
  ...ofPrecision(SINGLE, 's'),
  ...ofPrecision(DOUBLE, 'd'),
  ...MOVES,
]);
