/** Plain statistics in one pass or two, with the same rounding on every machine: nothing here uses the host's libm but `sqrt`. */

export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Standard deviation of the population the samples stand for (divisor n - 1); 0 with fewer than two samples. */
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
}

export function moments(samples: ArrayLike<number>): Moments {
  const count = samples.length;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const x = samples[i];
    sum += x;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  const mean = count === 0 ? Number.NaN : sum / count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (samples[i] - mean) ** 2;
  return { count, mean, deviation: count < 2 ? 0 : Math.sqrt(squares / (count - 1)), min, max };
}

/** y[i+1] - y[i]. */
export function differences(samples: ArrayLike<number>): Float64Array {
  const out = new Float64Array(Math.max(0, samples.length - 1));
  for (let i = 0; i < out.length; i++) out[i] = samples[i + 1] - samples[i];
  return out;
}

export interface Line {
  readonly slope: number;
  /** Value at x = 0. */
  readonly intercept: number;
  /** Standard error of the slope; `NaN` with fewer than three points. */
  readonly slopeError: number;
  /** Standard deviation of what the line leaves over. */
  readonly residual: number;
}

/** Least squares of y on x; `undefined` when fewer than two different x are there. */
export function fitLine(x: ArrayLike<number>, y: ArrayLike<number>): Line | undefined {
  const n = Math.min(x.length, y.length);
  const meanX = moments(x).mean;
  const meanY = moments(y).mean;
  let xx = 0;
  let xy = 0;
  for (let i = 0; i < n; i++) {
    xx += (x[i] - meanX) ** 2;
    xy += (x[i] - meanX) * (y[i] - meanY);
  }
  if (n < 2 || xx === 0) return undefined;
  const slope = xy / xx;
  let left = 0;
  for (let i = 0; i < n; i++) left += (y[i] - meanY - slope * (x[i] - meanX)) ** 2;
  const residual = n < 3 ? Number.NaN : Math.sqrt(left / (n - 2));
  return { slope, intercept: meanY - slope * meanX, slopeError: residual / Math.sqrt(xx), residual };
}

/** Points on the lower convex hull, by index: what one-sided delays leave of a clock. `x` must increase. */
export function lowerHull(x: ArrayLike<number>, y: ArrayLike<number>): number[] {
  const hull: number[] = [];
  for (let i = 0; i < x.length; i++) {
    while (hull.length >= 2) {
      const a = hull[hull.length - 2];
      const b = hull[hull.length - 1];
      if ((x[b] - x[a]) * (y[i] - y[a]) > (x[i] - x[a]) * (y[b] - y[a])) break;
      hull.pop();
    }
    hull.push(i);
  }
  return hull;
}

/** Above this expectation the normal approximation is as good as the exact sum, and the sum's start underflows. */
const EXACT_UP_TO = 500;
const Z95 = 1.6448536269514722;

export interface Ranks {
  /** 1-based rank whose value bounds the quantile from below with 95 % confidence; 0 when no sample does. */
  readonly low: number;
  /** 1-based rank whose value bounds it from above; `count + 1` when there are too few samples. */
  readonly high: number;
}

/**
 * Ranks of the order statistics that bound the `p` quantile, each with 95 % confidence, whatever the distribution
 * (binomial; Conover, Practical Nonparametric Statistics, "Confidence intervals for quantiles"). An upper bound of
 * p99 needs 299 samples, of p99.9 2,995.
 */
export function quantileRanks(count: number, p: number): Ranks {
  const expected = count * (1 - p);
  if (expected > EXACT_UP_TO) {
    const spread = Z95 * Math.sqrt(expected * p);
    return {
      low: Math.max(0, Math.floor(count * p - spread)),
      high: Math.min(count + 1, Math.ceil(count * p + spread) + 1),
    };
  }
  // Number of samples above the quantile: binomial with 1 - p. Walk its distribution function.
  let probability = integerPower(p, count);
  let below = probability;
  let high = count + 1;
  for (let above = 0; above <= count; above++) {
    if (below <= 0.05) high = count - above;
    if (below >= 0.95) return { low: count - above, high };
    probability *= ((count - above) / (above + 1)) * ((1 - p) / p);
    below += probability;
  }
  return { low: 0, high };
}

function integerPower(base: number, exponent: number): number {
  let result = 1;
  for (let square = base, left = exponent; left > 0; left = Math.floor(left / 2), square *= square)
    if (left % 2 === 1) result *= square;
  return result;
}

/** 1-based rank of the `p` quantile among `count` samples (nearest rank). */
export function nearestRank(count: number, p: number): number {
  return Math.min(count, Math.max(1, Math.ceil(count * p - 1e-9)));
}
