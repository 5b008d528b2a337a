/** Durations as a person reads them. */

/** `1.5 s` for 1,500,000,000. */
export function seconds(ns: number): string {
  return `${(ns / 1e9).toFixed(3).replace(/\.?0+$/, '')} s`;
}
