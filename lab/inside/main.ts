/** Runs the suite inside the machine and tells the host each result. */

import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import Mocha from 'mocha';
import { suiteFiles, TestNames } from '../outer-suite.js';
import type { InsideFailure } from '../protocol.js';
import { connectHost, flushHost, tellHost } from './host.js';

/** Node.js under emulation is ten to thirty times slower than outside, and some tests start processes. */
const TIMEOUT_MS = 60_000;

function failureOf(error: Error | undefined): InsideFailure {
  return { message: error?.message ?? 'no error was given', stack: error?.stack };
}

/** Names every declared test as the host does, before any of them runs. */
function nameTests(suite: Mocha.Suite): Map<Mocha.Test, ReturnType<TestNames['next']>> {
  const names = new TestNames();
  const found = new Map<Mocha.Test, ReturnType<TestNames['next']>>();
  const visit = (each: Mocha.Suite) => {
    for (const test of each.tests) found.set(test, names.next(test.titlePath()));
    each.suites.forEach(visit);
  };
  visit(suite);
  return found;
}

class HostReporter {
  constructor(runner: Mocha.Runner) {
    const names = nameTests(runner.suite);
    const hooks = new Map<Mocha.Suite, InsideFailure>();
    const tell = (test: Mocha.Test, state: 'passed' | 'failed' | 'pending', failure?: InsideFailure) => {
      const name = names.get(test);
      if (name === undefined) return;
      process.stdout.write(`${state}: ${test.fullTitle()}${failure === undefined ? '' : `: ${failure.message}`}\n`);
      tellHost({ kind: 'test', ...name, state, durationMs: test.duration ?? 0, failure });
    };
    runner.on('pass', (test) => tell(test, 'passed'));
    runner.on('pending', (test) => tell(test, 'pending'));
    runner.on('fail', (failed: Mocha.Test | Mocha.Hook, error: Error) => {
      if (failed.type === 'hook') {
        process.stdout.write(`failed: ${failed.fullTitle()}: ${error.message}\n`);
        if (failed.parent !== undefined) hooks.set(failed.parent, failureOf(error));
      } else tell(failed as Mocha.Test, 'failed', failureOf(error));
    });
    runner.on('suite end', (suite) => {
      if (!suite.root) tellHost({ kind: 'suite-end', titles: suite.titlePath(), hook: hooks.get(suite) });
    });
  }
}

const uptimeS = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
await connectHost(() => process.exit(1));
const mocha = new Mocha({ reporter: HostReporter as unknown as Mocha.ReporterConstructor, timeout: TIMEOUT_MS });
if (process.env.LAB_GREP !== undefined) mocha.fgrep(process.env.LAB_GREP);
for (const file of suiteFiles()) mocha.addFile(file);
await mocha.loadFilesAsync();
tellHost({ kind: 'hello', token: process.env.LAB_TOKEN ?? '', kernel: release(), uptimeS });
const failures = await new Promise<number>((resolve) => mocha.run(resolve));
tellHost({ kind: 'end' });
await flushHost();
process.exit(failures === 0 ? 0 : 1);
