/** JUnit XML in the dialect that testmoapp/junitxml documents: properties on suite and case, attachments, failure apart from error. */

import { create } from 'xmlbuilder2';
import type { XMLBuilder } from 'xmlbuilder2/lib/interfaces.js';
import { formatValue } from '../metrics/measurement.js';
import { cellLabel } from '../plan/matrix.js';
import type { CellRecord, SessionRecord, SetupFailure, TestRecord } from '../verdict/records.js';
import type { ErrorRecord, Verdict } from '../verdict/verdict.js';

export interface JunitOptions {
  /** An undecided test is a failure; otherwise it counts as skipped, with its sentence. */
  readonly failOnInconclusive: boolean;
}

interface Counts {
  tests: number;
  failures: number;
  errors: number;
  skipped: number;
  seconds: number;
}

/** The whole document. Characters that XML does not allow are left out. */
export function junitXml(session: SessionRecord, options: JunitOptions): string {
  const document = create({ version: '1.0', encoding: 'UTF-8', invalidCharReplacement: '' });
  const root = document.ele('testsuites', { name: 'rigvisor' });
  const total: Counts = { tests: 0, failures: 0, errors: 0, skipped: 0, seconds: 0 };
  for (const record of session.cells) add(total, cellSuite(root, record, options));
  if (session.outside.length + session.failures.length > 0)
    add(total, suite(root, 'outside of plans', 'outside', session.outside, session.failures, options, []));
  setCounts(root, total);
  return `${document.end({ prettyPrint: true })}\n`;
}

function cellSuite(root: XMLBuilder, record: CellRecord, options: JunitOptions): Counts {
  const name = `${record.cell.plan} [${cellLabel(record.cell)}]`;
  const properties = Object.entries(record.cell).map(([key, value]) => [key, String(value)] as const);
  record.runs.forEach((run, index) => {
    const label = `run ${index + 1}`;
    properties.push([`${label} stop`, run.stop.sentence]);
    properties.push([`${label} certification`, run.certification.sentence]);
    properties.push([`${label} trace sha256`, run.trace.sha256]);
  });
  return suite(root, name, record.cell.plan, record.tests, record.failures, options, properties);
}

function suite(
  root: XMLBuilder,
  name: string,
  className: string,
  tests: readonly TestRecord[],
  failures: readonly SetupFailure[],
  options: JunitOptions,
  properties: readonly (readonly [string, string])[],
): Counts {
  const element = root.ele('testsuite', { name });
  addProperties(element, properties);
  const counts: Counts = { tests: 0, failures: 0, errors: 0, skipped: 0, seconds: 0 };
  for (const test of tests) addCase(element, className, test, counts, options);
  for (const failure of failures) {
    const entry = element.ele('testcase', { name: failure.during, classname: className, time: '0.000' });
    addOutcome(entry, failure.verdict, failure.error, failure.error.message, counts, options);
    counts.tests++;
  }
  setCounts(element, counts);
  return counts;
}

function addCase(
  suiteElement: XMLBuilder,
  className: string,
  test: TestRecord,
  counts: Counts,
  options: JunitOptions,
): void {
  const seconds = test.wallMs / 1000;
  const element = suiteElement.ele('testcase', { name: test.title, classname: className, time: seconds.toFixed(3) });
  addProperties(element, [
    ['verdict', test.verdict],
    ...(test.attempts > 1 ? [['attempts', String(test.attempts)] as const] : []),
    ...test.measurements.map(
      (m) =>
        [
          `measurement ${m.name} of ${m.subject}`,
          `${formatValue(m.value, m.unit)}; ${m.outcome}; ${m.limit.text}`,
        ] as const,
    ),
    ...test.attachments.map((a) => ['attachment', a.path] as const),
  ]);
  addOutcome(element, test.verdict, test.error, test.reason ?? test.error?.message ?? '', counts, options);
  const output = [...test.measurements.map((m) => m.sentence), ...test.notes];
  if (output.length > 0) element.ele('system-out').txt(output.join('\n'));
  counts.tests++;
  counts.seconds += seconds;
}

function addOutcome(
  element: XMLBuilder,
  verdict: Verdict,
  error: ErrorRecord | undefined,
  message: string,
  counts: Counts,
  options: JunitOptions,
): void {
  if (verdict === 'PASS') return;
  if (verdict === 'SKIP' || (verdict === 'INCONCLUSIVE' && !options.failOnInconclusive)) {
    counts.skipped++;
    element.ele('skipped', { message: verdict === 'SKIP' ? message : `INCONCLUSIVE: ${message}` });
    return;
  }
  const isFailure = verdict === 'FAIL' || verdict === 'INCONCLUSIVE';
  if (isFailure) counts.failures++;
  else counts.errors++;
  const type = error === undefined ? verdict : `${verdict} ${error.layer}/${error.code}`;
  const details = [message, error?.where, error?.hint].filter((text) => text !== undefined);
  element.ele(isFailure ? 'failure' : 'error', { message, type }).txt(details.join('\n'));
}

function addProperties(element: XMLBuilder, properties: readonly (readonly [string, string])[]): void {
  if (properties.length === 0) return;
  const list = element.ele('properties');
  for (const [name, value] of properties) list.ele('property', { name, value });
}

function setCounts(element: XMLBuilder, counts: Counts): void {
  element.att('tests', String(counts.tests));
  element.att('failures', String(counts.failures));
  element.att('errors', String(counts.errors));
  element.att('skipped', String(counts.skipped));
  element.att('time', counts.seconds.toFixed(3));
}

function add(total: Counts, part: Counts): void {
  total.tests += part.tests;
  total.failures += part.failures;
  total.errors += part.errors;
  total.skipped += part.skipped;
  total.seconds += part.seconds;
}
