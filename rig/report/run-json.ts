/** `run.json`: everything a session showed, the same bytes for the same inputs; and `host.json`: where and when it was. */

import type { Measurement } from '../metrics/measurement.js';
import { stableJson } from '../plan/stable-json.js';
import {
  type CellRecord,
  cellVerdict,
  type SessionRecord,
  type SetupFailure,
  sessionVerdict,
  type TestRecord,
} from '../verdict/records.js';
import type { ErrorRecord, Verdict } from '../verdict/verdict.js';
import { differentials } from './differential.js';
import { withoutFolders } from './portable.js';
import { finite } from './run-summary.js';

/** Raised when a field changes its meaning or goes; new fields may come without. */
export const RUN_SCHEMA_VERSION = 1;

/**
 * The text of `run.json`: keys sorted, numbers as ECMAScript writes them, no host time, and no path of the machine
 * (those below the output folder, the package, the working folder and the home folder lose that part).
 */
export function runJson(session: SessionRecord, outDir: string, version: string): string {
  const document = {
    schema: 'rigvisor-run',
    schemaVersion: RUN_SCHEMA_VERSION,
    rig: version,
    verdict: sessionVerdict(session),
    counts: countVerdicts(session),
    cells: session.cells.map(cellDocument),
    differential: differentials(session.cells),
    outside: session.outside.map(testDocument),
    failures: session.failures.map(failureDocument),
  };
  return `${stableJson(withoutFolders(document, outDir), 2)}\n`;
}

/** Tests by verdict, all of a session. */
export function countVerdicts(session: SessionRecord): Partial<Record<Verdict, number>> {
  const counts: Partial<Record<Verdict, number>> = {};
  for (const test of [...session.cells.flatMap((cell) => cell.tests), ...session.outside])
    counts[test.verdict] = (counts[test.verdict] ?? 0) + 1;
  return counts;
}

function cellDocument(record: CellRecord): object {
  return {
    cell: record.cell,
    verdict: cellVerdict(record),
    tests: record.tests.map(testDocument),
    runs: record.runs,
    failures: record.failures.map(failureDocument),
  };
}

function testDocument(test: TestRecord): object {
  return {
    title: test.title,
    verdict: test.verdict,
    ...(test.error === undefined ? {} : { error: errorDocument(test.error) }),
    ...(test.reason === undefined ? {} : { reason: test.reason }),
    attempts: test.attempts,
    expectations: test.expectations,
    measurements: test.measurements.map(measurementDocument),
    notes: test.notes,
    attachments: test.attachments,
  };
}

function measurementDocument(measurement: Measurement): object {
  const { value, low, high, limit, ...rest } = measurement;
  return {
    ...rest,
    value: finite(value),
    low: finite(low),
    high: finite(high),
    /** Half the width where it is the same on both sides, the wider side otherwise. */
    uncertainty: finite(Math.max(value - low, high - value)),
    limit: { text: limit.text, min: limit.min ?? null, max: limit.max ?? null },
  };
}

function failureDocument(failure: SetupFailure): object {
  return { during: failure.during, verdict: failure.verdict, error: errorDocument(failure.error) };
}

function errorDocument(error: ErrorRecord): object {
  const { stack: _, ...rest } = error;
  return rest;
}

export interface HostFacts {
  /** Unix time in ms, and how long the session took. */
  readonly startedAtMs: number;
  readonly wallMs: number;
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
  readonly cpu: string;
  readonly cores: number;
  readonly command: readonly string[];
}

/** The text of `host.json`: what `run.json` leaves out because it differs from machine to machine and from run to run. */
export function hostJson(session: SessionRecord, facts: HostFacts): string {
  const tests = session.cells.flatMap(({ cell, tests: list }) =>
    list.map((test) => ({ cell, title: test.title, wallMs: Math.round(test.wallMs) })),
  );
  return `${stableJson({ schema: 'rigvisor-host', schemaVersion: 1, ...facts, tests }, 2)}\n`;
}
