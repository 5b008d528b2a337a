/** Tests of a companion: two guests of different images in one run, each with its journal, and a run without a device. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { RigError } from '../errors.js';
import {
  type Architecture,
  type Binding,
  DEFAULT_ENGINE,
  ENGINES,
  type Engine,
  type RunRequest,
  type RunResult,
} from '../run/run-types.js';
import { createExecutor } from './executor.js';
import { replay } from './replay.js';

describe('a companion', function () {
  this.timeout(60_000);
  let outDir = '';

  beforeEach(() => {
    outDir = mkdtempSync(join(tmpdir(), 'rigvisor-companion-'));
  });

  afterEach(() => rmSync(outDir, { recursive: true, force: true }));

  const run = (
    architecture: Architecture,
    more: Partial<RunRequest> = {},
    binding: Binding = 'sim',
    engine: Engine = DEFAULT_ENGINE,
  ): Promise<RunResult> =>
    createExecutor().execute({
      cell: {
        plan: 'test',
        profile: 'none',
        binding,
        architecture,
        frontend: architecture === 'hosted' ? 'emulated' : 'ring',
        engine,
      },
      guest: 'rt-sampler',
      durationNs: 60e6,
      seed: 'test',
      bootargs: 'rate=5000 block=16 counters=20',
      companion: { guest: 'gp-load', bootargs: 'mode=load report=20' },
      interrupts: ['timer', 'sharedMemory'],
      outDir,
      ...more,
    });

  const refusal = async (asked: Promise<RunResult>): Promise<RigError> => {
    try {
      await asked;
    } catch (error) {
      if (error instanceof RigError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  };

  for (const architecture of ['hosted', 'partitioned'] as const)
    it(`takes every block of its neighbour, and both are certified, ${architecture}`, async () => {
      const result = await run(architecture);
      const [guest, companion] = result.guests;
      expect([guest.name, companion.name]).to.deep.equal(['guest', 'companion']);
      const last = companion.reports.at(-1)?.fields;
      expect(last?.good).to.be.greaterThan(5);
      expect([last?.bad, last?.missed, last?.gaps]).to.deep.equal([0, 0, 0]);
      expect(result.certification.certified, result.certification.sentence).to.equal(true);
      const bell = guest.exits.byReason['mmio-write shared-memory'] ?? 0;
      if (architecture === 'partitioned') expect(bell).to.equal(0);
      else expect(bell).to.be.greaterThan(10);
      const again = await replay({ tracePath: result.trace.path, outDir });
      expect(again).to.include({ kind: 'journal', certified: true, outputDigest: result.certification.outputDigest });
    });

  it('gives the same run to the bit with either engine, latencies included', async () => {
    const digests: unknown[] = [];
    for (const engine of ENGINES) {
      const { certification, guests } = await run('partitioned', {}, 'sim', engine);
      const { outputDigest, ramDigest, instret } = certification;
      digests.push({ outputDigest, ramDigest, instret, timer: Array.from(guests[0].interrupts?.timer ?? []) });
    }
    expect(digests[0]).to.deep.equal(digests[1]);
  });

  it('that locks up ends nothing but itself', async () => {
    const { stop, guests } = await run('partitioned', {
      companion: { guest: 'gp-load', bootargs: 'mode=crash within=1 seed=3' },
    });
    expect(stop.kind).to.equal('duration');
    expect(guests[0].reports.length).to.be.greaterThan(10);
  });

  it('that rings as often as it can interrupts its neighbour once in 50 us at most, and costs it no sample', async () => {
    for (const architecture of ['hosted', 'partitioned'] as const) {
      const { guests, durationNs } = await run(architecture, {
        companion: { guest: 'gp-load', bootargs: 'mode=flood' },
      });
      const rung = guests[0].interrupts?.sharedMemory.length ?? Number.NaN;
      expect(rung).to.be.within(100, durationNs / 50_000);
      expect(guests[0].reports.findLast(({ channel }) => channel === 'counters')?.fields.overruns).to.equal(0);
    }
  });

  it('gives the bound of each measured interrupt, with its parts', async () => {
    const [{ interrupts, interruptBounds }] = (await run('partitioned')).guests;
    expect(Object.keys(interrupts ?? {})).to.deep.equal(['timer', 'sharedMemory']);
    expect(interruptBounds?.timer.ns).to.be.greaterThan(Math.max(...Array.from(interrupts?.timer ?? [])));
    expect(interruptBounds?.sharedMemory.composition.join('\n')).to.contain('handler of interrupt 7 ahead of it');
  });

  it('is refused beside several guests; so are unknown interrupts, and a binding without a device', async () => {
    expect(await refusal(run('hosted', { guests: 2 }))).to.include({ code: 'RIG_PLAN', where: 'companion' });
    expect(await refusal(run('hosted', { interrupts: ['bell'] }))).to.include({ code: 'RIG_PLAN', where: 'bell' });
    expect(await refusal(run('hosted', {}, 'replay'))).to.include({ code: 'RIG_USAGE' });
  });
});
