/** What must hold of a converter that takes a fixed number of scans into its FIFO: all of them arrive, however slow the host is. */

import { expect, plan } from '../rig/index.js';

/** Fewer than the FIFO of the converter holds on four channels (8,192), so that no host is too slow for it. */
const SCANS = 5000;

plan(
  'USB-1608FS-Plus finite scan',
  {
    profile: 'mcc-usb-1608fs-plus',
    guest: 'scan-logger',
    bindings: ['sim', 'replay', 'real'],
    frontends: ['paravirtual'],
    recording: 'mcc-finite-scan.pcapng',
  },
  (rig) => {
    const scan = () =>
      rig.run({
        for: '180 s',
        // A host may be slow; the converter has everything in its FIFO meanwhile.
        bootargs: `rate=2000 channels=4 count=${SCANS} mode=counter silence=60000`,
        mayEndBy: ['guest-finished'],
      });

    it('reports every scan once, and no other', async () => {
      const run = await scan();
      expect(run.channel('blocks').counting('scans').total).to.equal(SCANS);
      expect(run).to.have.lostNo.samples;
      expect(run).to.have.duplicatedNo.samples;
    });

    it('counts without a gap, by the counter of the converter', async () => {
      const run = await scan();
      expect(run.counter('gaps')).to.equal(0);
      expect(run.counter('overruns')).to.equal(0);
      expect(run.channel('blocks').field('max3').at(-1)).to.equal(4 * SCANS - 1);
    });

    it('leaves the VMM out of the data path when partitioned, and pays for it when hosted', async () => {
      const { exits } = await scan();
      if (rig.cell.architecture === 'partitioned') expect(exits.dataPath).to.equal(0);
      else expect(exits.dataPath).to.be.greaterThan(0);
    });

    it('runs again from its journal to the same output', async () => {
      expect(await scan()).to.be.certified;
    });
  },
);
