/** `plan()`: an ordinary mocha suite, once for every selected cell of the matrix. */

import type { Suite } from 'mocha';
import { RigError } from '../errors.js';
import type { MatrixCell } from '../run/run-types.js';
import { currentEvidence } from '../verdict/evidence.js';
import type { CellRecord } from '../verdict/records.js';
import type { RunView } from '../view/run-view.js';
import { Bench, type Release, type RunOptions } from './bench.js';
import { type SessionContext, sessionContext } from './context.js';
import { guardTests, skipReasons } from './guard.js';
import { cellLabel, type PlanMatrix, type PlannedCell, planCells } from './matrix.js';

export interface PlanOptions extends PlanMatrix {
  /** Name of the guest that runs: `guests/NAME`, or a path. */
  readonly guest: string;
  /** Seed of all runs; the title when absent. */
  readonly seed?: string;
}

/** What a plan's tests have at hand, in one cell. */
export interface Rig {
  readonly cell: MatrixCell;
  /**
   * Runs the guest. Asked again with the same options, the same run is handed back. Rejects with a coded error when the
   * run cannot start, ends early, or is not certified.
   */
  run(options: RunOptions): Promise<RunView>;
  /** Keeps a file with the running test. */
  attach(name: string, content: string | Uint8Array): void;
  /** A sentence for the report of the running test. */
  note(text: string): void;
  /** Will be released when the cell is done, last first, each within 10 s. */
  defer(name: string, release: Release): void;
  /** Skips the running test, with the reason in the report. */
  skip(reason: string): never;
}

/**
 * Declares a plan. `body` is called once for each cell, inside a `describe` of its own; it defines tests with `it`.
 * Under plain mocha the cells come from the environment (`RIG_BINDING`, `RIG_ARCHITECTURE`, …; default: simulator, both
 * architectures). `RIG_PLAN` when the options name no profile or guest.
 */
export function plan(title: string, options: PlanOptions, body: (this: Suite, rig: Rig) => void): void {
  if (options.guest === '') throw new RigError('RIG_PLAN', `the plan "${title}" names no guest`, { where: title });
  const context = sessionContext();
  for (const planned of planCells(title, options, context.selection))
    declareCell(title, planned, options, context, body);
}

function declareCell(
  title: string,
  planned: PlannedCell,
  options: PlanOptions,
  context: SessionContext,
  body: (this: Suite, rig: Rig) => void,
): void {
  const record: CellRecord = { cell: planned.cell, tests: [], runs: [], details: [], failures: [] };
  const suite = describe(`${title} [${cellLabel(planned.cell)}]`, function (this: Suite) {
    // A run has limits of its own, in both clocks; mocha's would only cut a long one short.
    this.timeout(0);
    const bench = new Bench(planned, options.guest, options.seed ?? title, context, record);
    body.call(this, rigFor(bench));
    after('tear-down', async () => {
      const before = record.failures.length;
      await bench.tearDown();
      const failed = record.failures.slice(before);
      if (failed.length > 0) throw new TearDownFailed(failed.map((f) => `${f.during}: ${f.error.message}`).join('; '));
    });
  });
  guardTests(suite, record, context);
  context.cells.set(suite, record);
}

/** Already in the record when it is thrown; mocha alone still has to hear of it. */
export class TearDownFailed extends Error {
  override readonly name = 'TearDownFailed';

  static is(thrown: unknown): boolean {
    return thrown instanceof Error && thrown.name === 'TearDownFailed';
  }
}

function rigFor(bench: Bench): Rig {
  return {
    cell: bench.planned.cell,
    run: (options) => bench.run(options),
    attach: (name, content) => bench.attach(name, content),
    note: (text) => bench.note(text),
    defer: (name, release) => bench.defer(name, release),
    skip: (reason) => {
      const evidence = currentEvidence();
      if (evidence !== undefined) skipReasons.set(evidence, reason);
      throw new PendingError(reason);
    },
  };
}

/** The guard takes it for mocha's own. */
class PendingError extends Error {}
