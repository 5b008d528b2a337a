/** What must hold of a converter scanned over USB: every sample, the right one, at the rate of its pacer. */

import { expect, plan } from '../rig/index.js';

plan(
  'USB-1608FS-Plus scan',
  {
    profile: 'mcc-usb-1608fs-plus',
    guest: 'scan-logger',
    bindings: ['sim', 'replay', 'real'],
    frontends: ['paravirtual'],
    recording: 'mcc-usb-1608fs-plus.pcapng',
  },
  (rig) => {
    const scan = () => rig.run({ for: '4 s', bootargs: 'rate=5000 channels=4' });

    it('loses no scan and repeats none', async () => {
      const run = await scan();
      expect(run).to.have.lostNo.samples;
      expect(run).to.have.duplicatedNo.samples;
      expect(run).to.be.conserved();
      expect(run.channel('events').where({ kind: 7 }).count).to.equal(0);
    });

    it('scans at the rate of its pacer', async () => {
      const tolerance = rig.cell.binding === 'real' ? '50000 ppm' : 'declared';
      expect((await scan()).channel('blocks').counting('scans').by('wire'))
        .to.have.rate('5 kHz')
        .within(tolerance);
    });

    it('reports a block soon after its last sample came', async () => {
      const limit = rig.cell.binding === 'real' ? '100 ms' : '5 ms';
      expect((await scan()).channel('blocks').latency).p90.to.be.below(limit);
    });

    it('reports what the converter gave, sample by sample', async () => {
      if (rig.cell.binding !== 'sim') rig.skip('only a simulator knows what it converted');
      expect((await scan()).channel('blocks')).to.match.truth({ samples: 'exact' });
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

plan(
  'USB-1608FS-Plus at full rate',
  { profile: 'mcc-usb-1608fs-plus', guest: 'scan-logger', bindings: ['sim'], frontends: ['paravirtual'] },
  (rig) => {
    const full = () => rig.run({ for: '2 s', bootargs: 'rate=100000 channels=4 mode=counter' });

    it('holds 100 kS/s on four channels with nothing lost, by the counter of the device', async () => {
      const run = await full();
      expect(run).to.have.lostNo.samples;
      expect(run.counter('gaps')).to.equal(0);
      expect(run.channel('blocks')).to.match.truth({ samples: 'exact' });
    });

    it('scans at the rate of its pacer', async () => {
      expect((await full()).channel('blocks').counting('scans').by('wire'))
        .to.have.rate('100 kHz')
        .within('declared');
    });
  },
);

plan(
  'USB-1608FS-Plus behind a path that stands still',
  { profile: 'mcc-usb-1608fs-plus', guest: 'scan-logger', bindings: ['sim'], frontends: ['paravirtual'] },
  (rig) => {
    const standstill = () =>
      rig.run({
        for: '4 s',
        bootargs: 'rate=100000 channels=4',
        faults: {
          durationNs: 500_000_000,
          events: [
            ...Array.from({ length: 8 }, (_, i) => ({ kind: 'delay', atTransfer: 100 + i })),
            { kind: 'unplug', atNs: 2.5e9, durationNs: 2e8 },
          ],
        },
      });

    it('tells of the overrun, and of nothing it did not lose', async () => {
      const run = await standstill();
      const overruns = run.channel('events').where({ kind: 7 });
      expect(overruns.count).to.equal(run.result.scans?.filter(({ overrunNs }) => overrunNs !== undefined).length);
      expect(overruns.count).to.be.greaterThan(0);
      expect(run).to.have.duplicatedNo.samples;
      expect(run.channel('blocks')).to.match.truth({ samples: 'exact' });
    });

    it('scans on after it, and after the device was pulled and plugged in again', async () => {
      const run = await standstill();
      expect(run.counter('enumerations')).to.equal(2);
      expect(run.channel('setup').count).to.equal(run.result.scans?.length);
      const last = run.channel('blocks').reports.at(-1);
      expect(last?.fields.run).to.equal(run.result.scans?.length);
      expect(last?.reportedAtNs).to.be.greaterThan(3.9e9);
    });
  },
);
