import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
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

function runPlan(folder: string): void {
  const args = [
    CLI,
    'run',
    PLAN,
    '--binding',
    'sim,replay',
    '--out',
    folder,
    '--quiet',
    '--grep',
    'GNSS logger \\[|guests',
  ];
  const done = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(done.status, `${done.stdout}\n${done.stderr}`).to.equal(0);
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
});
