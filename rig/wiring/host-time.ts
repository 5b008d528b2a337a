/** Host time for deadlines and progress alone; no measurement and no guest ever sees it. */

/** Monotonic milliseconds of the host. */
export function hostMs(): number {
  return performance.now();
}

/** Lets the event loop run once: signals, timers and the progress display get their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function sleepMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
