import { expect } from 'chai';
import Mocha from 'mocha';
import { mirror } from './outer-suite.js';
import type { TestName, TestResult } from './protocol.js';

function declared(): Mocha.Suite {
  const { suite } = new Mocha();
  const outer = Mocha.Suite.create(suite, 'outer');
  for (const title of ['passes', 'fails', 'waits', 'passes']) outer.addTest(new Mocha.Test(title, () => {}));
  return suite;
}

async function answer({ titles, ordinal }: TestName): Promise<TestResult> {
  const title = titles.at(-1);
  if (title === 'fails' || ordinal === 1)
    return {
      titles,
      ordinal,
      state: 'failed',
      durationMs: 1,
      failure: { message: `no ${ordinal}`, stack: 'at inside' },
    };
  return { titles, ordinal, state: title === 'waits' ? 'pending' : 'passed', durationMs: 1 };
}

class Silent {}

describe('mirror', () => {
  it('shows each result inside as one test outside, equal titles apart', async () => {
    const mocha = new Mocha({ reporter: Silent as unknown as Mocha.ReporterConstructor });
    mirror(declared(), Mocha.Suite.create(mocha.suite, 'lab'), answer);
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      const runner = mocha.run(() => resolve());
      runner.on('pass', (test) => seen.push(`passed: ${test.fullTitle()}`));
      runner.on('pending', (test) => seen.push(`pending: ${test.fullTitle()}`));
      runner.on('fail', (test, error: Error) =>
        seen.push(`failed: ${test.fullTitle()}: ${error.message} ${error.stack}`),
      );
    });
    expect(seen).to.deep.equal([
      'passed: lab outer passes',
      'failed: lab outer fails: no 0 at inside',
      'pending: lab outer waits',
      'failed: lab outer passes: no 1 at inside',
    ]);
  });
});
