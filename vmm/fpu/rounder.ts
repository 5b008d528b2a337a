/** Rounds exact values to a format or to an integer, in every rounding mode, and raises what that raises. */

import { FFLAGS, type FloatFormat, ROUNDING } from './float-format.js';

const scratch = new DataView(new ArrayBuffer(8));

/** Bits of a positive integer below 2^1000. */
export function bitLength(value: bigint): number {
  scratch.setFloat64(0, Number(value));
  const length = (scratch.getUint16(0) >>> 4) - 1022;
  // The conversion rounds, so it may have arrived at the next power of two.
  return value >> BigInt(length - 1) === 0n ? length - 1 : length;
}

/** Whether a magnitude goes up to the next one; `half` is the sign of what is dropped less one half. */
function goesUp(rm: number, isNegative: boolean, isOdd: boolean, half: number): boolean {
  switch (rm) {
    case ROUNDING.RNE:
      return half > 0 || (half === 0 && isOdd);
    case ROUNDING.RDN:
      return isNegative;
    case ROUNDING.RUP:
      return !isNegative;
    case ROUNDING.RMM:
      return half >= 0;
    default:
      return false;
  }
}

/** One per hart: `flags` gathers what operations raise until its owner clears it. */
export class Rounder {
  /** Exceptions since it was cleared, `FFLAGS`. */
  flags = 0;
  /** Whether the last call of `shiftRight` dropped anything. */
  protected isInexact = false;

  /** `value` / 2^`places`, rounded to an integer; `length` is the value's. A negative number of places is exact. */
  protected shiftRight(value: bigint, length: number, places: number, isNegative: boolean, rm: number): bigint {
    this.isInexact = false;
    if (places <= 0) return value << BigInt(-places);
    // Further out there is nothing but less than one half.
    const count = Math.min(places, length + 2);
    const dropped = BigInt.asUintN(count, value);
    const kept = value >> BigInt(count);
    if (dropped === 0n) return kept;
    this.isInexact = true;
    const middle = 1n << BigInt(count - 1);
    const half = dropped > middle ? 1 : dropped === middle ? 0 : -1;
    return goesUp(rm, isNegative, (kept & 1n) === 1n, half) ? kept + 1n : kept;
  }

  /**
   * The bits of ±`significand` × 2^`exponent`. The significand is positive; where it stands for a value that is not
   * exact, it has at least two bits more than the format and its lowest bit is set.
   */
  protected round(format: FloatFormat, isNegative: boolean, significand: bigint, exponent: number, rm: number): bigint {
    const length = bitLength(significand);
    const leading = exponent + length - 1;
    const sign = isNegative ? format.signBit : 0n;
    if (leading < format.minExponent) {
      const places = format.minExponent - format.fractionBits - exponent;
      const rounded = this.shiftRight(significand, length, places, isNegative, rm);
      if (this.isInexact) {
        this.flags |= FFLAGS.NX;
        if (leading < format.minExponent - 1 || this.#isTiny(format, isNegative, significand, length, rm)) {
          this.flags |= FFLAGS.UF;
        }
      }
      return sign | rounded;
    }
    const rounded = this.shiftRight(significand, length, length - 1 - format.fractionBits, isNegative, rm);
    // The leading one of the significand adds the last one to the exponent; a carry adds another.
    const magnitude = (BigInt(leading + format.bias - 1) << format.fractionShift) + rounded;
    if (magnitude >= format.infinity) return sign | this.#overflow(format, isNegative, rm);
    if (this.isInexact) this.flags |= FFLAGS.NX;
    return sign | magnitude;
  }

  /** Whether a value just below the normal numbers stays there when the exponent's range is no limit (section 11.2). */
  #isTiny(format: FloatFormat, isNegative: boolean, significand: bigint, length: number, rm: number): boolean {
    const rounded = this.shiftRight(significand, length, length - 1 - format.fractionBits, isNegative, rm);
    return rounded < format.hiddenBit << 1n;
  }

  #overflow(format: FloatFormat, isNegative: boolean, rm: number): bigint {
    this.flags |= FFLAGS.OF | FFLAGS.NX;
    const staysFinite = rm === ROUNDING.RTZ || rm === (isNegative ? ROUNDING.RUP : ROUNDING.RDN);
    return staysFinite ? format.infinity - 1n : format.infinity;
  }
}
