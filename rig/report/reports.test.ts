/** Checks what goes into run.json, JUnit and the tables, and that it is the same on every machine. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { create } from 'xmlbuilder2';
import { PACKAGE_ROOT } from '../paths.js';
import type { MatrixCell, RunRequest } from '../run/run-types.js';
import { FAKE_CELL, fakeExecutor, fakeRun } from '../test-support/fake-run.js';
import { runPlanText, type TestFolder, testFolder } from '../test-support/session.js';
import type { SessionRecord, TestRecord } from '../verdict/records.js';
import type { Verdict } from '../verdict/verdict.js';
import { differentials } from './differential.js';
import { junitXml } from './junit.js';
import { runJson } from './run-json.js';
import { differentialTables, resultTable } from './table.js';
import { prepareOutput, writeReports } from './write-reports.js';

const BODY = `
  it('keeps the rate', async () => { expect((await rig.run({ for: '60 s' })).channel('fix')).to.have.rate('1 Hz').within('50 ppm'); });
  it('is undecided', async () => { expect((await rig.run({ for: '60 s' })).channel('fix').latency).p99_9.to.be.below('1 s'); rig.note('n'); });`;

/** Hosted is slower and costs exits; a lost epoch makes its data differ. */
function architectureExecutor(lostWhenHosted: readonly number[] = []) {
  return fakeExecutor((request: RunRequest) =>
    request.cell.architecture === 'hosted'
      ? fakeRun({ latencyNs: 300_000, dataPath: 4200, lost: lostWhenHosted }, request.cell)
      : fakeRun({ latencyNs: 100_000, dataPath: 0 }, request.cell),
  );
}

describe('reports', () => {
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => folder.remove());

  it('are the same bytes for the same runs, wherever the output goes and however long it took', async () => {
    const other = testFolder();
    const a = await runPlanText(folder, BODY, { selection: {} }, architectureExecutor());
    const b = await runPlanText(other, BODY, { selection: {} }, architectureExecutor());
    for (const cell of b.cells) for (const test of cell.tests) test.wallMs = 99_999;
    expect(runJson(a, join(folder.path, 'out'), '1')).to.equal(runJson(b, join(other.path, 'out'), '1'));
    other.remove();
  });

  it('say in run.json what was measured, with null where something is unbounded', async () => {
    const session = await runPlanText(folder, BODY, {}, architectureExecutor());
    const text = runJson(session, folder.path, '1.2.3');
    const document = JSON.parse(text);
    expect(document).to.include({ schema: 'rigvisor-run', schemaVersion: 1, rig: '1.2.3', verdict: 'INCONCLUSIVE' });
    expect(document.counts).to.deep.equal({ PASS: 1, INCONCLUSIVE: 1 });
    const [rate, latency] = document.cells[0].tests.map((t: { measurements: unknown[] }) => t.measurements[0]);
    expect(rate).to.include({ name: 'rate', unit: 'Hz', outcome: 'pass', count: 60 });
    expect(rate.limit).to.deep.equal({ text: 'within 50 ppm of 1 Hz', min: 0.99995, max: 1.00005 });
    expect(latency).to.include({ outcome: 'inconclusive', high: null, uncertainty: null });
    expect(document.cells[0].runs[0].trace).to.deep.equal({
      file: 'trace.pcapng',
      sha256: 'c'.repeat(64),
      blocks: 100,
      bytes: 12345,
    });
    const keys = Object.keys(document.cells[0].runs[0]);
    expect(keys).to.deep.equal([...keys].sort());
  });

  it('keep the folders of the machine out of run.json', async () => {
    const session = await runPlanText(
      folder,
      `it('a', () => { throw new Error(${JSON.stringify(`see ${PACKAGE_ROOT}/dist/x.js, ${homedir()}/y, `)} + ${JSON.stringify(folder.path)} + '/out/z'); });`,
    );
    const text = runJson(session, join(folder.path, 'out'), '1');
    expect(JSON.parse(text).cells[0].tests[0].error.message).to.equal('see dist/x.js, y, z');
    for (const part of [PACKAGE_ROOT, folder.path, 'stack']) expect(text).to.not.contain(part);
  });

  it('set hosted against partitioned, with the difference and whether the data is the same', async () => {
    const session = await runPlanText(folder, BODY, { selection: {} }, architectureExecutor());
    const [differential] = differentials(session.cells);
    const row = (name: string) => differential.rows.find((r) => r.name === name);
    expect(row('exits on the data path')).to.include({ hosted: 4200, partitioned: 0, difference: 4200 });
    expect(row('fix: latency p50')?.difference).to.be.closeTo(200_000, 60);
    expect(differential.sameData).to.deep.equal({ fix: true, counters: true });
    expect(differentialTables(session)).to.contain('200 us').and.to.contain('same data: fix yes');
  });

  it('see it when the data differs', async () => {
    const session = await runPlanText(folder, BODY, { selection: {} }, architectureExecutor([3]));
    expect(differentials(session.cells)[0].sameData.fix).to.equal(false);
  });

  it('have no differential where a plan ran in one architecture', async () => {
    expect(differentials((await runPlanText(folder, BODY)).cells)).to.deep.equal([]);
  });

  it('show every cell in the table, without colour codes unless wanted', async () => {
    const session = await runPlanText(folder, BODY, { selection: {} }, architectureExecutor());
    const plain = resultTable(session, false);
    for (const text of ['hosted', 'partitioned', 'ring', 'INCONCLUSIVE', '1/2', '60', '1 Hz', '4200/4261', 'yes'])
      expect(plain).to.contain(text);
    const controlSequence = String.fromCharCode(27);
    expect(plain).to.not.contain(controlSequence);
    expect(resultTable(session, true)).to.contain(controlSequence);
  });

  it('are written to the output folder, and replace those of the session before and nothing else', async () => {
    const out = join(folder.path, 'out');
    const session = await runPlanText(folder, BODY);
    const facts = {
      startedAtMs: 5,
      wallMs: 6,
      node: '20',
      platform: 'p',
      arch: 'a',
      cpu: 'c',
      cores: 2,
      command: ['run'],
    };
    const written = writeReports(session, out, facts, { failOnInconclusive: false });
    expect(JSON.parse(readFileSync(written.hostJson, 'utf8'))).to.include({ startedAtMs: 5, cores: 2 });
    expect(readFileSync(written.junit, 'utf8')).to.contain('<testsuites');
    writeFileSync(join(out, 'own.txt'), 'mine');
    prepareOutput(out);
    expect(readFileSync(join(out, 'own.txt'), 'utf8')).to.equal('mine');
    expect(() => readFileSync(written.runJson)).to.throw('ENOENT');
    const foreign = join(folder.path, 'foreign');
    mkdirSync(join(foreign, 'runs'), { recursive: true });
    prepareOutput(foreign);
    expect(() => writeFileSync(join(foreign, 'runs', 'x'), '')).to.not.throw();
  });
});

describe('JUnit', () => {
  const test = (title: string, verdict: Verdict, more: Partial<TestRecord> = {}): TestRecord => ({
    title,
    verdict,
    measurements: [],
    expectations: 1,
    notes: [],
    attachments: [],
    attempts: 1,
    wallMs: 1500,
    ...more,
  });
  const error = {
    layer: 'hal',
    code: 'HAL_DENIED',
    message: 'no <permission> & no \u0000\u0008 hope',
    hint: 'join "dialout"',
  } as const;
  const cell: MatrixCell = { ...FAKE_CELL, plan: 'a <plan>' };
  const session: SessionRecord = {
    seed: '',
    cells: [
      {
        cell,
        runs: [],
        details: [],
        failures: [{ during: 'tear-down of "x"', verdict: 'ERROR', error }],
        tests: [
          test('passes', 'PASS', {
            notes: ['cable 3'],
            attachments: [
              { name: 'pic', path: 'runs/1-pic.png' },
              { name: 'log', path: 'runs/1-log.txt' },
            ],
          }),
          test('fails', 'FAIL', { error: { layer: 'plan', code: 'AssertionError', message: 'wrong' }, attempts: 3 }),
          test('errs', 'ERROR', { error }),
          test('is undecided', 'INCONCLUSIVE', {
            error: { layer: 'plan', code: 'InconclusiveError', message: 'too few' },
          }),
          test('is skipped', 'SKIP', { reason: 'no antenna' }),
          test('is late', 'TIMEOUT', { error: { layer: 'rig', code: 'RIG_TIMEOUT', message: 'late' } }),
        ],
      },
    ],
    outside: [],
    failures: [],
    aborted: false,
  };

  interface Element {
    readonly [key: string]: unknown;
  }
  const parse = (xml: string): Element => create(xml).end({ format: 'object', verbose: true }) as unknown as Element;

  it('is well-formed whatever the texts hold, and leaves out what XML does not allow', () => {
    const xml = junitXml(session, { failOnInconclusive: false });
    expect(() => parse(xml)).to.not.throw();
    expect(xml).to.contain('no &lt;permission&gt; &amp; no  hope');
    expect(xml).to.contain('a &lt;plan&gt; [gnss-nmea-1hz, sim, hosted, emulated, interpreter]');
  });

  it('tells failures from errors and counts them', () => {
    const xml = junitXml(session, { failOnInconclusive: false });
    expect(xml).to.contain('tests="7" failures="1" errors="3" skipped="2" time="9.000"');
    expect(xml).to.match(
      /<testcase name="fails"[^>]*>[\s\S]*?<failure message="wrong" type="FAIL plan\/AssertionError">/,
    );
    expect(xml).to.match(/<error message="no [^"]*" type="ERROR hal\/HAL_DENIED">[^<]*join "dialout"/);
    expect(xml).to.contain('<skipped message="INCONCLUSIVE: too few"/>');
    expect(xml).to.contain('<skipped message="no antenna"/>');
  });

  it('makes a failure of the undecided when asked to', () => {
    const xml = junitXml(session, { failOnInconclusive: true });
    expect(xml).to.contain('failures="2" errors="3" skipped="1"');
    expect(xml).to.contain('type="INCONCLUSIVE plan/InconclusiveError"');
  });

  it('carries properties, attachments and attempts', () => {
    const xml = junitXml(session, { failOnInconclusive: false });
    expect(xml.match(/<property name="attachment" value="[^"]+"/g)).to.have.length(2);
    expect(xml).to.contain('<property name="architecture" value="hosted"/>');
    expect(xml).to.contain('<property name="attempts" value="3"/>');
    expect(xml).to.contain('<property name="verdict" value="INCONCLUSIVE"/>');
    expect(xml).to.contain('<system-out>cable 3</system-out>');
  });
});
