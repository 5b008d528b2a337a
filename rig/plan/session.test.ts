/** Checks plans as a whole: fixtures, evidence, verdicts, tear-down, aborts, and files that do not load. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { HalError } from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { RunResult, StopReason } from '../run/run-types.js';
import { fakeExecutor, fakeRun } from '../test-support/fake-run.js';
import { runFiles, runPlanText, type TestFolder, testFolder } from '../test-support/session.js';
import { cellVerdict, type SessionRecord, sessionVerdict } from '../verdict/records.js';

describe('session', () => {
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => folder.remove());

  const verdicts = (session: SessionRecord): string[] => session.cells[0].tests.map((t) => `${t.title}: ${t.verdict}`);
  const stopped = (stop: StopReason) =>
    fakeExecutor((request) => fakeRun({ change: (result: RunResult) => ({ ...result, stop }) }, request.cell));

  it('runs a plan in every selected cell, and each test leaves its measurements', async () => {
    const session = await runPlanText(
      folder,
      `it('keeps the rate', async () => { expect((await rig.run({ for: '60 s' })).channel('fix')).to.have.rate('1 Hz').within('50 ppm'); });`,
      { selection: {} },
    );
    expect(session.cells.map(({ cell }) => cell.architecture)).to.deep.equal(['hosted', 'partitioned']);
    expect(session.cells.map(cellVerdict)).to.deep.equal(['PASS', 'PASS']);
    const [test] = session.cells[1].tests;
    expect(test.measurements[0]).to.include({ name: 'rate', outcome: 'pass', count: 60 });
    expect(session.cells[1].runs[0].guests[0].channels[0]).to.include({ name: 'fix', reports: 60 });
    expect(session.events.map((event) => event.kind)).to.deep.equal([
      'run-begins',
      'test-ends',
      'run-begins',
      'test-ends',
    ]);
  });

  it('asks for what the plan wants, with the seed of the command line first', async () => {
    const executor = fakeExecutor();
    const body = `it('a', async () => { expect((await rig.run({ for: '2 s', seed: 'plan', guests: 2, simulator: { rateHz: 5 } })).instret).to.be.above(0); });`;
    await runPlanText(folder, body, {}, executor);
    await runPlanText(folder, body, { seed: '7' }, executor);
    const [first, second] = executor.requests;
    expect(first).to.deep.include({ guest: 'g', durationNs: 2e9, seed: 'plan', guests: 2, simulator: { rateHz: 5 } });
    expect(second.seed).to.equal('7');
    expect(existsSync(first.outDir)).to.equal(true);
  });

  it('performs a run once a cell, however often and in whatever order it is asked for', async () => {
    const executor = fakeExecutor();
    const session = await runPlanText(
      folder,
      `it('a', async () => { expect(await rig.run({ for: '2 s', seed: 's' })).to.be.certified; });
       it('b', async () => { expect(await rig.run({ seed: 's', for: '2 s' })).to.be.certified; });
       it('c', async () => { expect(await rig.run({ for: '3 s', seed: 's' })).to.be.certified; });`,
      {},
      executor,
    );
    expect(executor.requests.map((r) => r.durationNs)).to.deep.equal([2e9, 3e9]);
    expect(executor.requests[0].outDir).to.not.equal(executor.requests[1].outDir);
    expect(sessionVerdict(session)).to.equal('PASS');
  });

  it('tells the seven verdicts apart', async () => {
    const session = await runPlanText(
      folder,
      `it('passes', async () => { expect(1).to.equal(1); });
       it('fails', async () => { expect(await rig.run({ for: '60 s' })).to.have.checksumErrors(7); });
       it('is undecided', async () => { expect((await rig.run({ for: '60 s' })).channel('fix').latency).p99_9.to.be.below('1 s'); });
       it('errs', () => { throw new RigError('RIG_INTERNAL', 'broken'); });
       it('is late', () => { throw new RigError('RIG_TIMEOUT', 'too late'); });
       it('is skipped', () => rig.skip('no antenna'));
       it('is skipped in the way of mocha', function () { this.skip(); });
       it.skip('is skipped in the source', () => {});
       it('has a bug', () => { undefined.x; });`,
    );
    expect(verdicts(session)).to.deep.equal([
      'passes: PASS',
      'fails: FAIL',
      'is undecided: INCONCLUSIVE',
      'errs: ERROR',
      'is late: TIMEOUT',
      'is skipped: SKIP',
      'is skipped in the way of mocha: SKIP',
      'has a bug: ERROR',
      'is skipped in the source: SKIP',
    ]);
    expect(session.cells[0].tests[5].reason).to.equal('no antenna');
    expect(session.cells[0].tests[7].error?.layer).to.equal('plan');
  });

  it('makes an ERROR of a test that checks nothing, and of a plan that skips everything', async () => {
    const empty = await runPlanText(folder, `it('looks busy', async () => { await rig.run({ for: '60 s' }); });`);
    expect(empty.cells[0].tests[0]).to.include({ verdict: 'ERROR' });
    expect(empty.cells[0].tests[0].error).to.include({ code: 'RIG_NO_EVIDENCE', layer: 'rig' });
    const skipped = await runPlanText(folder, `it('a', () => rig.skip('x')); it.skip('b', () => {});`);
    expect(sessionVerdict(skipped)).to.equal('ERROR');
  });

  it('keeps the verdict of a measurement whose error the test caught', async () => {
    const session = await runPlanText(
      folder,
      `it('fails', async () => { try { expect(await rig.run({ for: '60 s' })).to.have.checksumErrors(7); } catch {} });
       it('fails and skips', async () => { try { expect(await rig.run({ for: '60 s' })).to.have.checksumErrors(7); } catch {} rig.skip('x'); });
       it('is undecided', async () => { try { expect((await rig.run({ for: '60 s' })).channel('fix').latency).p99_9.to.be.below('1 s'); } catch {} });`,
    );
    expect(verdicts(session)).to.deep.equal(['fails: FAIL', 'fails and skips: FAIL', 'is undecided: INCONCLUSIVE']);
    expect(session.cells[0].tests[0].error?.message).to.contain('checksum errors');
  });

  it('makes an ERROR of a rejection that nobody waits for', async () => {
    // Those of the mocha around this test would end it.
    const around = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    try {
      const session = await runPlanText(
        folder,
        `it('a', () => { expect(1).to.equal(1); Promise.reject(new Error('left behind')); });`,
      );
      expect(verdicts(session)).to.deep.equal(['a: PASS']);
      expect(session.failures.map((f) => f.error.message)).to.deep.equal(['left behind']);
      expect(sessionVerdict(session)).to.equal('ERROR');
      expect(process.listenerCount('unhandledRejection')).to.equal(0);
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of around) process.on('unhandledRejection', listener);
    }
  });

  it('makes an ERROR of an assertion left without its limit', async () => {
    const session = await runPlanText(
      folder,
      `it('a', async () => { expect((await rig.run({ for: '60 s' })).channel('fix')).to.have.rate('1 Hz'); });`,
    );
    expect(session.cells[0].tests[0].error?.message).to.contain('has no limit');
  });

  it('skips a test of which nothing is applicable', async () => {
    const log = fakeExecutor((request) =>
      fakeRun({ change: (r) => ({ ...r, pacing: 'reconstructed' }) }, request.cell),
    );
    const session = await runPlanText(
      folder,
      `it('a', async () => { expect((await rig.run({ for: '60 s' })).channel('fix')).jitter.max.below('1 s'); });`,
      {},
      log,
    );
    expect(session.cells[0].tests[0].verdict).to.equal('SKIP');
    expect(session.cells[0].tests[0].reason).to.contain('means nothing');
  });

  it('names the layer and the first cause of a run that cannot start', async () => {
    const broken = fakeExecutor(() => {
      throw new RigError('RIG_DEVICE_LOST', 'lost', { cause: new HalError('HAL_DENIED', 'no permission') });
    });
    const body = `it('a', async () => { expect(await rig.run({ for: '1 s' })).to.be.certified; });
      it('b', async () => { expect(await rig.run({ for: '1 s' })).to.be.certified; });`;
    const session = await runPlanText(folder, body, {}, broken);
    for (const test of session.cells[0].tests) expect(test.error).to.include({ layer: 'hal', code: 'HAL_DENIED' });
    expect(broken.requests, 'a run that failed is not tried again').to.have.length(1);
  });

  const ends: readonly (readonly [StopReason, string, string])[] = [
    [{ kind: 'limit', limit: 'instructions', sentence: 'too many' }, 'TIMEOUT', 'RIG_GUEST_ENDLESS'],
    [{ kind: 'limit', limit: 'wall', sentence: 'too long' }, 'TIMEOUT', 'RIG_TIMEOUT'],
    [{ kind: 'aborted', sentence: 'stopped' }, 'ABORTED', 'RIG_ABORTED'],
    [
      { kind: 'device-lost', sentence: 'gone', cause: new HalError('HAL_DISCONNECTED', 'gone') },
      'ERROR',
      'HAL_DISCONNECTED',
    ],
    [{ kind: 'guest-finished', code: 3, sentence: 'the guest ended with 3' }, 'FAIL', 'AssertionError'],
  ];
  for (const [stop, verdict, code] of ends)
    it(`makes ${verdict} of a run that ended by ${stop.kind} ${stop.limit ?? ''}, and keeps the run`, async () => {
      const body = `it('a', async () => { expect(await rig.run({ for: '1 s' })).to.be.certified; });`;
      const session = await runPlanText(folder, body, {}, stopped(stop));
      expect(session.cells[0].tests[0].verdict).to.equal(verdict);
      expect(session.cells[0].tests[0].error?.code).to.equal(code);
      expect(session.cells[0].runs).to.have.length(1);
    });

  it('lets a plan expect such an end', async () => {
    const body = `it('a', async () => { expect((await rig.run({ for: '1 s', mayEndBy: ['device-lost'] })).result.stop.kind).to.equal('device-lost'); });`;
    const session = await runPlanText(folder, body, {}, stopped({ kind: 'device-lost', sentence: 'gone' }));
    expect(sessionVerdict(session)).to.equal('PASS');
  });

  it('makes an ERROR of a guest that finishes before its time, unless the plan expects it', async () => {
    const early = fakeExecutor((request) => {
      const stop: StopReason = { kind: 'guest-finished', code: 0, sentence: 'done' };
      return fakeRun({ seconds: 2, change: (result) => ({ ...result, stop }) }, request.cell);
    });
    const body = (more: string) =>
      `it('a', async () => { expect(await rig.run({ for: '60 s'${more} })).to.be.certified; });`;
    const strict = await runPlanText(folder, body(''), {}, early);
    expect(sessionVerdict(strict)).to.equal('ERROR');
    expect(strict.cells[0].tests[0].error?.code).to.equal('RIG_GUEST_FAILED');
    expect(strict.cells[0].tests[0].error?.hint).to.contain('mayEndBy');
    const lax = await runPlanText(folder, body(`, mayEndBy: ['guest-finished']`), {}, early);
    expect(sessionVerdict(lax)).to.equal('PASS');
  });

  it('refuses a run that lasts for nothing', async () => {
    const executor = fakeExecutor();
    const body = `it('a', async () => { expect(await rig.run({ for: '0 s' })).to.be.certified; });`;
    const session = await runPlanText(folder, body, {}, executor);
    expect(session.cells[0].tests[0].error?.code).to.equal('RIG_PLAN');
    expect(executor.requests).to.deep.equal([]);
  });

  it('makes an ERROR of a run that is not certified, unless the plan only wants it reported', async () => {
    const diverged = fakeExecutor((request) =>
      fakeRun({ change: (r) => ({ ...r, certification: { ...r.certification, certified: false } }) }, request.cell),
    );
    const body = (more: string) =>
      `it('a', async () => { expect((await rig.run({ for: '1 s'${more} })).instret).to.be.above(0); });`;
    const strict = await runPlanText(folder, body(''), {}, diverged);
    expect(strict.cells[0].tests[0].error?.code).to.equal('RIG_NOT_CERTIFIED');
    const lax = await runPlanText(folder, body(`, certification: 'report'`), {}, diverged);
    expect(sessionVerdict(lax)).to.equal('PASS');
  });

  it('tears down in reverse, goes on after a failure, and reports it as an ERROR', async () => {
    const session = await runPlanText(
      folder,
      `const log = globalThis.tearDownLog = [];
       it('a', () => {
         rig.defer('first', () => { log.push('first'); });
         rig.defer('second', async () => { log.push('second'); throw new Error('stuck'); });
         rig.defer('third', () => { log.push('third'); });
         expect(1).to.equal(1);
       });`,
    );
    const { tearDownLog } = globalThis as { tearDownLog?: string[] };
    expect(tearDownLog).to.deep.equal(['third', 'second', 'first']);
    expect(session.cells[0].failures).to.have.length(1);
    expect(session.cells[0].failures[0]).to.deep.include({ during: 'tear-down of "second"', verdict: 'ERROR' });
    expect(sessionVerdict(session)).to.equal('ERROR');
  });

  it('records a failed hook, and that the tests behind it were not run', async () => {
    const session = await runPlanText(folder, `before(() => { throw new Error('no bench'); }); it('a', () => {});`);
    expect(session.cells[0].failures[0].error.message).to.equal('no bench');
    expect(verdicts(session)).to.deep.equal(['a: ERROR']);
    expect(session.cells[0].tests[0].reason).to.contain('not run');
  });

  it('keeps notes, attachments and the console', async () => {
    const session = await runPlanText(
      folder,
      `it('a', async () => { await rig.run({ for: '1 s' }); rig.note('cable 3'); rig.attach('pic.txt', 'hello'); expect(1).to.equal(1); });`,
    );
    const [test] = session.cells[0].tests;
    expect(test.notes).to.deep.equal(['cable 3']);
    expect(readFileSync(join(folder.path, 'out', test.attachments[0].path), 'utf8')).to.equal('hello');
    expect(
      readFileSync(join(folder.path, 'out/runs/p_x_sim_hosted_emulated_interpreter/run-1/console-0.txt'), 'utf8'),
    ).to.contain('ready');
  });

  it('counts the attempts of a test that mocha retries', async () => {
    const session = await runPlanText(
      folder,
      `let n = 0; it('flaky', function () { this.retries(2); expect(++n).to.equal(2); }); it('calm', () => { expect(1).to.equal(1); });`,
    );
    expect(session.cells[0].tests.map((t) => [t.title, t.verdict, t.attempts])).to.deep.equal([
      ['flaky', 'PASS', 2],
      ['calm', 'PASS', 1],
    ]);
  });

  it('knows nested describes, callbacks, and tests outside of plans', async () => {
    const file = folder.plan(
      'p.plan.mjs',
      `plan('p', { profile: 'x', guest: 'g' }, () => {
         describe('inner', () => { it('calls back', (done) => { expect(1).to.equal(1); done(); }); });
         it('calls back with an error', (done) => { done(new Error('late')); });
       });
       describe('beside', () => {
         it('fails', () => { expect(1).to.equal(2); });
         it('passes', () => { expect(1).to.equal(1); });
       });`,
    );
    const session = await runFiles([file], folder);
    expect(verdicts(session)).to.deep.equal(['calls back with an error: ERROR', 'inner › calls back: PASS']);
    expect(session.outside.map((t) => [t.title, t.verdict, t.error?.code])).to.deep.equal([
      ['beside fails', 'FAIL', 'AssertionError'],
      ['beside passes', 'ERROR', 'RIG_NO_EVIDENCE'],
    ]);
  });

  it('runs the tests that match, and leaves out cells without any', async () => {
    const file = folder.plan(
      'p.plan.mjs',
      `for (const name of ['p', 'q']) plan(name, { profile: 'x', guest: 'g' }, () => {
         it('one of ' + name, () => { expect(1).to.equal(1); });
         it('two of ' + name, () => { expect(1).to.equal(1); });
       });`,
    );
    const session = await runFiles([file], folder, { grep: /one of p/ });
    expect(session.cells.map(({ cell, tests }) => [cell.plan, tests.length])).to.deep.equal([['p', 1]]);
    expect(sessionVerdict(session)).to.equal('PASS');
  });

  it('records a plan that does not load, and runs the others', async () => {
    const bad = folder.plan('bad.plan.mjs', 'this is no program');
    const worse = folder.plan('worse.plan.mjs', `plan('w', { guest: 'g' }, () => {});`);
    const good = folder.plan(
      'good.plan.mjs',
      `plan('p', { profile: 'x', guest: 'g' }, () => { it('a', () => { expect(1).to.equal(1); }); });`,
    );
    const session = await runFiles([bad, worse, good], folder);
    expect(session.failures.map((f) => f.error.code)).to.deep.equal(['RIG_PLAN', 'RIG_PLAN']);
    expect(session.failures[0].error.message).to.contain('bad.plan.mjs cannot be loaded');
    expect(session.failures[1].error.message).to.contain('names no profile');
    expect(verdicts(session)).to.deep.equal(['a: PASS']);
    expect(sessionVerdict(session)).to.equal('ERROR');
  });

  it('loads a plan in TypeScript source', async () => {
    const file = folder.plan(
      'typed.plan.ts',
      `const profile: string = 'x';\nplan('p', { profile, guest: 'g' }, (rig) => { it('a', async (): Promise<void> => { expect(await rig.run({ for: '1 s' })).to.be.certified; }); });`,
    );
    const session = await runFiles([file], folder);
    expect(session.failures).to.deep.equal([]);
    expect(verdicts(session)).to.deep.equal(['a: PASS']);
  }).timeout(60_000);

  it('refuses a session in which nothing is left to run', async () => {
    let thrown: unknown;
    await runPlanText(folder, `it('a', () => {});`, { selection: { bindings: ['replay'] } }).catch((e) => {
      thrown = e;
    });
    expect(thrown).to.be.instanceOf(RigError).that.includes({ code: 'RIG_USAGE' });
  });

  it('ends at the signal: the running test and those behind it are ABORTED, and tear-down still runs', async () => {
    const controller = new AbortController();
    const executor = fakeExecutor(
      (request) =>
        new Promise((resolve) => {
          request.abort?.addEventListener('abort', () =>
            resolve(
              fakeRun({ change: (r) => ({ ...r, stop: { kind: 'aborted', sentence: 'stopped' } }) }, request.cell),
            ),
          );
          controller.abort();
        }),
    );
    const session = await runPlanText(
      folder,
      `globalThis.tornDown = false;
       it('a', async () => { rig.defer('x', () => { globalThis.tornDown = true; }); expect(await rig.run({ for: '1 s' })).to.be.certified; });
       it('b', async () => { expect(await rig.run({ for: '1 s' })).to.be.certified; });`,
      { abort: controller.signal },
      executor,
    );
    expect(verdicts(session)).to.deep.equal(['a: ABORTED', 'b: ABORTED']);
    expect(session.aborted).to.equal(true);
    expect(sessionVerdict(session)).to.equal('ABORTED');
    expect((globalThis as { tornDown?: boolean }).tornDown).to.equal(true);
  });

  it('leaves the globals of the mocha around it alone', async () => {
    const before = globalThis.describe;
    await runPlanText(folder, `it('a', () => { expect(1).to.equal(1); });`);
    expect(globalThis.describe).to.equal(before);
  });
});
