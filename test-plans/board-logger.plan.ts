/** What must hold of a board on a memory bus: every sample, the right one, on time, and without the VMM where it is partitioned. */

import { expect, plan } from '../rig/index.js';

plan(
  'RV-DAQ16 by DMA',
  { profile: 'rv-daq16', guest: 'board-logger', bindings: ['sim'], frontends: ['emulated'] },
  (rig) => {
    const counting = () => rig.run({ for: '2 s', bootargs: 'rate=100000 source=counter' });

    it('loses no sample at 100 kS/s and repeats none', async () => {
      const run = await counting();
      expect(run).to.have.lostNo.samples;
      expect(run).to.have.duplicatedNo.samples;
      expect(run).to.be.conserved();
      expect(run.counter('gaps')).to.equal(0);
      expect(run.counter('dmaErrors')).to.equal(0);
      expect(run.channel('blocks')).to.match.truth({ samples: 'exact' });
    });

    it('samples at the rate of its clock', async () => {
      expect((await counting()).channel('blocks').counting('scans').by('wire'))
        .to.have.rate('100 kHz')
        .within('declared');
    });

    it('reports a block soon after its last sample came', async () => {
      const run = await counting();
      expect(run.channel('blocks').latency).p90.to.be.below('2 ms');
      expect(run.counter('longestUs')).to.be.lessThan(5000);
    });

    it('reports what the converter gave on four channels', async () => {
      const run = await rig.run({ for: '1 s', bootargs: 'rate=5000 channels=4' });
      expect(run).to.have.lostNo.samples;
      expect(run.channel('blocks')).to.match.truth({ samples: 'exact' });
    });

    it('leaves the VMM out of the data path when partitioned, and pays for it when hosted', async () => {
      const { exits } = await counting();
      if (rig.cell.architecture === 'partitioned') expect(exits.dataPath).to.equal(0);
      else expect(exits.dataPath).to.be.greaterThan(0);
    });

    it('runs again from its journal to the same output', async () => {
      expect(await counting()).to.be.certified;
    });
  },
);

plan(
  'RV-DAQ16 with a guest that stalls',
  { profile: 'rv-daq16', guest: 'board-logger', bindings: ['sim'], frontends: ['emulated'] },
  (rig) => {
    const stalled = () =>
      rig.run({
        for: '1.5 s',
        bootargs: 'rate=100000 source=counter descriptors=2 stall=60',
        simulator: { fifoSamples: 1024 },
      });

    it('tells of the overrun, and of nothing it did not lose', async () => {
      const run = await stalled();
      expect(run.counter('overruns')).to.equal(1);
      expect(run.counter('lostSamples')).to.be.greaterThan(1000);
      expect(run.counter('gaps')).to.equal(0);
      expect(run.result.scans?.[0].overrunNs).to.be.greaterThan(0);
      expect(run).to.have.duplicatedNo.samples;
      expect(run.channel('blocks')).to.match.truth({ samples: 'exact' });
    });

    it('acquires on after it', async () => {
      const last = (await stalled()).channel('blocks').reports.at(-1);
      expect(last?.reportedAtNs).to.be.greaterThan(1.45e9);
    });
  },
);
