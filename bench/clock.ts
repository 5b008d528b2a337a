/** Host time for benchmarks: the one place outside the wall clock that reads it. */

/** Nanoseconds that `work` takes. */
export function timeNs(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

/** Nanoseconds until the promise of `work` resolves. */
export async function timeNsAsync(work: () => Promise<void>): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start);
}
