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

const ORIGIN = process.hrtime.bigint();

/** Monotonic nanoseconds since this process loaded the module. */
export function monotonicNs(): number {
  return Number(process.hrtime.bigint() - ORIGIN);
}

/** The date, for the provenance of what is measured. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}
