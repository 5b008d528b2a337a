/** Time for contract suites inside: the wall's, with patience for a machine that is emulated. */

import type { PassingTime } from '../../hal/serial/passing-time.js';

/** What a suite takes for long enough on a machine of its own is stretched by this. */
const PATIENCE = 5;

export function labTime(): PassingTime {
  return {
    // mocha's time-out ends what never settles.
    settle: (promise) => promise,
    pass: (durationNs) => new Promise((resolve) => setTimeout(resolve, (durationNs / 1e6) * PATIENCE)),
  };
}
