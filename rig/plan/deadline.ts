/** Bounds how long the host waits for a promise. */

import { Timer, WallClock } from '../../base/index.js';

/**
 * Settles as `work` does, or rejects with `late()` after `limitMs` of host time. Work that is late goes on unobserved:
 * whoever starts it must be able to stop it by itself.
 */
export async function withDeadline<T>(work: () => Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  const clock = new WallClock();
  let timer: Timer | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = new Timer(() => reject(late()));
    clock.schedule(timer, limitMs * 1e6);
  });
  try {
    return await Promise.race([work(), deadline]);
  } finally {
    if (timer !== undefined) clock.cancel(timer);
  }
}
