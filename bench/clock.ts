/** Host time for benchmarks: the one place outside the wall clock that reads it. */

/** Nanoseconds that `work` takes. */
export function timeNs(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}
