/** Thrown by an assertion that the evidence cannot decide. */

import type { Measurement } from '../metrics/measurement.js';

/** The margin is smaller than the uncertainty, or there are too few samples; neither PASS nor FAIL. */
export class InconclusiveError extends Error {
  override readonly name = 'InconclusiveError';

  constructor(readonly measurement: Measurement) {
    super(measurement.sentence);
  }

  /** By name, not by class: a plan loaded from source has its own copy of the class. */
  static is(thrown: unknown): boolean {
    return thrown instanceof Error && thrown.name === 'InconclusiveError';
  }
}
