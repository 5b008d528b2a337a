/** Waiting for what the kernel does on its own. */

const POLL_MS = 20;
const LIMIT_MS = 30_000;

/** Resolves with the first value that is neither undefined nor false; rejects after 30 s, naming what was waited for. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (const endMs = performance.now() + LIMIT_MS; ; ) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > endMs) throw new Error(`${what} did not come within ${LIMIT_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
