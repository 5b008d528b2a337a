/** Tests of what `rig replay` prints. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { expect } from 'chai';
import { createExecutor } from '../../wiring/executor.js';
import { PROCESS_ENVIRONMENT } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import { replayCommand } from './replay.js';

describe('rig replay', function () {
  this.timeout(60_000);
  let outDir = '';

  before(() => {
    outDir = mkdtempSync(join(tmpdir(), 'rigvisor-replay-'));
  });

  after(() => rmSync(outDir, { recursive: true, force: true }));

  it('prints the verdict, the count of instructions and the output digest, which is no SHA-256', async () => {
    const { trace, certification } = await createExecutor().execute({
      cell: {
        plan: 'test',
        profile: 'gnss-nmea-1hz',
        binding: 'sim',
        architecture: 'hosted',
        frontend: 'emulated',
        engine: 'interpreter',
      },
      guest: 'hello',
      durationNs: 1e9,
      seed: 'test',
      outDir,
    });
    let printed = '';
    const stdout = new Writable({
      write: (chunk, _encoding, done) => {
        printed += String(chunk);
        done();
      },
    }) as unknown as NodeJS.WriteStream;
    let code: number | undefined;
    const command = replayCommand({ ...PROCESS_ENVIRONMENT, stdout }, (exitCode) => {
      code = exitCode;
    });
    await command.parseAsync([trace.path, '-q', '-o', outDir], { from: 'user' });
    expect(code).to.equal(EXIT.pass);
    const [verdict, figures] = printed.split('\n');
    expect(verdict).to.match(/^certified: run again from \d+ journal entries/);
    expect(figures).to.equal(`instructions ${certification.instret}, output digest ${certification.outputDigest}`);
  });
});
