/**
 * Tells from the host's own arithmetic, rounded to nearest, whether a result is exact: what the engines' fast path needs
 * to know of NX. Everything here is IEEE additions, multiplications and comparisons, so that WebAssembly does the same.
 */

/** What is known of a result that the host has rounded to nearest, ties to even. */
export const EXACTNESS = {
  /** The result is the exact value; it raises nothing. */
  exact: 0,
  /** The result is correctly rounded, and raises NX alone. */
  inexact: 1,
  /** Outside of the range that is proven: ask SoftFloat. */
  unproven: 2,
} as const;

export type Exactness = (typeof EXACTNESS)[keyof typeof EXACTNESS];

/** A result at or below these may have underflowed: tininess after rounding also ends at the smallest normal number. */
const MIN_NORMAL_64 = 2 ** -1022;
const MIN_NORMAL_32 = 2 ** -126;
/** Veltkamp's splitting multiplies by 2^27 + 1; below this it does not overflow (biased exponents to 2018). */
const SPLIT_LIMIT = 2 ** 996;
/** From here on, the error of a product is a multiple of 2^-1074 (biased exponents from 54). */
const PRODUCT_FLOOR = 2 ** -969;
/** Sums of terms below this stay finite at every step (biased exponents to 2043). */
const TERM_LIMIT = 2 ** 1021;
const SPLITTER = 2 ** 27 + 1;

const double = new Float64Array(1);
const pattern = new BigUint64Array(double.buffer);
const HIDDEN_BIT = 1n << 52n;

function known(isExact: boolean): Exactness {
  return isExact ? EXACTNESS.exact : EXACTNESS.inexact;
}

/** a + b - `sum`, where `sum` = fl(a + b): exact whatever a and b are, if all steps are finite (Knuth's TwoSum). */
export function twoSumError(a: number, b: number, sum: number): number {
  const bPart = sum - a;
  return a - (sum - bPart) + (b - bPart);
}

/**
 * a × b - `product`, where `product` = fl(a × b) (Dekker's product over Veltkamp's splitting): exact where |a|, |b| <
 * 2^996 and 2^-969 <= |product| < 2^1023, which is biased exponents 0 to 2018 and 54 to 2045.
 */
export function productError(a: number, b: number, product: number): number {
  const aScaled = SPLITTER * a;
  const aHigh = aScaled - (aScaled - a);
  const aLow = a - aHigh;
  const bScaled = SPLITTER * b;
  const bHigh = bScaled - (bScaled - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/**
 * Of fl(a + b) in binary64, or of fround(a + b) where a and b are binary32. Proven for every finite `sum`, zeros and
 * subnormals included, because r - a and r - b are off by a multiple of the smaller operand's last place, or not at all.
 */
export function sumExactness(a: number, b: number, sum: number): Exactness {
  if (!(Math.abs(sum) < Infinity)) return EXACTNESS.unproven;
  return known(sum - a === b && sum - b === a);
}

/** Trailing zeros of a normal number's significand, 52 at most. */
function significandZeros(value: number): number {
  double[0] = value;
  const significand = pattern[0] | HIDDEN_BIT;
  const low = Number(significand & 0xffff_ffffn);
  if (low !== 0) return 31 - Math.clz32(low & -low);
  const high = Number(BigInt.asUintN(64, significand) >> 32n);
  return 63 - Math.clz32(high & -high);
}

/** Biased exponent. */
function exponentField(value: number): number {
  double[0] = value;
  return Number((pattern[0] >> 52n) & 0x7ffn);
}

/**
 * Of fl(a × b) in binary64. Proven where an operand is zero and the other finite, and where both are normal (biased 1 to
 * 2046) and 2^-1022 < |product| < ∞: the odd parts of the significands multiply to as many bits as they have together or
 * one less, and the product's exponent tells which.
 */
export function productExactness(a: number, b: number, product: number): Exactness {
  const magnitude = Math.abs(product);
  if (a === 0 || b === 0) return magnitude === 0 ? EXACTNESS.exact : EXACTNESS.unproven;
  if (!(magnitude > MIN_NORMAL_64 && magnitude < Infinity)) return EXACTNESS.unproven;
  if (Math.abs(a) < MIN_NORMAL_64 || Math.abs(b) < MIN_NORMAL_64) return EXACTNESS.unproven;
  const zeros = significandZeros(a) + significandZeros(b);
  if (zeros !== 52) return known(zeros > 52);
  return known(exponentField(product) === exponentField(a) + exponentField(b) - 1023);
}

/**
 * Of fl(a / b) in binary64. Proven where a is zero and b neither zero nor infinite, and where a, b and the quotient are
 * normal and |a|, |quotient| > 2^-1022, as long as quotient × b does not overflow: exact where that is a, exactly.
 */
export function quotientExactness(a: number, b: number, quotient: number): Exactness {
  if (a === 0) return b !== 0 && Math.abs(b) < Infinity ? EXACTNESS.exact : EXACTNESS.unproven;
  const magnitude = Math.abs(quotient);
  if (!(magnitude > MIN_NORMAL_64 && magnitude < Infinity)) return EXACTNESS.unproven;
  const product = quotient * b;
  const exactness = productExactness(quotient, b, product);
  return exactness === EXACTNESS.exact ? known(product === a) : exactness;
}

/** Of fl(√a) in binary64. Proven where a is ±0, and where 2^-1021 <= a < ∞: exact where root × root is a, exactly. */
export function rootExactness(a: number, root: number): Exactness {
  if (a === 0) return EXACTNESS.exact;
  if (!(a >= 2 * MIN_NORMAL_64 && a < Infinity)) return EXACTNESS.unproven;
  const square = root * root;
  const exactness = productExactness(root, root, square);
  return exactness === EXACTNESS.exact ? known(square === a) : exactness;
}

/** A sum to round further without error: `sum` rounded to odd, which keeps in its last bit that `error` was dropped. */
export function roundToOdd(sum: number, error: number): number {
  if (error === 0) return sum;
  double[0] = sum;
  if ((pattern[0] & 1n) === 0n) pattern[0] += error > 0 === sum > 0 ? 1n : -1n;
  return double[0];
}

/** Where a multiply-add leaves its result; one instance serves all. */
export interface Fused {
  value: number;
  exactness: Exactness;
}

/**
 * fl(a × b + c) in binary64, rounded once (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
 * Proven where |a|, |b| < 2^996, |c| < 2^1021 and 2^-969 <= |fl(a × b)| < 2^1021 (biased: operands 0 to 2018, addend
 * 0 to 2043, product 54 to 2043), or a or b is zero; c and the result may be zero or subnormal.
 */
export function fusedMultiplyAdd64(a: number, b: number, c: number, out: Fused): void {
  const high = a * b;
  const magnitude = Math.abs(high);
  out.value = high + c;
  out.exactness = EXACTNESS.unproven;
  if (!(Math.abs(a) < SPLIT_LIMIT && Math.abs(b) < SPLIT_LIMIT && Math.abs(c) < TERM_LIMIT)) return;
  if (a === 0 || b === 0) {
    out.exactness = EXACTNESS.exact;
    return;
  }
  if (!(magnitude >= PRODUCT_FLOOR && magnitude < TERM_LIMIT)) return;
  const low = productError(a, b, high);
  const inner = c + low;
  const innerError = twoSumError(c, low, inner);
  const outer = high + inner;
  const outerError = twoSumError(high, inner, outer);
  const small = innerError + outerError;
  const smallError = twoSumError(innerError, outerError, small);
  const odd = roundToOdd(small, smallError);
  out.value = outer + odd;
  out.exactness = known(smallError === 0 && twoSumError(outer, odd, out.value) === 0);
}

/** Whether a binary32 result, if it is inexact, raises NX alone. */
function hasPlainFlags32(result: number): boolean {
  const magnitude = Math.abs(result);
  return magnitude > MIN_NORMAL_32 && magnitude < Infinity;
}

/**
 * Of fround(a × b) for binary32 a and b, whose product is exact in binary64. Proven where an operand is zero and the
 * other finite, and where 2^-126 < |result| < ∞ (biased 1 to 254, less the smallest normal); operands may be subnormal.
 */
export function productExactness32(a: number, b: number, result: number): Exactness {
  if (a === 0 || b === 0) return result === 0 ? EXACTNESS.exact : EXACTNESS.unproven;
  return hasPlainFlags32(result) ? known(a * b === result) : EXACTNESS.unproven;
}

/** Of fround(a / b) for binary32 a and b. Proven where a is zero and b not, both finite, and where 2^-126 < |result| < ∞. */
export function quotientExactness32(a: number, b: number, result: number): Exactness {
  if (a === 0) return b !== 0 && Math.abs(b) < Infinity ? EXACTNESS.exact : EXACTNESS.unproven;
  return hasPlainFlags32(result) && b !== 0 ? known(result * b === a) : EXACTNESS.unproven;
}

/** Of fround(√a) for binary32 a. Proven where a is ±0 and where 0 < a < ∞, subnormals included. */
export function rootExactness32(a: number, result: number): Exactness {
  if (a === 0) return EXACTNESS.exact;
  return a > 0 && a < Infinity ? known(result * result === a) : EXACTNESS.unproven;
}

/**
 * a × b + c for binary32 operands, rounded to binary32 once: the product is exact in binary64, the sum is rounded to odd
 * there. Proven where 2^-126 < |result| < ∞, and for every exact result of finite operands, zeros included.
 */
export function fusedMultiplyAdd32(a: number, b: number, c: number, out: Fused): void {
  const product = a * b;
  const sum = product + c;
  const error = twoSumError(product, c, sum);
  out.value = Math.fround(roundToOdd(sum, error));
  const isExact = error === 0 && out.value === sum;
  const isProven = Math.abs(sum) < Infinity && (isExact || hasPlainFlags32(out.value));
  out.exactness = isProven ? known(isExact) : EXACTNESS.unproven;
}
