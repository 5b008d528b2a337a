/** Runs the command as a process of its own: Ctrl-C, and plans under plain mocha. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { EXIT } from './exit-codes.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const MOCHA = join(createRequire(import.meta.url).resolve('mocha/package.json'), '..', 'bin', 'mocha.js');

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

/** Collects both outputs; `onText` sees them grow. */
function ended(child: ChildProcess, onText: (text: string) => void = () => {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let out = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (part: string) => {
        out += part;
        onText(out);
      });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out }));
  });
}

describe('the rig command', function () {
  this.timeout(60_000);
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => folder.remove());

  const plan = (length: string): string =>
    folder.plan(
      'long.plan.mjs',
      `plan('long', { profile: 'gnss-nmea-1hz', guest: 'gnss-logger' }, (rig) => {
         it('runs', async () => { expect(await rig.run({ for: '${length}' })).to.be.certified; });
       });`,
    );

  /** Sends `signals` interrupts once the first run has begun. */
  function interrupted(signals: number): Promise<Ended> {
    const child = spawn(process.execPath, [MAIN, 'run', plan('50 h'), '-o', join(folder.path, 'out')]);
    let sent = false;
    return ended(child, (text) => {
      if (sent && signals > 1 && text.includes('ending:')) child.kill('SIGINT');
      if (sent || !text.includes('run   long')) return;
      sent = true;
      child.kill('SIGINT');
    });
  }

  it('ends at Ctrl-C with 130, the verdict ABORTED and all its files', async () => {
    const { code, out } = await interrupted(1);
    expect(out).to.contain('press Ctrl-C again');
    expect(code).to.equal(EXIT.aborted);
    expect(out).to.contain('ABORTED: 2 ABORTED');
    const document = JSON.parse(readFileSync(join(folder.path, 'out', 'run.json'), 'utf8'));
    expect(document.verdict).to.equal('ABORTED');
    expect(readFileSync(join(folder.path, 'out', 'junit.xml'), 'utf8')).to.contain('type="ABORTED rig/RIG_ABORTED"');
  });

  it('ends at once at the second Ctrl-C', async () => {
    const { code } = await interrupted(2);
    expect(code).to.equal(EXIT.aborted);
  });

  it('is not needed: a plan runs under plain mocha, with its cells from the environment', async () => {
    const env = { ...process.env, RIG_ARCHITECTURE: 'partitioned', RIG_OUT: join(folder.path, 'out') };
    const args = [MOCHA, '--no-config', plan('3 s')];
    const { code, out } = await ended(spawn(process.execPath, args, { env, cwd: folder.path }));
    expect(out).to.contain('long [gnss-nmea-1hz, sim, partitioned, ring, interpreter]').and.to.contain('1 passing');
    expect(code).to.equal(0);
  });
});
