/** What must hold of a real-time guest that a board interrupts for every sample: in time, and none missing, whatever its neighbour does. */

import { expect, plan } from '../rig/index.js';

const RATE = 10_000;
const SECONDS = 0.25;
/** Samples that the last block, not yet full, and the start of the guest take. */
const MARGIN = 120;

plan('Real-time board', { profile: 'rv-daq16', guest: 'rt-daq', bindings: ['sim'], frontends: ['emulated'] }, (rig) => {
  const interrupt = rig.cell.architecture === 'hosted' ? 'external' : 'doorbell';
  const beside = (mode: string) =>
    rig.run({
      for: `${SECONDS} s`,
      bootargs: `rate=${RATE}`,
      companion: { guest: 'gp-load', bootargs: `${mode} report=100` },
      interrupts: [interrupt],
    });

  for (const [neighbour, mode] of [
    ['is idle', 'mode=idle'],
    ['computes', 'mode=load'],
    ['floods doorbells', 'mode=flood'],
    ['crashes', 'mode=crash seed=5'],
  ] as const) {
    it(`serves every interrupt of the board within the computed bound while the neighbour ${neighbour}`, async () => {
      const run = await beside(mode);
      expect(run.interrupt(interrupt).latency).to.stayWithin.bound;
      expect(run).to.have.lostNo.samples;
      expect(run.channel('blocks').counting('scans').total).to.be.greaterThan(RATE * SECONDS - MARGIN);
      expect(run.counter('overruns')).to.equal(0);
    });
  }

  it('leaves the VMM out of the data path when partitioned, and runs again from its journal to the same output', async () => {
    const run = await beside('mode=flood');
    if (rig.cell.architecture === 'partitioned') expect(run.exits.dataPath).to.equal(0);
    else expect(run.exits.dataPath).to.be.greaterThan(0);
    expect(run).to.be.certified;
  });
});
