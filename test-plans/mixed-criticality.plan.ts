/** What must hold of a real-time guest beside a general-purpose one: nothing that the neighbour does makes its interrupts late. */

import { expect, plan } from '../rig/index.js';

const SECONDS = 0.25;
/** Samples that the last block, not yet full, and the start of the guest take. */
const MARGIN = 120;
/** In wall time the host decides when a guest runs: slower, and for longer, so that something is left to be seen. */
const WALL = { rate: 1_000, seconds: 2 };

plan(
  'Mixed criticality',
  { profile: 'none', guest: 'rt-sampler', bindings: ['sim', 'real'], frontends: ['emulated'] },
  (rig) => {
    const isWall = rig.cell.binding === 'real';
    const { rate, seconds } = isWall ? WALL : { rate: 10_000, seconds: SECONDS };
    const beside = (bootargs: string) =>
      rig.run({
        for: `${seconds} s`,
        bootargs: `rate=${rate} counters=100`,
        companion: { guest: 'gp-load', bootargs },
        interrupts: ['timer', 'sharedMemory'],
      });

    for (const [neighbour, bootargs] of [
      ['is idle', 'mode=idle report=100'],
      ['computes', 'mode=load report=100'],
      ['floods doorbells', 'mode=flood report=100'],
      ['crashes', 'mode=crash seed=5 report=100'],
    ] as const) {
      it(`serves every timer interrupt within the computed bound while the neighbour ${neighbour}`, async () => {
        if (isWall) rig.skip('the bound is that of virtual time, and a host in wall time gives none');
        const run = await beside(bootargs);
        expect(run.interrupt('timer').latency).to.stayWithin.bound;
        expect(run.interrupt('timer').latency.count).to.be.greaterThan(rate * seconds - MARGIN);
      });

      it(`loses no sample while the neighbour ${neighbour}`, async () => {
        const run = await beside(bootargs);
        expect(run).to.have.lostNo.samples;
        expect(run.channel('blocks').counting('scans').total).to.be.greaterThan(isWall ? 0 : rate * seconds - MARGIN);
        // Instants that the guest itself was late for; of a host's, only a quiet one has none.
        if (!isWall) expect(run.counter('overruns')).to.equal(0);
      });
    }

    it('hands its blocks to a neighbour that computes, whole and without a gap', async () => {
      const run = await beside('mode=load report=100');
      const neighbour = run.guest(1);
      expect(neighbour.counter('good')).to.be.greaterThan(0);
      // A host that stops the sampler for long makes it write into a block that it is still sending, which it counts.
      expect(neighbour.counter('bad')).to.be.at.most(run.counter('overruns'));
      if (!isWall) expect([neighbour.counter('missed'), neighbour.counter('gaps')]).to.deep.equal([0, 0]);
    });

    it('runs again from the journals of both guests to the same output', async () => {
      expect(await beside('mode=load report=100')).to.be.certified;
      expect(await beside('mode=flood report=100')).to.be.certified;
    });
  },
);
