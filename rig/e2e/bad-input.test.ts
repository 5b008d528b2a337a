/** Gives the real command what it cannot use: one sentence with what to do, the exit code of the cause, and nothing lost. */

import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { EXIT } from '../cli/exit-codes.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { replay } from '../wiring/replay.js';
import { type Case, JUDGED, REFUSED } from './bad-cases.js';
import { writeBadFiles } from './bad-files.js';
import { type Ended, endAll, rig, withoutRights } from './rig-process.js';

const STACK = /\n\s+at /;
/** As many commands at a time as the smallest machine has cores. */
const LANES = 2;

describe('bad input', function () {
  this.timeout(240_000);
  const cases = [...REFUSED, ...JUDGED];
  const outcomes = new Map<Case, Ended>();
  let folder: TestFolder;
  let filesBefore: ReadonlyMap<string, Buffer>;

  before(async () => {
    folder = testFolder();
    await writeBadFiles(folder.path);
    filesBefore = filesOf(folder.path);
    const waiting = [...cases];
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        outcomes.set(next, await rig(next.args, { cwd: folder.path }));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  });
  after(async () => {
    await endAll();
    folder.remove();
  });

  const outcomeOf = (each: Case): Ended => {
    const outcome = outcomes.get(each);
    if (outcome === undefined) throw new Error(`"rig ${each.args.join(' ')}" was not run`);
    return outcome;
  };

  for (const each of REFUSED)
    it(`ends with ${each.code} for ${each.what}: rig ${each.args.join(' ')}`, () => {
      const { code, out, err } = outcomeOf(each);
      expect(err).to.match(/^rig: [^\n]+ \([A-Z_]+\)\n$/);
      expect(err).to.match(each.says);
      expect(out).to.equal('');
      expect(code).to.equal(each.code);
    });

  for (const each of JUDGED)
    it(`ends with ${each.code} for ${each.what}: rig ${each.args.join(' ')}`, () => {
      const { code, out, err } = outcomeOf(each);
      const sentences = out.split('\n').filter((line) => /^(ERROR|TIMEOUT) {2}/.test(line));
      expect(sentences).to.have.length(1);
      expect(sentences[0]).to.match(each.says);
      expect(out + err).to.not.match(STACK);
      expect(code).to.equal(each.code);
      const document = JSON.parse(readFileSync(join(folder.path, each.args[3], 'run.json'), 'utf8'));
      expect(document.verdict).to.equal(sentences[0].split(' ')[0]);
    });

  it('leaves every file that was there as it was, and no trace of what did not begin', () => {
    const now = filesOf(folder.path);
    for (const [name, content] of filesBefore) expect(now.get(name)?.equals(content), name).to.equal(true);
    expect([...now.keys()].filter((name) => !filesBefore.has(name))).to.deep.equal([]);
  });

  it('keeps what a session had done before the error', () => {
    const out = JUDGED.find(({ args }) => args.includes('half-good.plan.mjs'))?.args[3] ?? 'none';
    const { cells } = JSON.parse(readFileSync(join(folder.path, out, 'run.json'), 'utf8'));
    expect(cells.map((cell: { tests: { verdict: string }[] }) => cell.tests[0].verdict)).to.deep.equal([
      'PASS',
      'ERROR',
    ]);
    expect(cells[0].runs[0].certification.certified).to.equal(true);
  });

  describe('a trace that is cut off', () => {
    for (const [file, replayed] of [
      ['cut-run.pcapng', /^cut off: .*what it holds ran again without a difference, \d+ instructions$/m],
      ['cut-device.pcapng', /^certified: \d{3,} characters played to gnss-logger, .* \(the recording was cut off\)/m],
    ] as const) {
      it(`is looked into, says where it ends, and is replayed as far as it goes: ${file}`, async () => {
        const info = await rig(['trace', 'info', file], { cwd: folder.path });
        expect([info.code, info.err]).to.deep.equal([EXIT.pass, '']);
        expect(info.out).to.match(/^end +cut off at byte \d+; everything before is whole$/m);
        const { code, out, err } = await rig(['replay', file, '-o', 'replayed'], { cwd: folder.path });
        expect([code, err]).to.deep.equal([EXIT.pass, '']);
        expect(out).to.match(replayed).and.to.contain('the trace ends before its summary');
      });
    }
  });

  it('calls a foreign capture complete, because only our recorder ends a trace with a summary', async () => {
    const sectionHeader = [0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28];
    const interfaceDescription = [1, 20, 220, 0, 20];
    writeFileSync(join(folder.path, 'foreign.pcapng'), Uint32Array.from([...sectionHeader, ...interfaceDescription]));
    const { code, out, err } = await rig(['trace', 'info', 'foreign.pcapng'], { cwd: folder.path });
    expect([code, err]).to.deep.equal([EXIT.pass, '']);
    expect(out).to.match(/^end +complete$/m);
  });

  it('ends with 17 when results may not be written', async function () {
    const { nobody, reason } = await withoutRights();
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    const closed = join(folder.path, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o555);
    chmodSync(folder.path, 0o755);
    const recorded = await rig(
      ['record', '--port', 'sim:gnss-nmea-1hz', '--for', '1 s', '-o', join(closed, 'a.pcapng')],
      {
        nobody,
      },
    );
    expect(recorded.err).to.match(
      /^rig: cannot write \S+: permission denied; check the permissions .* \(RIG_OUTPUT\)\n$/,
    );
    expect(recorded.code).to.equal(EXIT.output);
    const started = await rig(['start', '-o', join(closed, 'out')], { nobody });
    expect(started.err).to.match(/^rig: the folder \S+ cannot be made; choose another folder .* \(RIG_OUTPUT\)\n$/);
    expect(started.code).to.equal(EXIT.output);
  });

  it('ends with 12 when the replay of a run differs, and says where', async () => {
    const trace = await divergingTrace(folder);
    const { code, out, err } = await rig(['replay', trace, '-o', 'replayed'], { cwd: folder.path });
    expect(out).to.match(/^NOT CERTIFIED: .+\n/);
    expect(out + err).to.not.match(STACK);
    expect(code).to.equal(EXIT.notCertified);
  });
});

/** Changes single bytes of what the guest had read until its replay does something else. */
async function divergingTrace(folder: TestFolder): Promise<string> {
  const original = readFileSync(join(folder.path, 'run.pcapng'));
  const path = join(folder.path, 'diverging.pcapng');
  for (let at = original.length >> 2; at < original.length; at += 97) {
    const changed = Buffer.from(original);
    changed[at] ^= 1;
    writeFileSync(path, changed);
    try {
      if ((await replay({ tracePath: path, outDir: folder.path })).diverged) return path;
    } catch {
      // That byte was none of the guest's.
    }
  }
  throw new Error('no changed byte made the replay differ');
}

/** Files directly in `folder`, with their contents. */
function filesOf(folder: string): Map<string, Buffer> {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(names.map(({ name }) => [name, readFileSync(join(folder, name))]));
}
