/** Tests of runs on a recorded board: the same samples in both architectures, and guests that do something else. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Architecture, RunRequest, RunResult } from '../run/run-types.js';
import { createExecutor } from './executor.js';

const BOOTARGS = 'rate=50000 channels=3 blocks=40';

describe('a recorded board, joined to its guest', function () {
  this.timeout(60_000);
  let outDir = '';

  before(() => {
    outDir = mkdtempSync(join(tmpdir(), 'rigvisor-board-replay-'));
  });
  after(() => rmSync(outDir, { recursive: true, force: true }));

  let runs = 0;
  function run(architecture: Architecture, replayPath?: string, bootargs = BOOTARGS): Promise<RunResult> {
    const request: RunRequest = {
      cell: {
        plan: 'test',
        profile: 'rv-daq16',
        binding: replayPath === undefined ? 'sim' : 'replay',
        architecture,
        frontend: architecture === 'hosted' ? 'emulated' : 'ring',
        engine: 'translator',
      },
      guest: 'board-logger',
      bootargs,
      durationNs: 3e9,
      seed: 'test',
      outDir,
      traceName: `${++runs}.pcapng`,
      ...(replayPath === undefined ? {} : { replayPath }),
    };
    return createExecutor().execute(request);
  }

  const blocks = ({ guests }: RunResult) =>
    guests[0].reports
      .filter(({ channel }) => channel === 'blocks')
      .map(({ fields: { firstScan, scans, sum, sumOfSums } }) => [firstScan, scans, sum, sumOfSums]);

  for (const architecture of ['hosted', 'partitioned'] as const) {
    it(`gives a guest the recorded samples, to the instruction where nothing else differs: ${architecture}`, async () => {
      const recorded = await run(architecture);
      const replayed = await run(architecture, recorded.trace.path);
      expect(blocks(replayed)).to.have.length(40).and.to.deep.equal(blocks(recorded));
      expect(replayed.certification.certified, replayed.certification.sentence).to.equal(true);
      expect(replayed.certification.outputDigest).to.equal(recorded.certification.outputDigest);
      expect(replayed.guests[0].instret).to.equal(recorded.guests[0].instret);
    });
  }

  it('gives the samples of a hosted recording to a partitioned guest, and those of its recording to a hosted one', async () => {
    const hosted = await run('hosted');
    const partitioned = await run('partitioned', hosted.trace.path);
    const again = await run('hosted', partitioned.trace.path);
    expect(blocks(partitioned)).to.have.length(40).and.to.deep.equal(blocks(hosted));
    expect(blocks(again)).to.deep.equal(blocks(hosted));
    expect(partitioned.guests[0].exits.dataPath).to.equal(0);
  });

  it('tells a guest that asks for another rate by one sentence', async () => {
    const { trace } = await run('hosted');
    const other = await run('hosted', trace.path, 'rate=20000 channels=3 blocks=40');
    expect(other.stop.kind).to.equal('device-lost');
    expect(other.stop.sentence).to.match(/the guest asks for DIVISOR 500, recorded 200$/);
    expect(blocks(other)).to.deep.equal([]);
  });

  it('ends behind the recording when the guest wants more', async () => {
    const { trace } = await run('hosted');
    const longer = await run('hosted', trace.path, 'rate=50000 channels=3');
    expect(longer.stop.kind).to.be.oneOf(['trace-ended', 'duration']);
    expect(blocks(longer)).to.have.length(40);
  });

  it('refuses a trace that is missing', async () => {
    const refusal = async (path: string): Promise<{ code: string }> => {
      try {
        await run('hosted', path);
      } catch (error) {
        return error as { code: string };
      }
      throw new Error('nothing was refused');
    };
    expect((await refusal(join(outDir, 'none.pcapng'))).code).to.equal('RIG_INPUT_MISSING');
  });
});
