/**
 * Whether NX is due: WebAssembly tells no flags, so it follows from the exact error of the operation, computed by the classic
 * error-free transformations (Dekker 1971, Knuth's TwoSum) inside the bounds in which they hold. `vmm/fpu/error-free.ts` has
 * the same in TypeScript, proved against exact arithmetic. Once NX is set nobody needs the error any more.
 */

import { STATE } from '../../cpu/state-layout.js';
import { MEMORY, OP } from '../../wasm/opcodes.js';
import type { Operands } from './operands.js';
import type { Precision } from './precision.js';

/** Dekker's constant: splits a double into two halves of 26 bits. */
const SPLIT = 2 ** 27 + 1;

/** Takes a condition from the stack and sets NX when it holds. */
export function inexactIf(o: Operands): void {
  o.code.if();
  o.code.i32(STATE.fcsr).i32(STATE.fcsr).memory(MEMORY.i32Load, 0).i32(1).op(OP.i32Or).memory(MEMORY.i32Store, 0).end();
}

export function unlessInexact(o: Operands, body: () => void): void {
  o.code.i32(STATE.fcsr).memory(MEMORY.i32Load, 0).i32(1).op(OP.i32And).op(OP.i32Eqz).if();
  body();
  o.code.end();
}

/** Slow unless |local| < bound, which NaN is not. */
export function needBelow(o: Operands, p: Precision, local: number, bound: number): void {
  o.code.get(local).op(p.abs);
  p.constant(o, bound);
  o.code.op(p.lt).op(OP.i32Eqz);
  o.slowIf();
}

/** Slow when 0 < |local| < bound. */
export function needNotTiny(o: Operands, p: Precision, local: number, bound: number): void {
  o.code.get(local).op(p.abs);
  p.constant(o, bound);
  o.code.op(p.lt).get(local);
  p.constant(o, 0);
  o.code.op(p.ne).op(OP.i32And);
  o.slowIf();
}

/** Pushes the error of r = a + b (TwoSum). */
export function pushSumError(o: Operands, p: Precision, a: number, b: number, r: number): void {
  const { code } = o;
  const t = o.scratch(p.type, 9);
  code.get(r).get(a).op(p.sub).set(t);
  code.get(a).get(r).get(t).op(p.sub).op(p.sub).get(b).get(t).op(p.sub).op(p.add);
}

/** Pushes the error of r = a * b in double precision (Dekker, Veltkamp). */
export function pushProductError(o: Operands, a: number, b: number, r: number): void {
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
export function pushSinglesDiffer(o: Operands, a: number, b: number, product: number): void {
  o.code.get(a).op(OP.f64PromoteF32).get(b).op(OP.f64PromoteF32).op(OP.f64Mul);
  o.code.get(product).op(OP.f64PromoteF32).op(OP.f64Ne);
}

/** Pushes whether a * b differs from the double in `product`, whose rounded value it has. */
export function pushDoublesDiffer(o: Operands, a: number, b: number, product: number): void {
  const rounded = o.scratch('f64', 8);
  o.code.get(a).get(b).op(OP.f64Mul).tee(rounded).get(product).op(OP.f64Ne);
  pushProductError(o, a, b, rounded);
  o.code.f64(0).op(OP.f64Ne).op(OP.i32Or);
}
