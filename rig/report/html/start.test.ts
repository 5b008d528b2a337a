/** Checks the report that "rig start" writes of the shipped plans: its size, its links, and where the last line says it is. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PACKAGE_ROOT } from '../../paths.js';
import { elementsOf, expectSoundReport, parseHtml } from '../../test-support/html-check.js';

const LARGEST = 2e6;

describe('the HTML report of "rig start"', function () {
  this.timeout(120_000);
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-report-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is named by the last line, is below 2 MB, and leads to the files of every run', () => {
    const cli = join(PACKAGE_ROOT, 'dist', 'rig', 'cli', 'main.js');
    const done = spawnSync(process.execPath, [cli, 'start', '--quiet', '--out', folder], { encoding: 'utf8' });
    const path = join(folder, 'report.html');
    expect(done.stdout.trimEnd().split('\n').at(-1), done.stderr).to.equal(`HTML report: ${path}`);
    expect(statSync(path).size).to.be.below(LARGEST);
    const root = parseHtml(readFileSync(path, 'utf8'));
    const files = expectSoundReport(root);
    const { cells } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as { cells: unknown[] };
    expect(files.filter((file) => file.endsWith('trace.pcapng'))).to.have.length.of.at.least(cells.length);
    expect(files.filter((file) => !existsSync(join(folder, decodeURIComponent(file))))).to.deep.equal([]);
    const plots = [...elementsOf(root)].filter(({ name }) => name === 'figure');
    expect(plots).to.have.length.of.at.least(cells.length);
  });
});
