/** Loads plan files into mocha, runs them in one session, and gathers what they left. */

import { pathToFileURL } from 'node:url';
import Mocha, { type Runnable, type Runner, type Suite, type Test } from 'mocha';
import { RigError } from '../errors.js';
import type { CellRecord, SessionRecord, SetupFailure, TestRecord } from '../verdict/records.js';
import { classify } from '../verdict/verdict.js';
import { type SessionContext, setSessionContext } from './context.js';
import { testTitle } from './guard.js';
import { TearDownFailed } from './plan.js';
import { provideOwnPackage } from './resolve-hook.js';

export interface SessionOptions extends Omit<SessionContext, 'cells'> {
  /** Compiled plans (`.js`) and plans in source (`.ts`), absolute. */
  readonly files: readonly string[];
  /** Only tests whose full title matches. */
  readonly grep?: RegExp;
}

let loads = 0;

/**
 * Runs every plan of `files`. What fails is in the record; it throws `RIG_USAGE` when nothing at all was selected.
 * One session at a time a process.
 */
export async function runSession(options: SessionOptions): Promise<SessionRecord> {
  const context: SessionContext = { ...options, cells: new Map() };
  const failures: SetupFailure[] = [];
  const outside: TestRecord[] = [];
  const mocha = new Mocha({ ui: 'bdd', timeout: 0, reporter: SilentReporter, forbidOnly: true });
  if (options.grep !== undefined) mocha.grep(options.grep);
  mocha.cleanReferencesAfterRun(false);
  const restoreGlobals = keepGlobals();
  const forgetRejections = recordRejections(failures);
  setSessionContext(context);
  try {
    for (const file of options.files) await loadPlan(mocha, file, failures);
    refuseEmpty(mocha, context, failures, options);
    await runMocha(mocha, context, failures, outside);
  } finally {
    setSessionContext(undefined);
    forgetRejections();
    restoreGlobals();
    mocha.dispose();
  }
  for (const [suite, record] of context.cells) addTestsThatDidNotRun(suite, record, options);
  const cells = [...context.cells.values()].filter((cell) => cell.tests.length + cell.failures.length > 0);
  return { seed: options.seed ?? '', cells, outside, failures, aborted: options.abort.aborted };
}

/** A promise that nobody waits for would take its failure with it; answers how to stop listening. */
function recordRejections(failures: SetupFailure[]): () => void {
  const known = new WeakSet<Promise<unknown>>();
  const record = (reason: unknown, promise: Promise<unknown>): void => {
    // mocha emits once more what it does not know.
    if (known.has(promise)) return;
    known.add(promise);
    const { verdict, error } = classify(reason);
    const unwaited = new RigError('RIG_PLAN', `an assertion that nobody waited for failed: ${error.message}`, {
      hint: 'await what is asynchronous in a test',
    });
    failures.push({
      during: 'a promise that nobody waited for',
      verdict: 'ERROR',
      error: verdict === 'FAIL' ? classify(unwaited).error : error,
    });
  };
  process.on('unhandledRejection', record);
  return () => process.off('unhandledRejection', record);
}

/** What mocha puts on the global object for a file; a caller that is itself a mocha test has its own there. */
const MOCHA_GLOBALS = ['describe', 'context', 'it', 'specify', 'before', 'after', 'beforeEach', 'afterEach', 'run'];

function keepGlobals(): () => void {
  const names = [...MOCHA_GLOBALS, ...['describe', 'context', 'it', 'specify'].map((name) => `x${name}`)];
  const kept = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
  return () => {
    for (const [name, descriptor] of kept)
      if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, descriptor);
  };
}

/** mocha insists on a reporter; the session listens to the runner itself. */
class SilentReporter extends Mocha.reporters.Base {}

/** A file that cannot be loaded is recorded and does not keep the others from running. */
async function loadPlan(mocha: Mocha, file: string, failures: SetupFailure[]): Promise<void> {
  mocha.suite.emit('pre-require', globalThis, file, mocha);
  provideOwnPackage();
  try {
    const url = `${pathToFileURL(file).href}?load=${++loads}`;
    if (file.endsWith('.ts')) {
      const { tsImport } = await import('tsx/esm/api');
      await tsImport(url, import.meta.url);
    } else await import(url);
  } catch (thrown) {
    const { error } = classify(thrown);
    const known = error.layer !== 'plan';
    const cause = known
      ? thrown
      : new RigError('RIG_PLAN', `the plan ${file} cannot be loaded: ${oneLine(error.message)}`, {
          where: file,
          hint: 'correct the plan; nothing in it was run',
        });
    failures.push({ during: `loading ${file}`, verdict: 'ERROR', error: classify(cause).error });
  }
  mocha.suite.emit('post-require', globalThis, file, mocha);
}

/** In one line; what follows an unknown module's name is of use to its loader alone. */
function oneLine(message: string): string {
  return message.replace(/\nRequire stack:.*/s, '').replace(/\s*\n\s*/g, ' ');
}

function refuseEmpty(
  mocha: Mocha,
  context: SessionContext,
  failures: readonly SetupFailure[],
  options: SessionOptions,
): void {
  if (failures.length > 0) return;
  const { grep } = options;
  let matching = 0;
  mocha.suite.eachTest((test) => {
    if (grep === undefined || grep.test(test.fullTitle())) matching++;
  });
  if (matching > 0) return;
  if (mocha.suite.total() > 0)
    throw new RigError('RIG_USAGE', `no test matches ${grep}`, {
      hint: 'it is compared with plan, cell and title, as JUnit shows them',
    });
  if (context.cells.size > 0) throw new RigError('RIG_NO_EVIDENCE', 'the plans contain no test');
  throw new RigError('RIG_USAGE', 'no cell of the matrix is left to run', {
    hint:
      options.files.length === 0
        ? 'no plan was found; "rig list plans" shows those that are shipped'
        : 'the selection leaves nothing of what the plans allow; "rig list plans" shows what they declare',
  });
}

function runMocha(
  mocha: Mocha,
  context: SessionContext,
  failures: SetupFailure[],
  outside: TestRecord[],
): Promise<void> {
  return new Promise((resolve) => {
    const runner: Runner = mocha.run(() => resolve());
    const abort = (): void => void runner.abort();
    context.abort.addEventListener('abort', abort, { once: true });
    if (context.abort.aborted) abort();
    runner.on('fail', (runnable, thrown) => onFailure(runnable, thrown, context, failures));
    runner.on('test end', (test) => {
      if (cellOf(test, context) === undefined) outside.push(outsideRecord(test));
    });
    runner.on('end', () => context.abort.removeEventListener('abort', abort));
  });
}

function onFailure(runnable: Runnable, thrown: unknown, context: SessionContext, failures: SetupFailure[]): void {
  if ((runnable as Runnable & { type?: string }).type !== 'hook' || TearDownFailed.is(thrown)) return;
  const { verdict, error } = classify(thrown);
  // A hook sets up or clears away; when it fails, the product has not been tested yet.
  const failure: SetupFailure = { during: runnable.title, verdict: verdict === 'FAIL' ? 'ERROR' : verdict, error };
  (cellOf(runnable, context)?.failures ?? failures).push(failure);
}

function cellOf(runnable: Runnable, context: SessionContext): CellRecord | undefined {
  for (let suite = runnable.parent; suite !== undefined; suite = suite.parent) {
    const record = context.cells.get(suite);
    if (record !== undefined) return record;
  }
  return undefined;
}

/** An ordinary test beside the plans: no evidence is collected there, so that it can fail and not pass. */
function outsideRecord(test: Test): TestRecord {
  const base = {
    title: test.fullTitle(),
    measurements: [],
    expectations: 0,
    notes: [],
    attachments: [],
    attempts: 1,
    wallMs: test.duration ?? 0,
  };
  if (test.state === 'passed') {
    const { verdict, error } = classify(
      new RigError('RIG_NO_EVIDENCE', 'the test stands outside of every plan and leaves no evidence', {
        hint: 'tests stand inside plan()',
      }),
    );
    return { ...base, verdict, error };
  }
  if (test.state !== 'failed') return { ...base, verdict: 'SKIP', reason: 'skipped by the plan' };
  const { verdict, error } = classify(test.err);
  return { ...base, verdict, error };
}

/** Tests that were selected and left no record: skipped in the source, cut off by the end of the session or by a failed hook. */
function addTestsThatDidNotRun(suite: Suite, record: CellRecord, options: SessionOptions): void {
  const known = new Set(record.tests.map((test) => test.title));
  suite.eachTest((test) => {
    const title = testTitle(test, suite);
    if (known.has(title) || (options.grep !== undefined && !options.grep.test(test.fullTitle()))) return;
    const base = {
      title,
      measurements: [],
      expectations: 0,
      notes: [],
      attachments: [],
      attempts: 0,
      wallMs: 0,
    };
    if (test.isPending()) record.tests.push({ ...base, verdict: 'SKIP', reason: 'skipped by the plan' });
    else if (options.abort.aborted)
      record.tests.push({ ...base, verdict: 'ABORTED', reason: 'the session was ended first' });
    else record.tests.push({ ...base, verdict: 'ERROR', reason: 'not run: what it stands on failed' });
  });
}
