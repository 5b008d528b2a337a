/** What an assertion does with its measurement: record it, then throw what its outcome calls for. */

import { AssertionError } from 'chai';
import type { Limit, Measurement } from '../metrics/measurement.js';
import { currentEvidence } from '../verdict/evidence.js';
import { InconclusiveError } from '../verdict/inconclusive-error.js';

/**
 * Records the measurement in the running test, whatever its outcome. Throws chai's `AssertionError` when it failed and
 * `InconclusiveError` when it decides nothing; one that is not applicable in this mode passes in silence, recorded.
 */
export function conclude(measurement: Measurement): void {
  currentEvidence()?.measurements.push(measurement);
  if (measurement.outcome === 'inconclusive') throw new InconclusiveError(measurement);
  if (measurement.outcome === 'fail')
    throw new AssertionError(measurement.sentence, {
      actual: measurement.value,
      expected: measurement.limit.text,
      showDiff: false,
    });
}

/** Exactly one value. */
export function exactly(value: number, text = `exactly ${value}`): Limit {
  return { min: value, max: value, text };
}
