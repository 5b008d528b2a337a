/** Tests of certification and of its deadline. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RunResult } from '../run/run-types.js';
import { certificationMs, certify } from './certify.js';
import { createExecutor } from './executor.js';
import { openGuest } from './open-guest.js';

describe('certification', function () {
  this.timeout(60_000);
  const { image } = openGuest('gnss-logger');
  let outDir = '';
  let run: RunResult;

  before(async () => {
    outDir = mkdtempSync(join(tmpdir(), 'rigvisor-certify-'));
    run = await createExecutor().execute({
      cell: {
        plan: 'test',
        profile: 'gnss-nmea-1hz',
        binding: 'sim',
        architecture: 'hosted',
        frontend: 'emulated',
        engine: 'interpreter',
      },
      guest: 'gnss-logger',
      guests: 2,
      durationNs: 3e9,
      seed: 'test',
      outDir,
    });
  });

  after(() => rmSync(outDir, { recursive: true, force: true }));

  it('repeats every guest of a run and gives the event loop a turn between them', async () => {
    expect(run.guests.length).to.equal(2);
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const again = await certify(run.trace.path, image, 'interpreter', 1000, () => 0);
    isOver = true;
    expect(turns).to.be.at.least(2);
    expect(again).to.deep.equal(run.certification);
    expect(again.certified, again.sentence).to.equal(true);
  });

  it('gives up at its deadline, certifies nothing and says so', async () => {
    let ms = 0;
    const late = await certify(run.trace.path, image, 'translator', 1500, () => (ms += 1000));
    expect(late.certified).to.equal(false);
    expect(late.sentence).to.match(
      /: the replay took longer than 1\.5 s of host time and was stopped at instruction \d+$/,
    );
    expect(late.instret).to.be.within(0, run.certification.instret - 1);
  });

  it('may take 30 s or as long as the run, whichever is more', () => {
    expect([300, 30_001, 90_000, undefined].map(certificationMs)).to.deep.equal([
      30_000,
      30_001,
      90_000,
      Number.POSITIVE_INFINITY,
    ]);
  });
});
