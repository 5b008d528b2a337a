/** What a session leaves behind, as plain data: the one source of `run.json`, JUnit and the tables. */

import type { Measurement } from '../metrics/measurement.js';
import type { RunDetail } from '../report/run-detail.js';
import type { RunSummary } from '../report/run-summary.js';
import type { MatrixCell } from '../run/run-types.js';
import type { Attachment } from './evidence.js';
import { aggregate, type ErrorRecord, type Verdict } from './verdict.js';

export interface TestRecord {
  /** Titles from the plan's own describe down, joined by " › ". */
  readonly title: string;
  verdict: Verdict;
  error?: ErrorRecord;
  /** Why it was skipped, if it was. */
  reason?: string;
  measurements: readonly Measurement[];
  expectations: number;
  notes: readonly string[];
  attachments: readonly Attachment[];
  /** 1, or more when mocha retried it. */
  attempts: number;
  /** Host time; never part of `run.json`. */
  wallMs: number;
}

/** Something that failed outside a test: a hook, a tear-down, a file that could not be loaded. */
export interface SetupFailure {
  /** For example `tear-down of "socat"` or `"before all" hook`. */
  readonly during: string;
  readonly verdict: Verdict;
  readonly error: ErrorRecord;
}

export interface CellRecord {
  readonly cell: MatrixCell;
  readonly tests: TestRecord[];
  readonly runs: RunSummary[];
  /** One for each of `runs`, for the HTML report alone. */
  readonly details: RunDetail[];
  readonly failures: SetupFailure[];
}

export interface SessionRecord {
  readonly seed: string;
  readonly cells: readonly CellRecord[];
  /** Tests that stand in a plan file but in no plan. */
  readonly outside: readonly TestRecord[];
  readonly failures: readonly SetupFailure[];
  readonly aborted: boolean;
}

/** The gravest of a cell's tests and set-up failures; ERROR when it has no test that was not skipped. */
export function cellVerdict(cell: CellRecord): Verdict {
  return aggregate([...cell.tests.map((t) => t.verdict), ...cell.failures.map((f) => f.verdict)]);
}

/**
 * The gravest of all cells, tests outside cells and failures; ABORTED when the session was. A cell whose tests were all
 * skipped is an ERROR by itself, so nothing that showed nothing hides behind its neighbours.
 */
export function sessionVerdict(session: SessionRecord): Verdict {
  if (session.aborted) return 'ABORTED';
  return aggregate([
    ...session.cells.map(cellVerdict),
    ...session.outside.map((t) => t.verdict),
    ...session.failures.map((f) => f.verdict),
  ]);
}

/** Every error of a session, in order. */
export function sessionErrors(session: SessionRecord): ErrorRecord[] {
  const ofTests = (tests: readonly TestRecord[]): ErrorRecord[] => tests.flatMap((t) => t.error ?? []);
  return [
    ...session.failures.map((f) => f.error),
    ...session.cells.flatMap((c) => [...c.failures.map((f) => f.error), ...ofTests(c.tests)]),
    ...ofTests(session.outside),
  ];
}
