/** Generated floating point against exact arithmetic: equal in result and flags, or left to the slow path. */

import { expect } from 'chai';
import { createRandom, type Random } from '../../../base/index.js';
import { GuestMemory } from '../../cpu/guest-memory.js';
import { FLOAT_READY, STATE } from '../../cpu/state-layout.js';
import { boxSingle, type FloatWidth } from '../../fpu/float-format.js';
import { operand } from '../../fpu/operand-test-source.js';
import { SoftFloat } from '../../fpu/soft-float.js';
import { assemble } from '../../isa/assembler.js';
import { Decoder } from '../../isa/decoder.js';
import { RV64GC, selectInstructions } from '../../isa/instruction-table.js';
import { compileModule, instantiate } from '../../wasm/web-assembly.js';
import { CodePages } from '../code-pages.js';
import { buildInterpreterModule, STOP } from '../interpreter-module.js';

const RNE = 0;
const RTZ = 1;
const RAM_BASE = 0x8000_0000;
const FLOATS = STATE.f / 8;
const VECTORS = process.env.RIGVISOR_NIGHTLY === '1' ? 1_000_000 : 5_000;

type Reference = (soft: SoftFloat, a: bigint, b: bigint, c: bigint, width: FloatWidth) => bigint;

const negate = (bits: bigint, width: FloatWidth): bigint => bits ^ (1n << BigInt(width - 1));

/** By assembly without suffix and registers; `x` marks results that are integers. */
const ARITHMETIC: readonly (readonly [name: string, operands: string, quick: number, reference: Reference])[] = [
  ['fadd', 'f3, f0, f1', 0.6, (s, a, b, _c, w) => s.add(a, b, w, RNE)],
  ['fsub', 'f3, f0, f1', 0.6, (s, a, b, _c, w) => s.sub(a, b, w, RNE)],
  ['fmul', 'f3, f0, f1', 0.2, (s, a, b, _c, w) => s.mul(a, b, w, RNE)],
  ['fdiv', 'f3, f0, f1', 0.2, (s, a, b, _c, w) => s.div(a, b, w, RNE)],
  ['fsqrt', 'f3, f0', 0.2, (s, a, _b, _c, w) => s.sqrt(a, w, RNE)],
  ['fmadd', 'f3, f0, f1, f2', 0.05, (s, a, b, c, w) => s.fusedMultiplyAdd(a, b, c, w, RNE)],
  ['fmsub', 'f3, f0, f1, f2', 0.05, (s, a, b, c, w) => s.fusedMultiplyAdd(a, b, negate(c, w), w, RNE)],
  ['fnmsub', 'f3, f0, f1, f2', 0.05, (s, a, b, c, w) => s.fusedMultiplyAdd(negate(a, w), b, c, w, RNE)],
  ['fnmadd', 'f3, f0, f1, f2', 0.05, (s, a, b, c, w) => s.fusedMultiplyAdd(negate(a, w), b, negate(c, w), w, RNE)],
  ['fmin', 'f3, f0, f1', 0.7, (s, a, b, _c, w) => s.min(a, b, w)],
  ['fmax', 'f3, f0, f1', 0.7, (s, a, b, _c, w) => s.max(a, b, w)],
  ['feq', 'x5, f0, f1', 0.7, (s, a, b, _c, w) => (s.eq(a, b, w) ? 1n : 0n)],
  ['flt', 'x5, f0, f1', 0.7, (s, a, b, _c, w) => (s.lt(a, b, w) ? 1n : 0n)],
  ['fle', 'x5, f0, f1', 0.7, (s, a, b, _c, w) => (s.le(a, b, w) ? 1n : 0n)],
];

const CONVERSIONS: readonly (readonly [name: string, isSigned: boolean, bits: FloatWidth])[] = [
  ['w', true, 32],
  ['wu', false, 32],
  ['l', true, 64],
  ['lu', false, 64],
];

/** One instruction of generated code, executed again and again. */
class OneInstruction {
  readonly registers: BigUint64Array;
  readonly #words: Int32Array;
  readonly #slot: number;
  readonly #run: (slot: number, left: number) => number;

  constructor(text: string) {
    const instructions = selectInstructions(64, RV64GC);
    const memory = new GuestMemory(0x1_0000, RAM_BASE);
    const pages = new CodePages(memory, new Decoder(instructions), {
      protect: () => {},
      changed: () => {},
      emptied: () => {},
    });
    const module = buildInterpreterModule({ xlen: 64, instructions, ramBase: RAM_BASE, regions: 0 });
    this.#run = instantiate(compileModule(module), memory.memory).run as OneInstruction['call'];
    const { bytes } = assemble(text, RAM_BASE, 64);
    this.#slot = pages.single(new DataView(bytes.buffer).getInt32(0, true));
    this.registers = new BigUint64Array(memory.memory.buffer, 0, 64);
    this.#words = new Int32Array(memory.memory.buffer, 0, STATE.tlb / 4);
  }

  /** Whether generated code did it; the flags are set before and read after. */
  execute(flags: number): number | undefined {
    this.#words[STATE.floatReady / 4] = FLOAT_READY.dirty | FLOAT_READY.nearest;
    this.#words[STATE.fcsr / 4] = flags;
    return this.call(this.#slot, 1) === STOP.slow ? undefined : this.#words[STATE.fcsr / 4];
  }

  call(slot: number, left: number): number {
    return this.#run(slot, left);
  }
}

function check(text: string, width: FloatWidth, quick: number, reference: Reference, isInteger: boolean): void {
  const random = createRandom(text);
  const machine = new OneInstruction(text);
  const soft = new SoftFloat();
  const boxed = (bits: bigint): bigint => (width === 32 ? boxSingle(bits) : bits);
  let done = 0;
  for (let i = 0; i < VECTORS; i++) {
    const [a, b, c] = operands(random, width);
    machine.registers[FLOATS] = boxed(a);
    machine.registers[FLOATS + 1] = boxed(b);
    machine.registers[FLOATS + 2] = boxed(c);
    const before = random.below(2) === 0 ? 0 : random.below(32);
    const flags = machine.execute(before);
    if (flags === undefined) continue;
    done++;
    soft.flags = before;
    const expected = reference(soft, a, b, c, width);
    const actual = isInteger ? machine.registers[5] : machine.registers[FLOATS + 3];
    const what = `${text} of ${[a, b, c].map((bits) => bits.toString(16)).join(', ')}, vector ${i}`;
    expect(actual.toString(16), what).to.equal(
      (isInteger ? BigInt.asUintN(64, expected) : boxed(expected)).toString(16),
    );
    expect(flags, `flags of ${what}`).to.equal(soft.flags);
  }
  expect(done / VECTORS, `share of ${text} that generated code did`).to.be.at.least(quick);
}

function operands(random: Random, width: FloatWidth): [bigint, bigint, bigint] {
  const a = operand(random, width, 0n);
  const b = operand(random, width, a);
  return [a, b, operand(random, width, random.below(2) === 0 ? a : b)];
}

describe('generated floating point', () => {
  for (const [suffix, width] of [['s', 32] as const, ['d', 64] as const]) {
    for (const [name, registers, quick, reference] of ARITHMETIC) {
      it(`does ${name}.${suffix} exactly as IEEE 754 says, flags included`, () => {
        check(`${name}.${suffix} ${registers}`, width, quick, reference, registers.startsWith('x'));
      });
    }
    for (const [name, isSigned, bits] of CONVERSIONS) {
      it(`converts by fcvt.${name}.${suffix} towards zero`, () => {
        const reference: Reference = (soft, a) => {
          const value = soft.toInt(a, width, bits, isSigned, RTZ);
          return bits === 32 ? BigInt.asIntN(32, value) : value;
        };
        check(`fcvt.${name}.${suffix} x5, f0, rtz`, width, 0.1, reference, true);
      });

      it(`converts by fcvt.${suffix}.${name} to nearest`, () => {
        const text = `fcvt.${suffix}.${name} f3, x6, dyn`;
        const random = createRandom(text);
        const machine = new OneInstruction(text);
        const soft = new SoftFloat();
        for (let i = 0; i < VECTORS; i++) {
          const bitsIn = ((BigInt(random.uint32()) << 32n) | BigInt(random.uint32())) >> BigInt(random.below(64));
          const value = random.below(2) === 0 ? bitsIn : BigInt.asUintN(64, -bitsIn);
          machine.registers[6] = value;
          const flags = machine.execute(0);
          soft.flags = 0;
          const expected = soft.fromInt(
            isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value),
            bits,
            isSigned,
            width,
            RNE,
          );
          expect(machine.registers[FLOATS + 3], `${text} of ${value}`).to.equal(
            width === 32 ? boxSingle(expected) : expected,
          );
          expect(flags, `flags of ${text} of ${value}`).to.equal(soft.flags);
        }
      });
    }
  }

  it('converts between the precisions', () => {
    check('fcvt.s.d f3, f0', 64, 0.2, (soft, a) => boxSingle(soft.convert(a, 64, 32, RNE)), false);
  });

  it('leaves a single that is not boxed to the slow path', () => {
    const machine = new OneInstruction('fadd.s f3, f0, f1');
    machine.registers[FLOATS] = 0x3f80_0000n;
    machine.registers[FLOATS + 1] = boxSingle(0x3f80_0000n);
    expect(machine.execute(0)).to.equal(undefined);
  });
});
