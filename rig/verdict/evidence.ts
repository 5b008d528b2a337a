/** What one test showed: its measurements, plain expectations, notes and attachments. */

import { AssertionError } from 'chai';
import { RigError } from '../errors.js';
import type { Measurement } from '../metrics/measurement.js';
import { InconclusiveError } from './inconclusive-error.js';

export interface Attachment {
  readonly name: string;
  /** Relative to the output folder. */
  readonly path: string;
}

/** Collects while a test runs. */
export class Evidence {
  readonly measurements: Measurement[] = [];
  readonly notes: string[] = [];
  readonly attachments: Attachment[] = [];
  /** Plain chai expectations that were checked. */
  expectations = 0;
  readonly #open = new Set<string>();

  /** Notes an assertion that says nothing until its limit is given: `rate('1 Hz')` without `within`. */
  begin(what: string): void {
    this.#open.add(what);
  }

  finish(what: string): void {
    this.#open.delete(what);
  }

  /** Whether everything measured was out of place in this mode, so that nothing was decided. */
  get onlyNotApplicable(): boolean {
    return (
      this.expectations === 0 &&
      this.measurements.length > 0 &&
      this.measurements.every((m) => m.outcome === 'not-applicable')
    );
  }

  /** Throws what a measurement called for and the test caught, or never waited for: the gravest first. */
  refuseSwallowed(): void {
    const failed = this.measurements.find((m) => m.outcome === 'fail');
    if (failed !== undefined) throw new AssertionError(failed.sentence);
    const undecided = this.measurements.find((m) => m.outcome === 'inconclusive');
    if (undecided !== undefined) throw new InconclusiveError(undecided);
  }

  /**
   * Throws for a measurement that did not pass, whoever caught its error; `RIG_PLAN` for an assertion left open; and
   * `RIG_NO_EVIDENCE` when nothing at all was checked.
   */
  conclude(): void {
    this.refuseSwallowed();
    for (const what of this.#open)
      throw new RigError('RIG_PLAN', `the assertion ${what} has no limit, so it checked nothing`, {
        hint: `give it one, for example .within('50 ppm') or .within('declared')`,
      });
    if (this.measurements.length === 0 && this.expectations === 0)
      throw new RigError('RIG_NO_EVIDENCE', 'the test ended without one measurement or expectation', {
        hint: 'a test that checks nothing proves nothing: assert something, or skip it with a reason',
      });
  }
}

/** On the process, not in the module: a plan loaded from source has its own copy of the module. */
const KEY = Symbol.for('rigvisor.evidence');
const holder = globalThis as { [KEY]?: Evidence };

/** The running test's evidence; `undefined` outside a plan. */
export function currentEvidence(): Evidence | undefined {
  return holder[KEY];
}

export function setCurrentEvidence(evidence: Evidence | undefined): void {
  if (evidence === undefined) delete holder[KEY];
  else holder[KEY] = evidence;
}
