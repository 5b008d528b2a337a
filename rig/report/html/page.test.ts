/** Checks the HTML report: that all of a session is in it, that nothing gets out of its texts, and that it is the same again. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RunRequest, RunResult } from '../../run/run-types.js';
import { fakeExecutor, fakeRun } from '../../test-support/fake-run.js';
import { elementsOf, expectSoundReport, type HtmlElement, parseHtml, textOf } from '../../test-support/html-check.js';
import { runFiles, runPlanText, type TestFolder, testFolder } from '../../test-support/session.js';
import type { SessionRecord } from '../../verdict/records.js';
import type { HostFacts } from '../run-json.js';
import { writeReports } from '../write-reports.js';
import { htmlReport } from './page.js';

const HOST: HostFacts = {
  startedAtMs: 1_700_000_000_000,
  wallMs: 1234,
  node: '20.0.0',
  platform: 'linux',
  arch: 'x64',
  cpu: 'some <cpu>',
  cores: 2,
  command: ['run', '<script>'],
};

const BODY = `
  it('keeps the rate', async () => { expect((await rig.run({ for: '60 s' })).channel('fix')).to.have.rate('1 Hz').within('50 ppm'); });
  it('is wrong', async () => { expect((await rig.run({ for: '60 s' })).channel('fix')).to.have.rate('2 Hz').within('50 ppm'); });
  it('is undecided', async () => { expect((await rig.run({ for: '60 s' })).channel('fix').latency).p99_9.to.be.below('1 s'); });
  it('notes', async () => { await rig.run({ for: '60 s' }); rig.note('cable 3'); rig.attach('scope 1.png', 'x'); expect(1).to.equal(1); });
  it('finds no port', () => { throw new RigError('RIG_INPUT_MISSING', 'no port', { where: '/dev/ttyUSB7', hint: 'plug it in' }); });
  it('has no antenna', () => rig.skip('none on this bench'));`;

function answer({ cell }: RunRequest): RunResult {
  return cell.architecture === 'hosted'
    ? fakeRun({ latencyNs: 300_000, jitterNs: 50_000, dataPath: 4200, lost: [7] }, cell)
    : fakeRun({ latencyNs: 100_000, dataPath: 0 }, cell);
}

function report(session: SessionRecord, outDir: string): string {
  return htmlReport(session, { outDir, version: '1.2.3', host: HOST });
}

const beforeHost = (text: string): string => text.slice(0, text.indexOf('<section id="host">'));

function byId(root: HtmlElement, id: string): HtmlElement {
  const found = [...elementsOf(root)].find(({ attributes }) => attributes.id === id);
  if (found === undefined) throw new Error(`no element ${id}`);
  return found;
}

const labels = (element: HtmlElement): string[] =>
  [...elementsOf(element)].flatMap(({ attributes }) => attributes['aria-label'] ?? []);

describe('the HTML report', () => {
  let folder: TestFolder;
  let outDir: string;
  beforeEach(() => {
    folder = testFolder();
    outDir = join(folder.path, 'out');
  });
  afterEach(() => folder.remove());

  const both = (body: string, executor = fakeExecutor(answer)): Promise<SessionRecord> =>
    runPlanText(folder, body, { selection: {} }, executor);

  it('holds every cell and every test with its measurements, limits and sentences', async () => {
    const session = await both(BODY);
    const root = parseHtml(report(session, outDir));
    expectSoundReport(root);
    const matrix = textOf(byId(root, 'matrix'));
    for (const text of ['hosted', 'partitioned', 'emulated', 'ring', 'sim', 'interpreter', 'ERROR', '4200 / 4261'])
      expect(matrix).to.contain(text);
    expect(session.cells).to.have.length(2);
    session.cells.forEach(({ tests }, i) => {
      const cell = textOf(byId(root, `cell-${i + 1}`));
      expect(tests).to.have.length(6);
      tests.forEach(({ title, measurements }, k) => {
        expect(textOf(byId(root, `cell-${i + 1}-test-${k + 1}`))).to.contain(title);
        for (const { sentence, limit } of measurements) expect(cell).to.contain(sentence).and.to.contain(limit.text);
      });
      for (const text of [
        'cable 3',
        'scope 1.png',
        'rig layer, RIG_INPUT_MISSING',
        'To do: plug it in',
        'none on this bench',
      ])
        expect(cell).to.contain(text);
    });
  });

  it('tells on top what did not pass, the gravest first, each sentence once with its places', async () => {
    const root = parseHtml(report(await both(BODY), outDir));
    const troubles = byId(root, 'troubles');
    const verdicts = [...elementsOf(troubles)].filter(
      ({ attributes }) => attributes.class?.startsWith('badge') === true,
    );
    expect(verdicts.map(textOf)).to.deep.equal([
      'ERROR',
      'FAIL',
      'FAIL',
      'FAIL',
      'INCONCLUSIVE',
      'INCONCLUSIVE',
      'SKIP',
    ]);
    expect(textOf(troubles).match(/no port/g)).to.have.length(3);
  });

  it('shows what interrupts waited beside their bound, and what became of a companion in a cell of its own', async () => {
    const beside = (request: RunRequest): RunResult => {
      const result = answer(request);
      const [guest] = result.guests;
      const interruptBounds = { serial: { ns: 4401, composition: ['4401 ns: the longest path'] } };
      const trace = { path: '/elsewhere/trace.companion.pcapng', sha256: 'd'.repeat(64), blocks: 12, bytes: 3456 };
      return {
        ...result,
        guests: [{ ...guest, interruptBounds }],
        companion: { trace, lost: 'the cell of gp-load was lost: it was killed' },
      };
    };
    const root = parseHtml(report(await both(BODY, fakeExecutor(beside)), outDir));
    expectSoundReport(root);
    const cell = textOf(byId(root, 'cell-1'));
    for (const text of [
      'Interrupts, from the event to the handler',
      'serial',
      '4.401 us',
      'the cell of gp-load was lost: it was killed; trace.companion.pcapng, 12 blocks',
    ])
      expect(cell).to.contain(text);
    expect(cell).not.to.contain('/elsewhere');
  });

  it('tells how each run ended, its exits, stations, certification and trace', async () => {
    const root = parseHtml(report(await both(BODY), outDir));
    const cell = textOf(byId(root, 'cell-1'));
    for (const text of [
      'the run lasted as long as it was asked to',
      'mmio-read',
      'wfi',
      'trap',
      '1.2 us',
      'the replay from the journal gave the same output',
      'c'.repeat(64),
      'trace.pcapng',
      'path costs "fake" (made up for a test)',
      'gnss-logger: ready',
    ])
      expect(cell).to.contain(text);
  });

  it('sets hosted against partitioned, and names clock, cost model and seed with every table and block of plots', async () => {
    const root = parseHtml(report(await both(BODY), outDir));
    const comparison = byId(root, 'comparison');
    const text = textOf(comparison);
    for (const part of ['+4200', 'exits on the data path', 'fix: latency p99', 'fix: same data', 'hosted, emulated'])
      expect(text).to.contain(part);
    const source = 'virtual time, modelled pacing, path costs "fake", seed "p"';
    const captions = [...elementsOf(root)].filter(({ name }) => name === 'caption').map(textOf);
    expect(captions.filter((caption) => !caption.includes('virtual time, modelled pacing'))).to.deep.equal([
      'Calibration "fake": made up for a test',
      'Host time of each test, in milliseconds; a run counts for the first test that asks for it',
    ]);
    const blocks = [...elementsOf(comparison)].filter(({ name }) => name === 'h4');
    expect(blocks).to.have.length(1);
    expect(textOf(blocks[0])).to.contain('Channel fix').and.to.contain(source);
  });

  it('holds what the cost model predicts against what was measured, once for all runs', async () => {
    const root = parseHtml(report(await both(BODY), outDir));
    const prediction = textOf(byId(root, 'prediction'));
    for (const part of ['hosted, emulated', '4000', '1.1 ms', '1.10', '1.20']) expect(prediction).to.contain(part);
    expect(prediction.match(/hosted, emulated/g)).to.have.length(1);
  });

  it('draws latency by percentile, intervals over time and their histogram with a text for each', async () => {
    const root = parseHtml(report(await both(BODY), outDir));
    const said = labels(byId(root, 'comparison')).join('\n');
    expect(said).to.contain('hosted, emulated: median 300 us, 99 % 350 us, greatest 350 us, 59 samples');
    expect(said).to.contain('partitioned: median 100 us, 99 % 100 us, greatest 100 us, 60 samples');
    expect(said).to.contain('hosted, emulated: 58 intervals from 999.95 ms to 2 s');
    expect(said).to.contain('Histogram of the intervals of fix.');
    expect(said).to.contain('hosted, emulated, trap, in: 1 us, 1.2 us, 1.5 us');
  });

  it('draws the plots of a cell that has no counterpart in the cell itself', async () => {
    const session = await runPlanText(folder, BODY, { selection: { architectures: ['hosted'] } }, fakeExecutor(answer));
    const root = parseHtml(report(session, outDir));
    expect(textOf(byId(root, 'comparison'))).to.contain('No plan ran in both architectures');
    expect(labels(byId(root, 'cell-1')).join()).to.contain('Latency of fix by percentile');
  });

  it('is the same bytes for the same record up to the part about the host', async () => {
    const other = testFolder();
    const lost = (path: string): string =>
      `${BODY}\n it('loses it', () => { throw new Error(${JSON.stringify(`${path}/out/x`)}); });`;
    const first = report(await both(lost(folder.path)), outDir);
    const again = await runPlanText(other, lost(other.path), { selection: {} }, fakeExecutor(answer));
    for (const cell of again.cells) for (const test of cell.tests) test.wallMs = 99_999;
    const second = htmlReport(again, {
      outDir: join(other.path, 'out'),
      version: '1.2.3',
      host: { ...HOST, cpu: 'other', startedAtMs: 0 },
    });
    expect(beforeHost(second)).to.equal(beforeHost(first));
    expect(second).to.not.equal(first);
    expect(first).to.not.contain(folder.path);
    other.remove();
  });

  it('stands beside the other reports', async () => {
    const session = await both(BODY);
    const written = writeReports(session, outDir, HOST, { failOnInconclusive: false });
    expect(written.html).to.equal(join(outDir, 'report.html'));
    expectSoundReport(parseHtml(readFileSync(written.html, 'utf8')));
  });

  it('survives a session in which nothing ran', () => {
    const text = report({ seed: '', cells: [], outside: [], failures: [], aborted: true }, outDir);
    const root = parseHtml(text);
    expectSoundReport(root);
    expect(textOf(root)).to.contain('ABORTED').and.to.contain('no test was run');
  });

  it('shows tests outside of plans and files that could not be loaded', async () => {
    const file = folder.plan(
      'x.plan.mjs',
      `describe('plain', () => { it('adds', () => { expect(1 + 1).to.equal(2); }); });`,
    );
    const broken = folder.plan('y.plan.mjs', 'throw new Error("<broken>");');
    const root = parseHtml(report(await runFiles([file, broken], folder), outDir));
    expectSoundReport(root);
    expect(textOf(byId(root, 'outside'))).to.contain('plain adds');
    expect(textOf(byId(root, 'troubles'))).to.contain('<broken>');
  });
});

describe('the HTML report of a hostile session', () => {
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => folder.remove());

  const EVIL = `</title></style><script>alert(1)</script><img src=x onerror="alert(2)">'"&\u0000\u202e`;

  /** Puts the text wherever a guest, a profile or a device has a say. */
  function evil({ cell }: RunRequest): RunResult {
    const run = fakeRun({}, { ...cell });
    const [guest] = run.guests;
    return {
      ...run,
      stop: { ...run.stop, sentence: EVIL },
      calibration: { name: EVIL, provenance: EVIL },
      clocks: [{ name: EVIL, ppm: 1, quantumNs: 1 }],
      stations: [{ station: EVIL, direction: 'in', count: 1, p50Ns: 0, p99Ns: 0, maxNs: 0 }],
      wire: { ...run.wire, faults: { [EVIL]: 1 } },
      certification: { ...run.certification, sentence: EVIL, outputDigest: EVIL },
      guests: [
        {
          ...guest,
          name: EVIL,
          console: EVIL,
          exits: { ...guest.exits, byReason: { [EVIL]: 3 } },
          reports: guest.reports.map((r) => ({ ...r, channel: r.channel === 'fix' ? EVIL : r.channel })),
        },
      ],
    };
  }

  it('escapes every text of plan, profile, guest and device', async () => {
    const text = JSON.stringify(EVIL);
    const file = folder.plan(
      'evil.plan.mjs',
      `plan(${text}, { profile: ${text}, guest: 'g' }, (rig) => {
        it(${text}, async () => { await rig.run({ for: '60 s', seed: ${text}, simulator: { x: ${text} } }); rig.note(${text}); rig.attach(${text}, 'x'); expect(1).to.equal(1); });
        it('throws', () => { throw new RigError('RIG_PLAN', ${text}, { where: ${text}, hint: ${text} }); });
        after(() => { throw new Error(${text}); });
      });`,
    );
    const session = await runFiles([file], folder, { selection: {} }, fakeExecutor(evil));
    const html = report(session, join(folder.path, 'out'));
    const root = parseHtml(html);
    expectSoundReport(root);
    expect(html.match(/&lt;script&gt;alert\(1\)/g)).to.have.length.of.at.least(40);
    for (const character of ['\u0000', '\u202e']) expect(html).to.not.contain(character);
    expect(textOf(byId(root, 'cell-1'))).to.contain('\u2400\ufffd');
  });

  it('stays small whatever a guest reports and prints', async () => {
    const many = ({ cell }: RunRequest): RunResult => {
      const run = fakeRun({}, cell);
      const reports = Array.from({ length: 3000 }, (_, i) => ({
        channel: `channel-${i % 60}`,
        type: 't',
        sequence: Math.floor(i / 60) * 2,
        fields: {},
        guestTimeNs: 0,
        reportedAtNs: i * 1e6 + (i % 7) * 1e5,
        causeNs: i * 1e6 - (i % 500) * 1e5,
      }));
      const byReason = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`reason ${i}`, i]));
      const [guest] = run.guests;
      return {
        ...run,
        guests: [{ ...guest, reports, console: '<\n'.repeat(1e6), exits: { ...guest.exits, byReason } }],
      };
    };
    const body = `it('runs', async () => { await rig.run({ for: '60 s' }); rig.note('n'.repeat(1e6)); expect(1).to.equal(1); });`;
    const session = await runPlanText(folder, body, { selection: {} }, fakeExecutor(many));
    const html = report(session, join(folder.path, 'out'));
    expectSoundReport(parseHtml(html));
    expect(html.length).to.be.below(1e6);
    expect(html).to.contain('characters ...]').and.to.contain('the first 40 of');
  });
});
