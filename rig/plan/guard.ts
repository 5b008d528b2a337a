/** Wraps the tests of a plan: collects evidence, keeps the time limit, and decides the verdict. */

import type { Context, Suite, Test } from 'mocha';
import { NS_PER_MS, Timer, WallClock } from '../../base/index.js';
import { RigError } from '../errors.js';
import { Evidence, setCurrentEvidence } from '../verdict/evidence.js';
import type { CellRecord, TestRecord } from '../verdict/records.js';
import { classify, type Verdict } from '../verdict/verdict.js';
import type { SessionContext } from './context.js';
import { withDeadline } from './deadline.js';

/** A run's own limit comes first; this one is for a test that hangs elsewhere. */
const GRACE_MS = 15_000;
const ABORT_GRACE_MS = 5_000;

/** What a test left for the running test's reason to skip. */
export const skipReasons = new WeakMap<Evidence, string>();

/** Replaces the functions of all tests below `suite`, so that each ends with a verdict in `record`. */
export function guardTests(suite: Suite, record: CellRecord, context: SessionContext): void {
  suite.eachTest((test) => {
    if (test.fn !== undefined && !test.pending) guardTest(test, suite, record, context);
  });
}

/** Titles from below `suite` down to the test. */
export function testTitle(test: Test, suite: Suite): string {
  const titles = [test.title];
  for (let parent = test.parent; parent !== undefined && parent !== suite; parent = parent.parent)
    titles.unshift(parent.title);
  return titles.join(' › ');
}

type Body = (this: Context, done?: (error?: unknown) => void) => unknown;

function guardTest(test: Test, suite: Suite, record: CellRecord, context: SessionContext): void {
  const body = test.fn as unknown as Body;
  const title = testTitle(test, suite);
  const guarded = async function (this: Context): Promise<void> {
    const evidence = new Evidence();
    const clock = new WallClock();
    const kept = keepRecord(record, title, isRetry(this));
    setCurrentEvidence(evidence);
    let end: End;
    try {
      await runBody(body, this, context);
      evidence.conclude();
      end = evidence.onlyNotApplicable
        ? { verdict: 'SKIP', reason: evidence.measurements[0].sentence }
        : { verdict: 'PASS' };
    } catch (thrown) {
      end = endBy(thrown, evidence);
    } finally {
      setCurrentEvidence(undefined);
    }
    fill(kept, evidence, end, clock.now() / NS_PER_MS);
    context.emit({ kind: 'test-ends', cell: record.cell, title, verdict: end.verdict });
    if (end.verdict === 'SKIP') this.skip();
    if (end.thrown !== undefined) throw end.thrown;
  };
  test.fn = guarded;
  // mocha has looked at the number of arguments already; the guarded function always answers with a promise.
  (test as Test & { async: boolean | number; sync: boolean }).async = false;
  (test as Test & { async: boolean | number; sync: boolean }).sync = true;
}

function isRetry(self: Context): boolean {
  const running = self.test as (Test & { currentRetry?: () => number }) | undefined;
  return (running?.currentRetry?.() ?? 0) > 0;
}

interface End {
  readonly verdict: Verdict;
  readonly thrown?: unknown;
  readonly reason?: string;
}

function endBy(thrown: unknown, evidence: Evidence): End {
  if (!isPending(thrown)) return { verdict: classify(thrown).verdict, thrown };
  try {
    evidence.refuseSwallowed();
  } catch (swallowed) {
    return { verdict: classify(swallowed).verdict, thrown: swallowed };
  }
  return { verdict: 'SKIP', reason: skipReasons.get(evidence) ?? 'skipped by the plan' };
}

/** mocha's own way to skip a test from inside. */
function isPending(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.constructor.name === 'PendingError';
}

/** A retried test keeps its place and counts its attempts. */
function keepRecord(record: CellRecord, title: string, retried: boolean): TestRecord {
  const known = record.tests.at(-1);
  if (retried && known?.title === title) {
    known.attempts++;
    return known;
  }
  const fresh: TestRecord = {
    title,
    verdict: 'ERROR',
    measurements: [],
    expectations: 0,
    notes: [],
    attachments: [],
    attempts: 1,
    wallMs: 0,
  };
  record.tests.push(fresh);
  return fresh;
}

function fill(test: TestRecord, evidence: Evidence, end: End, wallMs: number): void {
  test.verdict = end.verdict;
  delete test.error;
  if (end.thrown !== undefined) test.error = classify(end.thrown).error;
  if (end.reason !== undefined) test.reason = end.reason;
  test.measurements = evidence.measurements;
  test.expectations = evidence.expectations;
  test.notes = evidence.notes;
  test.attachments = evidence.attachments;
  test.wallMs += wallMs;
}

function runBody(body: Body, self: Context, context: SessionContext): Promise<unknown> {
  const limitMs = context.timeoutMs + GRACE_MS;
  const late = (): RigError =>
    new RigError('RIG_TIMEOUT', `the test did not end within ${limitMs / 1000} s of host time`);
  return withDeadline(() => abortable(() => call(body, self), context.abort), limitMs, late);
}

/** A test that does not look at the signal is left behind shortly after it was given. */
async function abortable(work: () => Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  const aborted = (): RigError => new RigError('RIG_ABORTED', 'the session was ended before the test was');
  if (signal.aborted) throw aborted();
  const clock = new WallClock();
  let leave: () => void = () => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(aborted());
  });
  const timer = new Timer(() => leave());
  const onAbort = (): void => clock.schedule(timer, clock.now() + ABORT_GRACE_MS * NS_PER_MS);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(), left]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clock.cancel(timer);
  }
}

/** Both of mocha's styles: a promise or value, and a callback. */
async function call(body: Body, self: Context): Promise<unknown> {
  if (body.length === 0) return body.call(self);
  return new Promise((resolve, reject) => {
    body.call(self, (error) => (error === undefined || error === null ? resolve(undefined) : reject(error)));
  });
}
