/** Seeded operands for the tests of floating-point: those that break implementations more often than chance would have them. */

import type { Random } from '../../base/index.js';
import { type FloatFormat, type FloatWidth, formatOf } from './float-format.js';

const scratch = new DataView(new ArrayBuffer(8));

/** Bit pattern of a number in `width` bits; rounds to binary32 as `Math.fround`. */
export function bitsOf(value: number, width: FloatWidth): bigint {
  if (width === 64) {
    scratch.setFloat64(0, value);
    return scratch.getBigUint64(0);
  }
  scratch.setFloat32(0, value);
  return BigInt(scratch.getUint32(0));
}

/** The number that a bit pattern stands for. */
export function numberOf(bits: bigint, width: FloatWidth): number {
  if (width === 64) {
    scratch.setBigUint64(0, bits);
    return scratch.getFloat64(0);
  }
  scratch.setUint32(0, Number(bits));
  return scratch.getFloat32(0);
}

export function random64(random: Random): bigint {
  return (BigInt(random.uint32()) << 32n) | BigInt(random.uint32());
}

/** Fractions with long runs of zeros or ones, a few single bits, or anything. */
function fraction(random: Random, format: FloatFormat): bigint {
  const all = format.hiddenBit - 1n;
  const run = all >> BigInt(random.below(format.fractionBits + 1));
  switch (random.below(6)) {
    case 0:
      return run;
    case 1:
      return all ^ run;
    case 2:
      return 1n << BigInt(random.below(format.fractionBits));
    case 3:
      // Half of the bits, so that products are exact or ties.
      return random64(random) & all & (all ^ (all >> BigInt((format.fractionBits / 2) | 0)));
    default:
      return random64(random) & all;
  }
}

/** Exponent fields near each other, near the ends, or anywhere; `near` is another operand's. */
function exponentField(random: Random, format: FloatFormat, near: number): number {
  const last = 2 * format.bias;
  switch (random.below(8)) {
    case 0:
      return random.below(3);
    case 1:
      return last - random.below(3);
    case 2:
      return format.bias - 2 + random.below(66);
    case 3:
      return random.below(last + 1);
    case 4:
      // Together with `near` at the edge of underflow or overflow of a product.
      return Math.min(last, Math.max(0, (random.below(2) === 0 ? 1 : 3) * format.bias - near - 30 + random.below(60)));
    default:
      return Math.min(last, Math.max(0, near - format.fractionBits - 3 + random.below(2 * format.fractionBits + 7)));
  }
}

/** One operand, of any class. */
export function operand(random: Random, width: FloatWidth, near: bigint): bigint {
  const format = formatOf(width);
  const sign = random.below(2) === 0 ? 0n : format.signBit;
  switch (random.below(24)) {
    case 0:
      return sign;
    case 1:
      return sign | format.infinity;
    case 2:
      return sign | format.infinity | (random64(random) & (format.hiddenBit - 1n));
    case 3:
      return near ^ sign;
    default: {
      const nearField = Number((near & format.infinity) >> format.fractionShift);
      const field = BigInt(exponentField(random, format, nearField));
      return sign | (field << format.fractionShift) | fraction(random, format);
    }
  }
}
