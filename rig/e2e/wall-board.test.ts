/** A board in wall time through the real command: hosted in the monitor's process, partitioned in a cell, on both engines. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { EXIT } from '../cli/exit-codes.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { endAll, rig } from './rig-process.js';

const BLOCKS = 20;
const SCANS = 100;

describe('a run of a board in wall time', function () {
  this.timeout(180_000);
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(async () => {
    await endAll();
    folder.remove();
  });

  const run = (port: string): string[] => [
    ...['run', countingPlan(folder), '--binding', 'real', '--port', port],
    ...['-a', 'hosted,partitioned', '-e', 'interpreter,translator', '-o', join(folder.path, 'out')],
  ];

  it('loses nothing in either architecture, traps nothing when partitioned, and is certified', async () => {
    const { code, out } = await rig(run('sim:'));
    expect(out, out).to.contain('PASS: 4 PASS');
    expect(code).to.equal(EXIT.pass);
    const { cells } = JSON.parse(readFileSync(join(folder.path, 'out', 'run.json'), 'utf8'));
    expect(cells).to.have.length(4);
    for (const { cell, runs } of cells) {
      const where = `${cell.architecture}, ${cell.engine}`;
      expect(runs[0], where).to.include({ clockDomain: 'wall', pacing: 'physical' });
      expect(runs[0].certification.certified, where).to.equal(true);
    }
  });

  it('refuses an address that is none of a board, and says what is one', async () => {
    const { code, out } = await rig(run('/dev/ttyUSB0'));
    expect(out).to.contain('"/dev/ttyUSB0" is not the address of a board');
    expect(code).to.not.equal(EXIT.pass);
  });
});

function countingPlan(folder: TestFolder): string {
  const file = join(folder.path, 'board.plan.ts');
  const index = new URL('../index.js', import.meta.url).href;
  writeFileSync(
    file,
    `import { expect, plan } from '${index}';

    plan('board', { profile: 'rv-daq16', guest: 'board-logger', bindings: ['real'], frontends: ['emulated'] }, (rig) => {
      it('counts', async (): Promise<void> => {
        const bootargs = 'rate=2000 source=counter scans=${SCANS} blocks=${BLOCKS}';
        const run = await rig.run({ for: '60 s', bootargs, mayEndBy: ['guest-finished'] });
        expect(run).to.be.certified;
        expect(run).to.have.lostNo.samples;
        expect(run).to.have.duplicatedNo.samples;
        expect(run.counter('gaps')).to.equal(0);
        expect(run.counter('lostSamples')).to.equal(0);
        expect(run.channel('blocks').count).to.equal(${BLOCKS});
        if (rig.cell.architecture === 'partitioned') expect(run.exits.dataPath).to.equal(0);
        else expect(run.exits.dataPath).to.be.greaterThan(${BLOCKS});
      });
    });`,
  );
  return file;
}
