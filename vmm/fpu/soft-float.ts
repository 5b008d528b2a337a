/** Exact binary32 and binary64 arithmetic as F and D define it, for what the engines' fast paths leave over. */

import {
  exponentOf,
  FFLAGS,
  type FloatFormat,
  type FloatWidth,
  formatOf,
  isNan,
  isSignalingNan,
  magnitudeOf,
  ROUNDING,
  significandOf,
} from './float-format.js';
import { bitLength, Rounder } from './rounder.js';

/** Terms whose exponents are further apart do not overlap: the smaller one (106 bits at most) only decides how to round. */
const FAR = 192;
/** Places below the larger term where a far one is noted. */
const GUARD = 64;

/** ⌊√value⌋ of a positive integer below 2^112. */
function integerSqrt(value: bigint): bigint {
  const estimate = BigInt(Math.floor(Math.sqrt(Number(value))));
  // One step of Newton's doubles the 52 bits that are right; it never ends below the root.
  let root = (estimate + value / estimate) >> 1n;
  while (root * root > value) root -= 1n;
  return root;
}

/**
 * Operands and results are bit patterns, unsigned and of the operation's width: unboxed, the caller's business
 * (`unboxSingle`, `boxSingle`). Rounding modes are 0 to 4 as in `ROUNDING`; the caller has refused the others and
 * resolved DYN. Every NaN result is the canonical one; tininess is detected after rounding (Unprivileged 20191213,
 * sections 11.2 to 11.8). `flags` gathers; nothing here clears it.
 */
export class SoftFloat extends Rounder {
  add(a: bigint, b: bigint, width: FloatWidth, rm: number): bigint {
    const format = formatOf(width);
    const aMagnitude = magnitudeOf(format, a);
    const bMagnitude = magnitudeOf(format, b);
    if (aMagnitude > format.infinity || bMagnitude > format.infinity) return this.#propagate(format, a, b);
    if (aMagnitude === format.infinity) {
      return bMagnitude === format.infinity && a !== b ? this.#invalid(format) : a;
    }
    if (bMagnitude === format.infinity) return b;
    return this.#sum(
      format,
      a >= format.signBit,
      significandOf(format, aMagnitude),
      exponentOf(format, aMagnitude),
      b >= format.signBit,
      significandOf(format, bMagnitude),
      exponentOf(format, bMagnitude),
      rm,
    );
  }

  sub(a: bigint, b: bigint, width: FloatWidth, rm: number): bigint {
    return this.add(a, b ^ formatOf(width).signBit, width, rm);
  }

  mul(a: bigint, b: bigint, width: FloatWidth, rm: number): bigint {
    const format = formatOf(width);
    const aMagnitude = magnitudeOf(format, a);
    const bMagnitude = magnitudeOf(format, b);
    const isNegative = a >= format.signBit !== b >= format.signBit;
    const sign = isNegative ? format.signBit : 0n;
    if (aMagnitude > format.infinity || bMagnitude > format.infinity) return this.#propagate(format, a, b);
    if (aMagnitude === format.infinity || bMagnitude === format.infinity) {
      return aMagnitude === 0n || bMagnitude === 0n ? this.#invalid(format) : sign | format.infinity;
    }
    if (aMagnitude === 0n || bMagnitude === 0n) return sign;
    const product = significandOf(format, aMagnitude) * significandOf(format, bMagnitude);
    const exponent = exponentOf(format, aMagnitude) + exponentOf(format, bMagnitude);
    return this.round(format, isNegative, product, exponent, rm);
  }

  div(a: bigint, b: bigint, width: FloatWidth, rm: number): bigint {
    const format = formatOf(width);
    const aMagnitude = magnitudeOf(format, a);
    const bMagnitude = magnitudeOf(format, b);
    const isNegative = a >= format.signBit !== b >= format.signBit;
    const sign = isNegative ? format.signBit : 0n;
    if (aMagnitude > format.infinity || bMagnitude > format.infinity) return this.#propagate(format, a, b);
    if (aMagnitude === format.infinity) {
      return bMagnitude === format.infinity ? this.#invalid(format) : sign | format.infinity;
    }
    if (bMagnitude === format.infinity) return sign;
    if (bMagnitude === 0n) {
      if (aMagnitude === 0n) return this.#invalid(format);
      this.flags |= FFLAGS.DZ;
      return sign | format.infinity;
    }
    if (aMagnitude === 0n) return sign;
    const dividend = significandOf(format, aMagnitude);
    const divisor = significandOf(format, bMagnitude);
    const places = format.fractionBits + 3 + bitLength(divisor) - bitLength(dividend);
    const scaled = dividend << BigInt(places);
    const quotient = scaled / divisor;
    const exponent = exponentOf(format, aMagnitude) - exponentOf(format, bMagnitude) - places;
    const isExact = quotient * divisor === scaled;
    return this.round(format, isNegative, isExact ? quotient : quotient | 1n, exponent, rm);
  }

  sqrt(a: bigint, width: FloatWidth, rm: number): bigint {
    const format = formatOf(width);
    const magnitude = magnitudeOf(format, a);
    if (magnitude > format.infinity) return this.#propagate(format, a, 0n);
    if (magnitude === 0n) return a;
    if (a >= format.signBit) return this.#invalid(format);
    if (magnitude === format.infinity) return a;
    const significand = significandOf(format, magnitude);
    const exponent = exponentOf(format, magnitude);
    // Twice the bits of the root and of its two bits for rounding; what is left of the exponent must be even.
    const wanted = 2 * format.fractionBits + 6 - bitLength(significand);
    const places = (exponent - wanted) % 2 === 0 ? wanted : wanted + 1;
    const scaled = significand << BigInt(places);
    const root = integerSqrt(scaled);
    const isExact = root * root === scaled;
    return this.round(format, false, isExact ? root : root | 1n, (exponent - places) / 2, rm);
  }

  /** `a` × `b` + `c`, rounded once; FMSUB, FNMSUB and FNMADD are this with signs that the caller turns over. */
  fusedMultiplyAdd(a: bigint, b: bigint, c: bigint, width: FloatWidth, rm: number): bigint {
    const format = formatOf(width);
    const aMagnitude = magnitudeOf(format, a);
    const bMagnitude = magnitudeOf(format, b);
    const cMagnitude = magnitudeOf(format, c);
    const isInfinite = aMagnitude === format.infinity || bMagnitude === format.infinity;
    // ∞ × 0 is invalid even where the addend is a quiet NaN (section 11.6).
    if (isInfinite && (aMagnitude === 0n || bMagnitude === 0n)) return this.#invalid(format);
    if (aMagnitude > format.infinity || bMagnitude > format.infinity || cMagnitude > format.infinity) {
      if (isSignalingNan(format, c)) this.flags |= FFLAGS.NV;
      return this.#propagate(format, a, b);
    }
    const isNegative = a >= format.signBit !== b >= format.signBit;
    if (isInfinite) {
      const product = (isNegative ? format.signBit : 0n) | format.infinity;
      return cMagnitude === format.infinity && c !== product ? this.#invalid(format) : product;
    }
    if (cMagnitude === format.infinity) return c;
    return this.#sum(
      format,
      isNegative,
      significandOf(format, aMagnitude) * significandOf(format, bMagnitude),
      exponentOf(format, aMagnitude) + exponentOf(format, bMagnitude),
      c >= format.signBit,
      significandOf(format, cMagnitude),
      exponentOf(format, cMagnitude),
      rm,
    );
  }

  /** minimumNumber of IEEE 754-2019, as F 2.2 has it: a NaN gives way to a number, -0 is less than +0. */
  min(a: bigint, b: bigint, width: FloatWidth): bigint {
    return this.#select(a, b, formatOf(width), true);
  }

  /** maximumNumber of IEEE 754-2019, as F 2.2 has it. */
  max(a: bigint, b: bigint, width: FloatWidth): bigint {
    return this.#select(a, b, formatOf(width), false);
  }

  /** FEQ: quiet, so that a signaling NaN alone is invalid. */
  eq(a: bigint, b: bigint, width: FloatWidth): boolean {
    const format = formatOf(width);
    if (isNan(format, a) || isNan(format, b)) {
      this.#propagate(format, a, b);
      return false;
    }
    return a === b || magnitudeOf(format, a | b) === 0n;
  }

  /** FLT: signaling, so that any NaN is invalid. */
  lt(a: bigint, b: bigint, width: FloatWidth): boolean {
    const format = formatOf(width);
    if (isNan(format, a) || isNan(format, b)) {
      this.flags |= FFLAGS.NV;
      return false;
    }
    return magnitudeOf(format, a | b) !== 0n && isBelow(format, a, b);
  }

  /** FLE: signaling, so that any NaN is invalid. */
  le(a: bigint, b: bigint, width: FloatWidth): boolean {
    const format = formatOf(width);
    if (isNan(format, a) || isNan(format, b)) {
      this.flags |= FFLAGS.NV;
      return false;
    }
    return magnitudeOf(format, a | b) === 0n || !isBelow(format, b, a);
  }

  /**
   * The integer that FCVT.int.fmt rounds to, in its own sign: the caller extends it to XLEN (the 32-bit ones sign-extend,
   * unsigned too). What does not fit is invalid and gives the nearest limit, a NaN the largest (table 11.4).
   */
  toInt(bits: bigint, width: FloatWidth, intWidth: FloatWidth, isSigned: boolean, rm: number): bigint {
    const format = formatOf(width);
    const magnitude = magnitudeOf(format, bits);
    const isNegative = bits >= format.signBit && magnitude <= format.infinity;
    const max = isSigned ? (1n << BigInt(intWidth - 1)) - 1n : (1n << BigInt(intWidth)) - 1n;
    const min = isSigned ? -max - 1n : 0n;
    const exponent = exponentOf(format, magnitude);
    if (magnitude < format.infinity && exponent < intWidth) {
      const significand = significandOf(format, magnitude);
      const rounded = this.shiftRight(significand, format.fractionBits + 1, -exponent, isNegative, rm);
      const value = isNegative ? -rounded : rounded;
      if (value >= min && value <= max) {
        if (this.isInexact) this.flags |= FFLAGS.NX;
        return value;
      }
    }
    this.flags |= FFLAGS.NV;
    return isNegative ? min : max;
  }

  /** FCVT.fmt.int; of `value` the low `intWidth` bits count, so it may be a register as it is. */
  fromInt(value: bigint, intWidth: FloatWidth, isSigned: boolean, width: FloatWidth, rm: number): bigint {
    const integer = isSigned ? BigInt.asIntN(intWidth, value) : BigInt.asUintN(intWidth, value);
    if (integer === 0n) return 0n;
    return this.round(formatOf(width), integer < 0n, integer < 0n ? -integer : integer, 0, rm);
  }

  /** FCVT between the formats. */
  convert(bits: bigint, from: FloatWidth, to: FloatWidth, rm: number): bigint {
    const source = formatOf(from);
    const target = formatOf(to);
    const magnitude = magnitudeOf(source, bits);
    const isNegative = bits >= source.signBit;
    if (magnitude > source.infinity) {
      this.#propagate(source, bits, 0n);
      return target.canonicalNan;
    }
    if (magnitude === 0n || magnitude === source.infinity) {
      return (isNegative ? target.signBit : 0n) | (magnitude === 0n ? 0n : target.infinity);
    }
    return this.round(target, isNegative, significandOf(source, magnitude), exponentOf(source, magnitude), rm);
  }

  #invalid(format: FloatFormat): bigint {
    this.flags |= FFLAGS.NV;
    return format.canonicalNan;
  }

  /** The result where an operand is a NaN. */
  #propagate(format: FloatFormat, a: bigint, b: bigint): bigint {
    if (isSignalingNan(format, a) || isSignalingNan(format, b)) this.flags |= FFLAGS.NV;
    return format.canonicalNan;
  }

  #select(a: bigint, b: bigint, format: FloatFormat, wantsLess: boolean): bigint {
    const isNanA = isNan(format, a);
    const isNanB = isNan(format, b);
    if (isNanA || isNanB) {
      this.#propagate(format, a, b);
      return isNanA ? (isNanB ? format.canonicalNan : b) : a;
    }
    return isBelow(format, a, b) === wantsLess ? a : b;
  }

  /** The rounded sum of two exact finite terms. */
  #sum(
    format: FloatFormat,
    aNegative: boolean,
    aSignificand: bigint,
    aExponent: number,
    bNegative: boolean,
    bSignificand: bigint,
    bExponent: number,
    rm: number,
  ): bigint {
    if (aExponent < bExponent) {
      return this.#sum(format, bNegative, bSignificand, bExponent, aNegative, aSignificand, aExponent, rm);
    }
    if (bSignificand === 0n && aSignificand !== 0n) return this.round(format, aNegative, aSignificand, aExponent, rm);
    let distance = aExponent - bExponent;
    let b = bSignificand;
    if (distance > FAR && aSignificand !== 0n) {
      distance = GUARD;
      b = 1n;
    }
    const aligned = aSignificand << BigInt(distance);
    const sum = (aNegative ? -aligned : aligned) + (bNegative ? -b : b);
    if (sum === 0n) {
      const isNegative = aligned === 0n && aNegative === bNegative ? aNegative : rm === ROUNDING.RDN;
      return isNegative ? format.signBit : 0n;
    }
    return this.round(format, sum < 0n, sum < 0n ? -sum : sum, aExponent - distance, rm);
  }
}

/** Order of the patterns of numbers, with -0 below +0. */
function isBelow(format: FloatFormat, a: bigint, b: bigint): boolean {
  if (a >= format.signBit) return b < format.signBit || a > b;
  return b < format.signBit && a < b;
}
