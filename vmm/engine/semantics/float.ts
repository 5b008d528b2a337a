/**
 * What the instructions of F and D do while rounding is to nearest and nothing special happens; NaN, infinity, tiny
 * results and other rounding modes are left to the slow path (Unprivileged specification 20191213, chapters 11 and 12).
 */

import { OP } from '../../wasm/opcodes.js';
import { fusedDouble, fusedSingle, operands, product, quotient, squareRoot, sum } from './float-arithmetic.js';
import { demote, fromInteger, promote, toInteger } from './float-conversions.js';
import type { Operands, Semantics } from './operands.js';
import { box, DOUBLE, type Precision, SINGLE } from './precision.js';

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
