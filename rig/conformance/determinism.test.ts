import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openTrace } from '../../hal/index.js';
import { PACKAGE_ROOT } from '../paths.js';

const CLI = join(PACKAGE_ROOT, 'dist', 'rig', 'cli', 'main.js');
const PLAN = join(PACKAGE_ROOT, 'dist', 'test-plans', 'gnss-logger.plan.js');

/** Everything a run in virtual time must reproduce: the record and every trace. */
function deterministicFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('run.json') || name.endsWith('.pcapng'))
    .sort();
}

/** The report up to where the host has its say. */
function reportBeforeHost(folder: string): string {
  const text = readFileSync(join(folder, 'report.html'), 'utf8');
  const end = text.indexOf('<section id="host">');
  expect(end).to.be.above(0);
  return text.slice(0, end);
}

function runPlan(folder: string, binding = 'sim,replay', ...more: readonly string[]): void {
  const args = [
    CLI,
    'run',
    PLAN,
    '--binding',
    binding,
    '--out',
    folder,
    '--quiet',
    '--grep',
    'GNSS logger \\[|guests',
    ...more,
  ];
  const done = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(done.status, `${done.stdout}\n${done.stderr}`).to.equal(0);
}

/** A text in which both engines have the same name. */
function withoutEngine(text: string): string {
  return text.replaceAll(/interpreter|translator/g, 'ENGINE');
}

/**
 * All a trace holds, as one text of digest and manifest. Its file is not compared by bytes, because the manifest names the
 * engine, and the block around it is as long as that name.
 */
function traceContent(path: string): string {
  const trace = openTrace(path);
  const hash = createHash('sha256');
  let packets = 0;
  for (const { interfaceIndex, timeNs, bytes, offset, length } of trace.packets()) {
    hash.update(`${packets++} ${interfaceIndex} ${timeNs} ${length}\n`).update(bytes.subarray(offset, offset + length));
  }
  const { manifest, clock, interfaces } = trace;
  return withoutEngine(`${packets} packets, ${hash.digest('hex')} ${JSON.stringify({ manifest, clock, interfaces })}`);
}

/** The record, in which a trace's own size and digest say no more than what `traceContent` looks at. */
function recordContent(folder: string): string {
  const record = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'), (key, value) => {
    if (key !== 'trace') return value;
    const { bytes: _bytes, sha256: _sha256, ...rest } = value;
    return rest;
  });
  return withoutEngine(JSON.stringify(record, null, 1));
}

describe('a run in virtual time', function () {
  this.timeout(120_000);
  let folder = '';
  const busy: ChildProcess[] = [];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-same-'));
  });

  after(() => {
    for (const child of busy) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  it('writes the same record, traces and report to the byte: twice, and while every core is busy', () => {
    const [first, second, loaded] = ['first', 'second', 'loaded'].map((name) => join(folder, name));
    runPlan(first);
    runPlan(second);
    for (let core = 0; core < availableParallelism(); core++)
      busy.push(spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
    runPlan(loaded);
    const files = deterministicFiles(first);
    expect(files.filter((name) => name.endsWith('.pcapng'))).to.have.length.of.at.least(6);
    for (const other of [second, loaded]) {
      expect(deterministicFiles(other)).to.deep.equal(files);
      expect(reportBeforeHost(other) === reportBeforeHost(first), `report in ${other}`).to.equal(true);
      for (const name of files)
        expect(readFileSync(join(other, name)).equals(readFileSync(join(first, name))), `${name} in ${other}`).to.equal(
          true,
        );
    }
  });

  it('measures the same, and leaves the same traces and consoles, with either engine', () => {
    const [interpreted, translated] = ['interpreter', 'translator'].map((engine) => {
      const out = join(folder, engine);
      runPlan(out, 'sim', '--engine', engine);
      return out;
    });
    expect(recordContent(translated)).to.equal(recordContent(interpreted));
    const made = (out: string): string[] =>
      readdirSync(join(out, 'runs'), { recursive: true, encoding: 'utf8' }).sort();
    const pairs = made(interpreted).map((name, i) => [name, made(translated)[i]] as const);
    expect(made(translated).map(withoutEngine)).to.deep.equal(made(interpreted).map(withoutEngine));
    const compared = { traces: 0, consoles: 0 };
    for (const [name, other] of pairs) {
      const [a, b] = [join(interpreted, 'runs', name), join(translated, 'runs', other)];
      if (name.endsWith('.pcapng')) {
        compared.traces++;
        expect(traceContent(b), name).to.equal(traceContent(a));
      } else if (name.endsWith('.txt')) {
        compared.consoles++;
        expect(readFileSync(b, 'latin1'), name).to.equal(readFileSync(a, 'latin1'));
      }
    }
    expect(compared.traces).to.be.at.least(4);
    expect(compared.consoles).to.be.at.least(5);
  });
});
