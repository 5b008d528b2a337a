/** What must hold of a real-time guest beside a general-purpose one: nothing that the neighbour does makes its interrupts late. */

import { expect, plan } from '../rig/index.js';

const RATE = 10_000;
const SECONDS = 0.25;
/** Samples that the last block, not yet full, and the start of the guest take. */
const MARGIN = 120;

plan(
  'Mixed criticality',
  { profile: 'none', guest: 'rt-sampler', bindings: ['sim'], frontends: ['emulated'] },
  (rig) => {
    const beside = (bootargs: string) =>
      rig.run({
        for: `${SECONDS} s`,
        bootargs: `rate=${RATE} counters=100`,
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
        const run = await beside(bootargs);
        expect(run.interrupt('timer').latency).to.stayWithin.bound;
        expect(run.interrupt('timer').latency.count).to.be.greaterThan(RATE * SECONDS - MARGIN);
      });

      it(`loses no sample while the neighbour ${neighbour}`, async () => {
        const run = await beside(bootargs);
        expect(run).to.have.lostNo.samples;
        expect(run.counter('overruns')).to.equal(0);
        expect(run.channel('blocks').counting('scans').total).to.be.greaterThan(RATE * SECONDS - MARGIN);
      });
    }

    it('hands its blocks to a neighbour that computes, whole and without a gap', async () => {
      const neighbour = (await beside('mode=load report=100')).guest(1);
      expect(neighbour.counter('good')).to.be.greaterThan(0);
      expect([neighbour.counter('bad'), neighbour.counter('missed'), neighbour.counter('gaps')]).to.deep.equal([
        0, 0, 0,
      ]);
    });

    it('runs again from the journals of both guests to the same output', async () => {
      expect(await beside('mode=load report=100')).to.be.certified;
      expect(await beside('mode=flood report=100')).to.be.certified;
    });
  },
);
