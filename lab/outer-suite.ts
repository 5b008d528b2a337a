/** The suite as mocha shows it outside: every test inside has one of the same title here, which waits for its result. */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Mocha from 'mocha';
import type { TestName, TestResult } from './protocol.js';

const INSIDE = fileURLToPath(new URL('./inside/', import.meta.url));

/** Files of the suite, in the order they run inside. */
export function suiteFiles(): string[] {
  return readdirSync(INSIDE)
    .filter((name) => name.endsWith('.lab.js'))
    .sort()
    .map((name) => `${INSIDE}${name}`);
}

/** The tests as they are declared, none of them run. */
export async function declaredTests(): Promise<Mocha.Suite> {
  const mocha = new Mocha();
  for (const file of suiteFiles()) mocha.addFile(file);
  await mocha.loadFilesAsync();
  return mocha.suite;
}

export type AskResult = (name: TestName) => Promise<TestResult>;

/** Numbers tests of equal titles in the order of the tree. */
export class TestNames {
  readonly #seen = new Map<string, number>();

  next(titles: readonly string[]): TestName {
    const key = JSON.stringify(titles);
    const ordinal = this.#seen.get(key) ?? 0;
    this.#seen.set(key, ordinal + 1);
    return { titles, ordinal };
  }
}

/** Puts a copy of `declared` under `parent`; with a reason every test is pending with it. */
export function mirror(declared: Mocha.Suite, parent: Mocha.Suite, ask: AskResult, names = new TestNames()): void {
  for (const test of declared.tests) {
    const name = names.next(test.titlePath());
    parent.addTest(
      new Mocha.Test(test.title, async function (this: Mocha.Context) {
        await show(this, await ask(name));
      }),
    );
  }
  for (const suite of declared.suites) mirror(suite, Mocha.Suite.create(parent, suite.title), ask, names);
}

async function show(context: Mocha.Context, { state, failure }: TestResult): Promise<void> {
  if (state === 'pending') context.skip();
  if (state === 'passed') return;
  const error = new Error(failure?.message ?? 'it failed inside and said nothing');
  error.stack = failure?.stack ?? error.message;
  throw error;
}
