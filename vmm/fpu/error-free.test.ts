/** Proves by brute force, against SoftFloat, what the fast path may conclude from the host's arithmetic. */

import { expect } from 'chai';
import { createRandom, type Random } from '../../base/index.js';
import {
  EXACTNESS,
  type Exactness,
  type Fused,
  fusedMultiplyAdd32,
  fusedMultiplyAdd64,
  productError,
  productExactness,
  productExactness32,
  quotientExactness,
  quotientExactness32,
  rootExactness,
  rootExactness32,
  sumExactness,
  twoSumError,
} from './error-free.js';
import { FFLAGS, type FloatWidth, formatOf, ROUNDING } from './float-format.js';
import { bitsOf, numberOf, operand, random64 } from './operand-test-source.js';
import { SoftFloat } from './soft-float.js';

const COUNT = process.env.RIGVISOR_NIGHTLY === '1' ? 1_000_000 : 10_000;
const { RNE } = ROUNDING;

interface Operands {
  a: number;
  b: number;
  c: number;
}

/** One operation: by the host with what is concluded from it, and by SoftFloat. */
interface Subject {
  readonly name: string;
  readonly width: FloatWidth;
  readonly host: (operands: Operands, out: Fused) => void;
  readonly exact: (fpu: SoftFloat, a: bigint, b: bigint, c: bigint) => bigint;
  /** The widest range that is promised, told by biased exponents (0 for zeros and subnormals) of operands and result. */
  readonly promises: (a: number, b: number, c: number, product: number, result: number) => boolean;
}

function subject(
  name: string,
  width: FloatWidth,
  host: (a: number, b: number, c: number) => number,
  conclude: (a: number, b: number, result: number) => Exactness,
  exact: Subject['exact'],
  promises: Subject['promises'],
): Subject {
  return {
    name: `${name} in binary${width}`,
    width,
    host: ({ a, b, c }, out) => {
      out.value = host(a, b, c);
      out.exactness = conclude(a, b, out.value);
    },
    exact,
    promises,
  };
}

function within(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}

const { fround } = Math;
const LAST_32 = 254;
const LAST_64 = 2046;

const SUBJECTS: readonly Subject[] = [
  subject(
    'a sum',
    64,
    (a, b) => a + b,
    sumExactness,
    (fpu, a, b) => fpu.add(a, b, 64, RNE),
    (a, b, _c, _product, result) => within(Math.max(a, b, result), 0, LAST_64),
  ),
  subject(
    'a product',
    64,
    (a, b) => a * b,
    productExactness,
    (fpu, a, b) => fpu.mul(a, b, 64, RNE),
    (a, b, _c, _product, result) => within(a, 1, LAST_64) && within(b, 1, LAST_64) && within(result, 2, LAST_64),
  ),
  subject(
    'a quotient',
    64,
    (a, b) => a / b,
    quotientExactness,
    (fpu, a, b) => fpu.div(a, b, 64, RNE),
    // The product of quotient and divisor must not leave the normal numbers either.
    (a, b, _c, _product, result) => within(a, 2, LAST_64 - 1) && within(b, 1, LAST_64) && within(result, 2, LAST_64),
  ),
  subject(
    'a square root',
    64,
    (a) => Math.sqrt(a),
    (a, _b, root) => rootExactness(a, root),
    (fpu, a) => fpu.sqrt(a, 64, RNE),
    (a, _b, _c, _product, result) => within(a, 2, LAST_64) && within(result, 1, LAST_64),
  ),
  subject(
    'a sum',
    32,
    (a, b) => fround(a + b),
    sumExactness,
    (fpu, a, b) => fpu.add(a, b, 32, RNE),
    (a, b, _c, _product, result) => within(Math.max(a, b, result), 0, LAST_32),
  ),
  subject(
    'a product',
    32,
    (a, b) => fround(a * b),
    productExactness32,
    (fpu, a, b) => fpu.mul(a, b, 32, RNE),
    (a, b, _c, _product, result) => within(Math.max(a, b), 0, LAST_32) && within(result, 2, LAST_32),
  ),
  subject(
    'a quotient',
    32,
    (a, b) => fround(a / b),
    quotientExactness32,
    (fpu, a, b) => fpu.div(a, b, 32, RNE),
    (a, b, _c, _product, result) => within(Math.max(a, b), 0, LAST_32) && within(result, 2, LAST_32),
  ),
  subject(
    'a square root',
    32,
    (a) => fround(Math.sqrt(a)),
    (a, _b, root) => rootExactness32(a, root),
    (fpu, a) => fpu.sqrt(a, 32, RNE),
    (a, _b, _c, _product, result) => within(a, 0, LAST_32) && within(result, 1, LAST_32),
  ),
  {
    name: 'a multiply-add in binary64',
    width: 64,
    host: ({ a, b, c }, out) => fusedMultiplyAdd64(a, b, c, out),
    exact: (fpu, a, b, c) => fpu.fusedMultiplyAdd(a, b, c, 64, RNE),
    promises: (a, b, c, product) => within(Math.max(a, b), 0, 2018) && c <= 2043 && within(product, 54, 2043),
  },
  {
    name: 'a multiply-add in binary32',
    width: 32,
    host: ({ a, b, c }, out) => fusedMultiplyAdd32(a, b, c, out),
    exact: (fpu, a, b, c) => fpu.fusedMultiplyAdd(a, b, c, 32, RNE),
    promises: (a, b, c, _product, result) => within(Math.max(a, b, c), 0, LAST_32) && within(result, 2, LAST_32),
  },
];

function exponentOf(value: number, width: FloatWidth): number {
  const format = formatOf(width);
  return Number((bitsOf(value, width) & format.infinity) >> format.fractionShift);
}

/** Operands of few bits now and then, so that exact results and those one bit from it are as common as others. */
function draw(random: Random, width: FloatWidth, out: Operands): void {
  const { infinity, fractionBits, signBit } = formatOf(width);
  const start = random.below(2) === 0 ? infinity >> 1n : random64(random) & (infinity >> 1n);
  const shorten = (bits: bigint): bigint => {
    if (random.below(2) === 0) return bits;
    const places = BigInt(random.below(fractionBits + 1));
    return (bits >> places) << places;
  };
  const a = shorten(operand(random, width, start));
  let b = shorten(operand(random, width, a));
  if (random.below(8) === 0) {
    // Squares, and the dividend that a product makes.
    out.b = numberOf(b, width);
    const product = out.b * numberOf(random.below(2) === 0 ? b : a, width);
    out.a = width === 32 ? fround(product) : product;
  } else {
    out.a = numberOf(a, width);
    if (random.below(16) === 0) b = a ^ signBit;
    out.b = numberOf(b, width);
  }
  const product = bitsOf(out.a * out.b, width);
  out.c = numberOf(shorten(random.below(4) === 0 ? product ^ signBit : operand(random, width, product)), width);
}

describe('conclusions from rounding to nearest', () => {
  for (const { name, width, host, exact, promises } of SUBJECTS) {
    it(`tell exact from inexact for ${name}, and never leave the promised range unproven`, function () {
      this.timeout(300_000);
      const random = createRandom(name);
      const fpu = new SoftFloat();
      const operands: Operands = { a: 0, b: 0, c: 0 };
      const out: Fused = { value: 0, exactness: EXACTNESS.unproven };
      const seen = [0, 0, 0];
      for (let i = 0; i < COUNT; i++) {
        draw(random, width, operands);
        const { a, b, c } = operands;
        host(operands, out);
        seen[out.exactness]++;
        fpu.flags = 0;
        const bits = exact(fpu, bitsOf(a, width), bitsOf(b, width), bitsOf(c, width));
        if (out.exactness !== EXACTNESS.unproven) {
          const flags = out.exactness === EXACTNESS.exact ? 0 : FFLAGS.NX;
          if (bits === bitsOf(out.value, width) && fpu.flags === flags) continue;
          expect.fail(`${a}, ${b}, ${c}: ${out.value} (${out.exactness}), but ${numberOf(bits, width)} (${fpu.flags})`);
        }
        const [ea, eb, ec, product] = [a, b, c, a * b].map((value) => exponentOf(value, width));
        const result = Number((bits & formatOf(width).infinity) >> formatOf(width).fractionShift);
        if (promises(ea, eb, ec, product, result)) expect.fail(`${a}, ${b}, ${c} are in range, but unproven`);
      }
      for (const count of seen) expect(count, `exact, inexact, unproven: ${seen}`).to.be.above(COUNT / 50);
    });
  }

  it('hold for zeros', () => {
    const out: Fused = { value: 1, exactness: EXACTNESS.unproven };
    for (const zero of [0, -0]) {
      expect(sumExactness(zero, 3, 3)).to.equal(EXACTNESS.exact);
      expect(sumExactness(3, -3, 0)).to.equal(EXACTNESS.exact);
      expect(sumExactness(zero, -0, zero)).to.equal(EXACTNESS.exact);
      for (const conclude of [productExactness, productExactness32]) {
        expect(conclude(zero, 3, zero)).to.equal(EXACTNESS.exact);
        expect(conclude(3, zero, zero)).to.equal(EXACTNESS.exact);
        expect(conclude(zero, Infinity, Number.NaN)).to.equal(EXACTNESS.unproven);
        expect(conclude(2 ** -140, 2 ** -1000, zero)).to.equal(EXACTNESS.unproven);
      }
      for (const conclude of [quotientExactness, quotientExactness32]) {
        expect(conclude(zero, 3, zero)).to.equal(EXACTNESS.exact);
        expect(conclude(zero, zero, Number.NaN)).to.equal(EXACTNESS.unproven);
        expect(conclude(3, zero, Infinity)).to.equal(EXACTNESS.unproven);
        expect(conclude(3, Infinity, zero)).to.equal(EXACTNESS.unproven);
      }
      for (const conclude of [rootExactness, rootExactness32]) {
        expect(conclude(zero, zero)).to.equal(EXACTNESS.exact);
        expect(conclude(-1, Number.NaN)).to.equal(EXACTNESS.unproven);
      }
      for (const fused of [fusedMultiplyAdd64, fusedMultiplyAdd32]) {
        fused(zero, 3, zero, out);
        expect(out).to.deep.equal({ value: zero, exactness: EXACTNESS.exact });
        fused(zero, -3, zero, out);
        expect(out).to.deep.equal({ value: 0, exactness: EXACTNESS.exact });
        fused(5, zero, -7, out);
        expect(out).to.deep.equal({ value: -7, exactness: EXACTNESS.exact });
        fused(3, 5, -15, out);
        expect(out).to.deep.equal({ value: 0, exactness: EXACTNESS.exact });
        fused(zero, 5, Infinity, out);
        expect(out.exactness).to.equal(EXACTNESS.unproven);
      }
    }
  });
});

/** A number whose biased exponent lies from `low` to `high`, or zero. */
function between(random: Random, low: number, high: number): number {
  if (random.below(50) === 0) return random.below(2) === 0 ? 0 : -0;
  const places = BigInt(random.below(3) === 0 ? random.below(53) : 0);
  const fraction = (BigInt.asUintN(52, random64(random)) >> places) << places;
  const exponent = BigInt(low + random.below(high - low + 1)) << 52n;
  return numberOf((BigInt(random.below(2)) << 63n) | exponent | fraction, 64);
}

describe('error terms', () => {
  it('of a sum vanish exactly where the sum is exact, for biased exponents 0 to 2045', function () {
    this.timeout(300_000);
    const random = createRandom('TwoSum');
    for (let i = 0; i < COUNT; i++) {
      const a = between(random, 0, 2045);
      const near = exponentOf(a, 64);
      const b = random.below(4) === 0 ? between(random, 0, 2045) : between(random, Math.max(0, near - 60), near);
      const error = twoSumError(a, b, a + b);
      if ((error === 0) !== (sumExactness(a, b, a + b) === EXACTNESS.exact)) expect.fail(`${a} + ${b}: ${error}`);
      // Where neither step of SoftFloat's rounds, they leave the same.
      const fpu = new SoftFloat();
      const rest = fpu.add(fpu.sub(bitsOf(a, 64), bitsOf(a + b, 64), 64, RNE), bitsOf(b, 64), 64, RNE);
      if (fpu.flags === 0 && numberOf(rest, 64) !== error) expect.fail(`${a} + ${b}: ${error}`);
    }
  });

  it('of a product are exact for operands to 2018 and products of 54 to 2045', function () {
    this.timeout(300_000);
    const random = createRandom('Dekker');
    const fpu = new SoftFloat();
    let count = 0;
    for (let i = 0; i < COUNT; i++) {
      const a = between(random, 0, 2018);
      // Half of the products at one of the ends.
      const end = random.below(2) === 0 ? 1077 : 3068;
      const aim = random.below(2) === 0 ? random.below(2019) : end - exponentOf(a, 64);
      const b = between(random, Math.min(2018, Math.max(0, aim - 2)), Math.min(2018, Math.max(0, aim + 2)));
      const product = a * b;
      if (a !== 0 && b !== 0 && !within(exponentOf(product, 64), 54, 2045)) continue;
      count++;
      fpu.flags = 0;
      const sign = formatOf(64).signBit;
      const exact = fpu.fusedMultiplyAdd(bitsOf(a, 64), bitsOf(b, 64), bitsOf(product, 64) ^ sign, 64, RNE);
      const error = productError(a, b, product);
      if (fpu.flags !== 0 || numberOf(exact, 64) !== error) expect.fail(`${a} × ${b}: ${error}`);
    }
    expect(count).to.be.above(COUNT / 4);
  });

  it('of a product tell exact quotients and roots from others, for dividends and squares of 55 to 2044', function () {
    this.timeout(300_000);
    const random = createRandom('remainders');
    const isExact = (a: number, b: number, c: number) => a * b === c && productError(a, b, a * b) === 0;
    const seen = [0, 0, 0];
    for (let i = 0; i < COUNT; i++) {
      const b = between(random, 0, 2018);
      const near = exponentOf(b, 64);
      const isMultiple = random.below(2) === 0;
      const a = isMultiple ? b * between(random, 1018, 1028) : between(random, Math.max(55, near - 995), 2044);
      const field = exponentOf(a, 64);
      if (b === 0 || !within(field, 55, 2044) || !within(exponentOf(a / b, 64), 2, 2018)) continue;
      const quotient = quotientExactness(a, b, a / b);
      seen[quotient]++;
      if (isExact(a / b, b, a) !== (quotient === EXACTNESS.exact)) expect.fail(`${a} / ${b}`);
      const square = random.below(2) === 0 ? Math.abs(a) : fround(Math.sqrt(Math.abs(a))) ** 2;
      const root = Math.sqrt(square);
      if (isExact(root, root, square) !== (rootExactness(square, root) === EXACTNESS.exact)) expect.fail(`√${square}`);
    }
    expect(Math.min(seen[EXACTNESS.exact], seen[EXACTNESS.inexact]), `${seen}`).to.be.above(COUNT / 50);
  });
});
