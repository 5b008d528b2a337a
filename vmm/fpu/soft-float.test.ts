/** SoftFloat's edges by hand, and its rounding to nearest against JavaScript's own. */

import { expect } from 'chai';
import { createRandom, type Random } from '../../base/index.js';
import {
  boxSingle,
  classify,
  FCLASS,
  FFLAGS,
  type FloatWidth,
  formatOf,
  ROUNDING,
  unboxSingle,
} from './float-format.js';
import { bitsOf, numberOf, random64 } from './operand-test-source.js';
import { SoftFloat } from './soft-float.js';

const { RNE, RTZ, RDN, RUP, RMM } = ROUNDING;
const { NX, UF, OF, DZ, NV } = FFLAGS;
const ALL_MODES = [RNE, RTZ, RDN, RUP, RMM];

const ONE = 0x3f80_0000n;
const INFINITY = 0x7f80_0000n;
const MAX = 0x7f7f_ffffn;
const LEAST = 0x0000_0001n;
const LEAST_NORMAL = 0x0080_0000n;
const MINUS = 0x8000_0000n;
const NAN = 0x7fc0_0000n;
const SIGNALING = 0x7f80_0001n;
const PAYLOAD = 0xffc1_2345n;

/** What `operation` gives on a fresh instance. */
function outcome(operation: (fpu: SoftFloat) => bigint | boolean): string {
  const fpu = new SoftFloat();
  const result = operation(fpu);
  return text(result, fpu.flags);
}

function text(result: bigint | boolean, flags: number): string {
  return `${typeof result === 'bigint' ? result.toString(16) : result} flags ${flags}`;
}

/** Expects the results of all five rounding modes, in the order of their numbers. */
function expectModes(
  operation: (fpu: SoftFloat, rm: number) => bigint,
  results: readonly bigint[],
  flags: number,
): void {
  const found = ALL_MODES.map((rm) => outcome((fpu) => operation(fpu, rm)));
  expect(found).to.deep.equal(results.map((result) => text(result, flags)));
}

function double(value: number): bigint {
  return bitsOf(value, 64);
}

describe('SoftFloat, rounding', () => {
  it('rounds a tie and what lies beside it in every mode', () => {
    const half = (bits: bigint) => (fpu: SoftFloat, rm: number) => fpu.convert(bits, 64, 32, rm);
    const tie = double(1 + 2 ** -24);
    expectModes(half(tie), [ONE, ONE, ONE, ONE + 1n, ONE + 1n], NX);
    expectModes(half(tie + 1n), [ONE + 1n, ONE, ONE, ONE + 1n, ONE + 1n], NX);
    expectModes(half(tie - 1n), [ONE, ONE, ONE, ONE + 1n, ONE], NX);
    const odd = double(-(1 + 3 * 2 ** -24));
    const above = MINUS | (ONE + 2n);
    const below = MINUS | (ONE + 1n);
    expectModes(half(odd), [above, below, above, below, above], NX);
  });

  it('overflows to infinity or to the largest number, by the mode and the sign', () => {
    expectModes((fpu, rm) => fpu.add(MAX, MAX, 32, rm), [INFINITY, MAX, MAX, INFINITY, INFINITY], OF | NX);
    const negative = [INFINITY, MAX, INFINITY, MAX, INFINITY].map((bits) => bits | MINUS);
    expectModes((fpu, rm) => fpu.mul(MAX | MINUS, MAX, 32, rm), negative, OF | NX);
    const maxDouble = double(Number.MAX_VALUE);
    const infinity = double(Infinity);
    const up = [infinity, maxDouble, maxDouble, infinity, infinity];
    expectModes((fpu, rm) => fpu.add(maxDouble, maxDouble, 64, rm), up, OF | NX);
  });

  it('overflows only where the rounded value does', () => {
    const quarter = bitsOf(2 ** 102, 32);
    const half = bitsOf(2 ** 103, 32);
    const sum = (b: bigint, rm: number) => outcome((fpu) => fpu.add(MAX, b, 32, rm));
    for (const rm of [RNE, RTZ, RDN, RMM]) expect(sum(quarter, rm)).to.equal(text(MAX, NX));
    for (const rm of [RTZ, RDN]) expect(sum(half, rm)).to.equal(text(MAX, NX));
    for (const rm of [RNE, RUP, RMM]) expect(sum(half, rm)).to.equal(text(INFINITY, OF | NX));
    expect(sum(quarter, RUP)).to.equal(text(INFINITY, OF | NX));
  });

  it('underflows to zero or to the least number, by the mode and the sign', () => {
    expectModes((fpu, rm) => fpu.mul(LEAST, LEAST, 32, rm), [0n, 0n, 0n, LEAST, 0n], UF | NX);
    const halved = [0n, 0n, 1n, 0n, 1n].map((bits) => bits | MINUS);
    expectModes((fpu, rm) => fpu.mul(LEAST | MINUS, bitsOf(0.5, 32), 32, rm), halved, UF | NX);
  });

  it('keeps exact subnormal results without a flag', () => {
    const exact = (a: bigint, b: bigint) => outcome((fpu) => fpu.mul(a, b, 32, RNE));
    expect(exact(LEAST_NORMAL, bitsOf(0.5, 32))).to.equal(text(0x0040_0000n, 0));
    expect(outcome((fpu) => fpu.sub(LEAST_NORMAL, LEAST, 32, RNE))).to.equal(text(LEAST_NORMAL - 1n, 0));
    expect(outcome((fpu) => fpu.add(LEAST, LEAST, 32, RNE))).to.equal(text(2n, 0));
  });

  it('detects tininess after rounding, as if the exponent had no end', () => {
    const narrow = (value: number) => outcome((fpu) => fpu.convert(double(value), 64, 32, RNE));
    // Rounded to 24 bits this is 2^-126: not tiny, although it was below before.
    expect(narrow(2 ** -126 * (1 - 2 ** -26))).to.equal(text(LEAST_NORMAL, NX));
    // A tie of the 24-bit grid goes to the even side, which is 2^-126 too.
    expect(narrow(2 ** -126 * (1 - 2 ** -25))).to.equal(text(LEAST_NORMAL, NX));
    // This stays below on the 24-bit grid, though the coarser grid of the subnormals carries it there.
    expect(narrow(2 ** -126 * (1 - 2 ** -24))).to.equal(text(LEAST_NORMAL, UF | NX));
    expect(narrow(2 ** -126 * (1 - 3 * 2 ** -26))).to.equal(text(LEAST_NORMAL, UF | NX));
  });
});

describe('SoftFloat, special operands', () => {
  it('gives the canonical NaN for every NaN, and raises NV for a signaling one alone', () => {
    for (const [nan, flags] of [
      [PAYLOAD, 0],
      [SIGNALING, NV],
      [SIGNALING | MINUS, NV],
    ] as const) {
      const results = [
        outcome((fpu) => fpu.add(nan, ONE, 32, RNE)),
        outcome((fpu) => fpu.sub(ONE, nan, 32, RNE)),
        outcome((fpu) => fpu.mul(nan, ONE, 32, RNE)),
        outcome((fpu) => fpu.div(ONE, nan, 32, RNE)),
        outcome((fpu) => fpu.sqrt(nan, 32, RNE)),
        outcome((fpu) => fpu.fusedMultiplyAdd(nan, ONE, ONE, 32, RNE)),
        outcome((fpu) => fpu.fusedMultiplyAdd(ONE, nan, ONE, 32, RNE)),
        outcome((fpu) => fpu.fusedMultiplyAdd(ONE, ONE, nan, 32, RNE)),
      ];
      for (const result of results) expect(result).to.equal(text(NAN, flags));
      expect(outcome((fpu) => fpu.convert(nan, 32, 64, RNE))).to.equal(text(0x7ff8_0000_0000_0000n, flags));
    }
    expect(outcome((fpu) => fpu.convert(0xfff0_0000_0000_0001n, 64, 32, RNE))).to.equal(text(NAN, NV));
  });

  it('finds the invalid operations of infinities and zeros', () => {
    const minusInfinity = INFINITY | MINUS;
    const results = [
      outcome((fpu) => fpu.add(INFINITY, minusInfinity, 32, RNE)),
      outcome((fpu) => fpu.sub(INFINITY, INFINITY, 32, RNE)),
      outcome((fpu) => fpu.mul(0n, minusInfinity, 32, RNE)),
      outcome((fpu) => fpu.div(0n, MINUS, 32, RNE)),
      outcome((fpu) => fpu.div(INFINITY, minusInfinity, 32, RNE)),
      outcome((fpu) => fpu.sqrt(minusInfinity, 32, RNE)),
      outcome((fpu) => fpu.sqrt(LEAST | MINUS, 32, RNE)),
      outcome((fpu) => fpu.fusedMultiplyAdd(INFINITY, ONE, minusInfinity, 32, RNE)),
      // Invalid although the addend is a quiet NaN (section 11.6).
      outcome((fpu) => fpu.fusedMultiplyAdd(INFINITY, 0n, NAN, 32, RNE)),
      outcome((fpu) => fpu.fusedMultiplyAdd(MINUS, INFINITY, PAYLOAD, 32, RNE)),
    ];
    for (const result of results) expect(result).to.equal(text(NAN, NV));
  });

  it('carries infinities without a flag', () => {
    const minusInfinity = INFINITY | MINUS;
    expect(outcome((fpu) => fpu.add(INFINITY, INFINITY, 32, RNE))).to.equal(text(INFINITY, 0));
    expect(outcome((fpu) => fpu.sub(ONE, INFINITY, 32, RNE))).to.equal(text(minusInfinity, 0));
    expect(outcome((fpu) => fpu.mul(minusInfinity, ONE, 32, RNE))).to.equal(text(minusInfinity, 0));
    expect(outcome((fpu) => fpu.div(INFINITY, MINUS, 32, RNE))).to.equal(text(minusInfinity, 0));
    expect(outcome((fpu) => fpu.div(ONE, minusInfinity, 32, RNE))).to.equal(text(MINUS, 0));
    expect(outcome((fpu) => fpu.sqrt(INFINITY, 32, RNE))).to.equal(text(INFINITY, 0));
    expect(outcome((fpu) => fpu.fusedMultiplyAdd(MAX, MAX, minusInfinity, 32, RNE))).to.equal(text(minusInfinity, 0));
    expect(outcome((fpu) => fpu.fusedMultiplyAdd(INFINITY, ONE, ONE, 32, RNE))).to.equal(text(INFINITY, 0));
  });

  it('raises DZ for a finite number divided by zero', () => {
    expect(outcome((fpu) => fpu.div(ONE | MINUS, 0n, 32, RNE))).to.equal(text(INFINITY | MINUS, DZ));
    expect(outcome((fpu) => fpu.div(LEAST, MINUS, 32, RNE))).to.equal(text(INFINITY | MINUS, DZ));
  });

  it('gives a sum that cancels the sign of the mode, and equal zeros their own', () => {
    const cancelled = [0n, 0n, MINUS, 0n, 0n];
    expectModes((fpu, rm) => fpu.sub(ONE, ONE, 32, rm), cancelled, 0);
    expectModes((fpu, rm) => fpu.add(0n, MINUS, 32, rm), cancelled, 0);
    expectModes((fpu, rm) => fpu.fusedMultiplyAdd(ONE, ONE, ONE | MINUS, 32, rm), cancelled, 0);
    expectModes((fpu, rm) => fpu.fusedMultiplyAdd(0n, ONE, MINUS, 32, rm), cancelled, 0);
    expectModes((fpu, rm) => fpu.add(MINUS, MINUS, 32, rm), Array(5).fill(MINUS), 0);
    expectModes((fpu, rm) => fpu.add(0n, 0n, 32, rm), Array(5).fill(0n), 0);
    expectModes((fpu, rm) => fpu.fusedMultiplyAdd(MINUS, ONE, MINUS, 32, rm), Array(5).fill(MINUS), 0);
    expect(outcome((fpu) => fpu.mul(MINUS, ONE, 32, RNE))).to.equal(text(MINUS, 0));
    expect(outcome((fpu) => fpu.sqrt(MINUS, 32, RNE))).to.equal(text(MINUS, 0));
    expect(outcome((fpu) => fpu.fusedMultiplyAdd(0n, ONE, LEAST, 32, RNE))).to.equal(text(LEAST, 0));
  });

  it('rounds a multiply-add once', () => {
    const a = double(1 + 2 ** -52);
    const square = double(-(1 + 2 ** -51));
    expect(outcome((fpu) => fpu.fusedMultiplyAdd(a, a, square, 64, RNE))).to.equal(text(double(2 ** -104), 0));
    const huge = double(2 ** 1000);
    const sums = [huge, huge, huge, huge + 1n, huge];
    expectModes((fpu, rm) => fpu.fusedMultiplyAdd(1n, 1n, huge, 64, rm), sums, NX);
    const smaller = [huge, huge - 1n, huge - 1n, huge, huge];
    expectModes((fpu, rm) => fpu.fusedMultiplyAdd(1n | (1n << 63n), 1n, huge, 64, rm), smaller, NX);
  });
});

describe('SoftFloat, comparisons', () => {
  it('orders zeros, signs and infinities', () => {
    const ascending = [INFINITY | MINUS, ONE | MINUS, LEAST | MINUS, 0n, LEAST, ONE, INFINITY];
    ascending.forEach((a, i) => {
      ascending.forEach((b, j) => {
        expect(outcome((fpu) => fpu.lt(a, b, 32))).to.equal(text(i < j, 0));
        expect(outcome((fpu) => fpu.le(a, b, 32))).to.equal(text(i <= j, 0));
        expect(outcome((fpu) => fpu.eq(a, b, 32))).to.equal(text(i === j, 0));
        expect(outcome((fpu) => fpu.min(a, b, 32))).to.equal(text(i < j ? a : b, 0));
        expect(outcome((fpu) => fpu.max(a, b, 32))).to.equal(text(i > j ? a : b, 0));
      });
    });
  });

  it('finds -0 equal to +0, and less than it for min and max', () => {
    for (const [a, b] of [
      [0n, MINUS],
      [MINUS, 0n],
    ] as const) {
      expect(outcome((fpu) => fpu.eq(a, b, 32))).to.equal(text(true, 0));
      expect(outcome((fpu) => fpu.lt(a, b, 32))).to.equal(text(false, 0));
      expect(outcome((fpu) => fpu.le(a, b, 32))).to.equal(text(true, 0));
      expect(outcome((fpu) => fpu.min(a, b, 32))).to.equal(text(MINUS, 0));
      expect(outcome((fpu) => fpu.max(a, b, 32))).to.equal(text(0n, 0));
    }
  });

  it('raises NV for any NaN in lt and le, for a signaling one alone in eq', () => {
    for (const nan of [NAN, PAYLOAD, SIGNALING]) {
      for (const [a, b] of [
        [nan, ONE],
        [ONE, nan],
        [nan, nan],
      ] as const) {
        expect(outcome((fpu) => fpu.lt(a, b, 32))).to.equal(text(false, NV));
        expect(outcome((fpu) => fpu.le(a, b, 32))).to.equal(text(false, NV));
        expect(outcome((fpu) => fpu.eq(a, b, 32))).to.equal(text(false, nan === SIGNALING ? NV : 0));
      }
    }
  });

  it('prefers a number to a NaN in min and max, and raises NV for a signaling one', () => {
    for (const select of ['min', 'max'] as const) {
      expect(outcome((fpu) => fpu[select](PAYLOAD, ONE, 32))).to.equal(text(ONE, 0));
      expect(outcome((fpu) => fpu[select](ONE, SIGNALING, 32))).to.equal(text(ONE, NV));
      expect(outcome((fpu) => fpu[select](PAYLOAD, PAYLOAD, 32))).to.equal(text(NAN, 0));
      expect(outcome((fpu) => fpu[select](SIGNALING, PAYLOAD, 32))).to.equal(text(NAN, NV));
    }
  });
});

describe('SoftFloat, integers', () => {
  it('saturates what does not fit, and raises NV without NX', () => {
    const cases: readonly [bigint, FloatWidth, boolean, bigint][] = [
      [double(2 ** 31), 32, true, 0x7fff_ffffn],
      [double(-(2 ** 31) - 1), 32, true, -0x8000_0000n],
      [double(2 ** 32), 32, false, 0xffff_ffffn],
      [double(-1), 32, false, 0n],
      [double(2 ** 63), 64, true, 0x7fff_ffff_ffff_ffffn],
      [double(-1e300), 64, true, -0x8000_0000_0000_0000n],
      [double(2 ** 64), 64, false, 0xffff_ffff_ffff_ffffn],
      [double(-1e300), 64, false, 0n],
      [double(Infinity), 32, true, 0x7fff_ffffn],
      [double(-Infinity), 32, true, -0x8000_0000n],
      [double(-Infinity), 64, false, 0n],
      [0xfff8_0000_0000_0000n, 32, true, 0x7fff_ffffn],
      [0xfff0_0000_0000_0001n, 64, false, 0xffff_ffff_ffff_ffffn],
    ];
    for (const [bits, intWidth, isSigned, limit] of cases) {
      expect(outcome((fpu) => fpu.toInt(bits, 64, intWidth, isSigned, RTZ))).to.equal(text(limit, NV));
    }
  });

  it('rounds before it looks whether the integer fits', () => {
    expectModes((fpu, rm) => fpu.toInt(double(2.5), 64, 32, true, rm), [2n, 2n, 2n, 3n, 3n], NX);
    expectModes((fpu, rm) => fpu.toInt(double(-2.5), 64, 32, true, rm), [-2n, -2n, -3n, -2n, -3n], NX);
    const unsigned = (value: number, rm: number) => outcome((fpu) => fpu.toInt(double(value), 64, 32, false, rm));
    expect(unsigned(-0.5, RNE)).to.equal(text(0n, NX));
    expect(unsigned(-0.5, RMM)).to.equal(text(0n, NV));
    expect(unsigned(-0.25, RDN)).to.equal(text(0n, NV));
    expect(unsigned(-0.9, RTZ)).to.equal(text(0n, NX));
    expect(unsigned(2 ** 32 - 0.5, RTZ)).to.equal(text(0xffff_ffffn, NX));
    expect(unsigned(2 ** 32 - 0.5, RNE)).to.equal(text(0xffff_ffffn, NV));
    expect(outcome((fpu) => fpu.toInt(double(-(2 ** 31) - 0.5), 64, 32, true, RNE))).to.equal(text(-0x8000_0000n, NX));
    expect(outcome((fpu) => fpu.toInt(1n, 64, 64, true, RUP))).to.equal(text(1n, NX));
    expect(outcome((fpu) => fpu.toInt(MINUS, 32, 64, true, RDN))).to.equal(text(0n, 0));
  });

  it('makes numbers of integers, of which the low bits count', () => {
    expect(outcome((fpu) => fpu.fromInt(-1n, 32, true, 64, RNE))).to.equal(text(double(-1), 0));
    expect(outcome((fpu) => fpu.fromInt(-1n, 32, false, 64, RNE))).to.equal(text(double(2 ** 32 - 1), 0));
    expect(outcome((fpu) => fpu.fromInt(0xffff_ffff_8000_0000n, 32, true, 32, RNE))).to.equal(text(0xcf00_0000n, 0));
    expect(outcome((fpu) => fpu.fromInt(0n, 64, true, 64, RDN))).to.equal(text(0n, 0));
    const most = 0x4380_0000_0000_0000n + 0x70_0000_0000_0000n;
    expectModes((fpu, rm) => fpu.fromInt(-1n, 64, false, 64, rm), [most, most - 1n, most - 1n, most, most], NX);
  });
});

describe('SoftFloat, classes and boxes', () => {
  it('names the class of every kind of value', () => {
    const kinds: readonly [bigint, number][] = [
      [INFINITY | MINUS, FCLASS.negativeInfinity],
      [LEAST_NORMAL | MINUS, FCLASS.negativeNormal],
      [(LEAST_NORMAL - 1n) | MINUS, FCLASS.negativeSubnormal],
      [MINUS, FCLASS.negativeZero],
      [0n, FCLASS.positiveZero],
      [LEAST, FCLASS.positiveSubnormal],
      [MAX, FCLASS.positiveNormal],
      [INFINITY, FCLASS.positiveInfinity],
      [SIGNALING | MINUS, FCLASS.signalingNan],
      [PAYLOAD, FCLASS.quietNan],
    ];
    kinds.forEach(([bits, kind], bit) => {
      expect(kind).to.equal(1 << bit);
      expect(classify(bits, 32)).to.equal(kind);
    });
    expect(classify(0x7ff0_0000_0000_0001n, 64)).to.equal(FCLASS.signalingNan);
    expect(classify(double(-5e-324), 64)).to.equal(FCLASS.negativeSubnormal);
  });

  it('boxes a single and takes what is not boxed for the canonical NaN', () => {
    expect(boxSingle(ONE)).to.equal(0xffff_ffff_3f80_0000n);
    expect(unboxSingle(0xffff_ffff_3f80_0000n)).to.equal(ONE);
    expect(unboxSingle(0xffff_fffe_3f80_0000n)).to.equal(NAN);
    expect(unboxSingle(ONE)).to.equal(NAN);
  });
});

/** A normal operand, near enough to 1 that no operation leaves the normal numbers. */
function middling(random: Random, width: FloatWidth): bigint {
  const { bias, fractionShift, hiddenBit, signBit } = formatOf(width);
  const exponent = BigInt(bias - 30 + random.below(61)) << fractionShift;
  return (random.below(2) === 0 ? 0n : signBit) | exponent | (random64(random) & (hiddenBit - 1n));
}

describe('SoftFloat to nearest', () => {
  for (const width of [32, 64] as const) {
    it(`gives what JavaScript gives in binary${width}`, () => {
      const random = createRandom(`nearest/${width}`);
      const fpu = new SoftFloat();
      for (let i = 0; i < 20_000; i++) {
        const a = middling(random, width);
        const b = middling(random, width);
        const x = numberOf(a, width);
        const y = numberOf(b, width);
        const root = numberOf(a & ~formatOf(width).signBit, width);
        const pairs = [
          [fpu.add(a, b, width, RNE), x + y],
          [fpu.sub(a, b, width, RNE), x - y],
          [fpu.mul(a, b, width, RNE), x * y],
          [fpu.div(a, b, width, RNE), x / y],
          [fpu.sqrt(bitsOf(root, width), width, RNE), Math.sqrt(root)],
        ] as const;
        for (const [found, value] of pairs) {
          if (found !== bitsOf(value, width)) expect.fail(`${x}, ${y}: ${numberOf(found, width)} is not ${value}`);
        }
      }
    });
  }

  it('gathers flags until they are cleared', () => {
    const fpu = new SoftFloat();
    fpu.div(ONE, 0n, 32, RNE);
    fpu.div(ONE, bitsOf(3, 32), 32, RNE);
    expect(fpu.flags).to.equal(DZ | NX);
  });
});
