/** The two interchange formats, the rounding modes and the flags, as F and D number them (Unprivileged 20191213, ch. 11, 12). */

export type FloatWidth = 32 | 64;

/** Rounding modes as `frm` numbers them (table 11.1). */
export const ROUNDING = { RNE: 0, RTZ: 1, RDN: 2, RUP: 3, RMM: 4 } as const;

/** Accrued exceptions as `fflags` numbers them (table 11.2). */
export const FFLAGS = { NX: 1, UF: 2, OF: 4, DZ: 8, NV: 16 } as const;

/** Constants of one format; a finite value is significand × 2^(exponent - bias - fractionBits). */
export interface FloatFormat {
  /** Bits of the fraction field: the precision without its leading one. */
  readonly fractionBits: number;
  readonly fractionShift: bigint;
  readonly bias: number;
  /** Exponent of the smallest normal number. */
  readonly minExponent: number;
  readonly signBit: bigint;
  /** Pattern of 1 in the exponent field alone: the leading one of a normal significand, and the smallest normal number. */
  readonly hiddenBit: bigint;
  readonly infinity: bigint;
  readonly canonicalNan: bigint;
  /** The bit that tells a quiet NaN from a signaling one. */
  readonly quietBit: bigint;
}

function makeFormat(width: FloatWidth, fractionBits: number): FloatFormat {
  const fractionShift = BigInt(fractionBits);
  const exponentBits = width - 1 - fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const infinity = ((1n << BigInt(exponentBits)) - 1n) << fractionShift;
  const quietBit = 1n << (fractionShift - 1n);
  return {
    fractionBits,
    fractionShift,
    bias,
    minExponent: 1 - bias,
    signBit: 1n << BigInt(width - 1),
    hiddenBit: 1n << fractionShift,
    infinity,
    canonicalNan: infinity | quietBit,
    quietBit,
  };
}

export const BINARY32 = makeFormat(32, 23);
export const BINARY64 = makeFormat(64, 52);

export function formatOf(width: FloatWidth): FloatFormat {
  return width === 32 ? BINARY32 : BINARY64;
}

/** `bits` without its sign. */
export function magnitudeOf(format: FloatFormat, bits: bigint): bigint {
  return bits >= format.signBit ? bits - format.signBit : bits;
}

export function isNan(format: FloatFormat, bits: bigint): boolean {
  return magnitudeOf(format, bits) > format.infinity;
}

export function isSignalingNan(format: FloatFormat, bits: bigint): boolean {
  return isNan(format, bits) && (bits & format.quietBit) === 0n;
}

/** Integer significand of a finite value, its leading one included. */
export function significandOf(format: FloatFormat, magnitude: bigint): bigint {
  if (magnitude < format.hiddenBit) return magnitude;
  return BigInt.asUintN(format.fractionBits, magnitude) | format.hiddenBit;
}

/** Exponent of the significand's lowest bit. */
export function exponentOf(format: FloatFormat, magnitude: bigint): number {
  const field = Number(magnitude >> format.fractionShift);
  return (field === 0 ? 1 : field) - format.bias - format.fractionBits;
}

const BOX = 0xffff_ffff_0000_0000n;

/** The binary32 value that a 64-bit register holds: the canonical NaN where it is not NaN-boxed (section 12.2). */
export function unboxSingle(bits64: bigint): bigint {
  return bits64 >= BOX ? bits64 - BOX : BINARY32.canonicalNan;
}

/** The 64-bit register that holds a binary32 value (section 12.2). */
export function boxSingle(bits32: bigint): bigint {
  return BOX | bits32;
}

/** Bits that `fclass` sets, as the manual numbers them (table 11.5). */
export const FCLASS = {
  negativeInfinity: 0x001,
  negativeNormal: 0x002,
  negativeSubnormal: 0x004,
  negativeZero: 0x008,
  positiveZero: 0x010,
  positiveSubnormal: 0x020,
  positiveNormal: 0x040,
  positiveInfinity: 0x080,
  signalingNan: 0x100,
  quietNan: 0x200,
} as const;

/** The one bit of `FCLASS` that describes a value; raises nothing. */
export function classify(bits: bigint, width: FloatWidth): number {
  const format = formatOf(width);
  const magnitude = magnitudeOf(format, bits);
  if (magnitude > format.infinity) {
    return (magnitude & format.quietBit) === 0n ? FCLASS.signalingNan : FCLASS.quietNan;
  }
  const isNegative = bits >= format.signBit;
  if (magnitude === format.infinity) return isNegative ? FCLASS.negativeInfinity : FCLASS.positiveInfinity;
  if (magnitude >= format.hiddenBit) return isNegative ? FCLASS.negativeNormal : FCLASS.positiveNormal;
  if (magnitude > 0n) return isNegative ? FCLASS.negativeSubnormal : FCLASS.positiveSubnormal;
  return isNegative ? FCLASS.negativeZero : FCLASS.positiveZero;
}
