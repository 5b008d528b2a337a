/** Stability of a clock over averaging times: Allan family deviations (Riley, NIST SP 1065, section 5). */

/**
 * Overlapping Allan deviation from phase data: `phase[i]` is the time error, in any unit of time, at every `tau0`
 * (same unit). `NaN` when fewer than 2m + 1 points are there.
 */
export function overlappingAllanDeviation(phase: ArrayLike<number>, tau0: number, m: number): number {
  const terms = phase.length - 2 * m;
  if (terms < 1) return Number.NaN;
  let sum = 0;
  for (let i = 0; i < terms; i++) sum += (phase[i + 2 * m] - 2 * phase[i + m] + phase[i]) ** 2;
  return Math.sqrt(sum / (2 * terms)) / (m * tau0);
}

/** Allan deviation from every m-th phase point: the definition without overlap. */
export function allanDeviation(phase: ArrayLike<number>, tau0: number, m: number): number {
  const thinned = new Float64Array(Math.floor((phase.length - 1) / m) + 1);
  for (let i = 0; i < thinned.length; i++) thinned[i] = phase[i * m];
  return overlappingAllanDeviation(thinned, tau0 * m, 1);
}

/** Modified Allan deviation: tells white from flicker phase noise. `NaN` when fewer than 3m + 1 points are there. */
export function modifiedAllanDeviation(phase: ArrayLike<number>, tau0: number, m: number): number {
  const terms = phase.length - 3 * m + 1;
  if (terms < 1) return Number.NaN;
  let inner = 0;
  for (let i = 0; i < m; i++) inner += phase[i + 2 * m] - 2 * phase[i + m] + phase[i];
  let sum = inner ** 2;
  for (let j = 1; j < terms; j++) {
    inner += phase[j - 1 + 3 * m] - 3 * phase[j - 1 + 2 * m] + 3 * phase[j - 1 + m] - phase[j - 1];
    sum += inner ** 2;
  }
  return Math.sqrt(sum / (2 * terms)) / (m * m * tau0);
}

/** Time deviation: how far the clock's reading wanders over `m * tau0`, in the unit of `tau0`. */
export function timeDeviation(phase: ArrayLike<number>, tau0: number, m: number): number {
  return (modifiedAllanDeviation(phase, tau0, m) * m * tau0) / Math.sqrt(3);
}

/** Phase data from fractional frequencies, each the mean over one `tau0`. */
export function phaseFromFrequency(frequency: ArrayLike<number>, tau0: number): Float64Array {
  const phase = new Float64Array(frequency.length + 1);
  for (let i = 0; i < frequency.length; i++) phase[i + 1] = phase[i] + frequency[i] * tau0;
  return phase;
}
