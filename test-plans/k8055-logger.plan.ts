/** What must hold of a K8055 board read over HID: every report, once, at the polling rate, and outputs that reach the inputs. */

import { expect, plan } from '../rig/index.js';

plan(
  'K8055 logger',
  {
    profile: 'velleman-k8055',
    guest: 'k8055-logger',
    bindings: ['sim', 'replay', 'real'],
    frontends: ['paravirtual'],
    recording: 'velleman-k8055.pcapng',
  },
  (rig) => {
    const run = () => rig.run({ for: '10 s' });

    it('loses no report and repeats none', async () => {
      expect(await run()).to.have.lostNo.samples;
      expect(await run()).to.have.duplicatedNo.samples;
      expect(await run()).to.be.conserved();
    });

    it('reports at the polling rate of the board', async () => {
      const tolerance = rig.cell.binding === 'real' ? '50000 ppm' : 'declared';
      expect((await run()).channel('samples').by('wire'))
        .to.have.rate('100 Hz')
        .within(tolerance);
    });

    it('reports a sample soon after it came', async () => {
      const limit = rig.cell.binding === 'real' ? '100 ms' : '5 ms';
      expect((await run()).channel('samples').latency).p90.to.be.below(limit);
    });

    it('reads back at its inputs what it set at its outputs', async () => {
      const finished = await run();
      expect(finished.counter('steps')).to.be.greaterThan(5);
      expect(finished.counter('loopErrors')).to.equal(0);
    });

    it('leaves the VMM out of the data path when partitioned, and pays for it when hosted', async () => {
      const { exits } = await run();
      if (rig.cell.architecture === 'partitioned') expect(exits.dataPath).to.equal(0);
      else expect(exits.dataPath).to.be.greaterThan(0);
    });

    it('runs again from its journal to the same output', async () => {
      expect(await run()).to.be.certified;
    });
  },
);

plan(
  'K8055 pulled and plugged in again',
  { profile: 'velleman-k8055', guest: 'k8055-logger', bindings: ['sim'], frontends: ['paravirtual'] },
  (rig) => {
    const pulled = () =>
      rig.run({
        for: '5 s',
        faults: { stall: 0.01, delay: 0.02, events: [{ kind: 'unplug', atNs: 2e9, durationNs: 3e8 }] },
      });

    it('notices, and reads on when the board is back', async () => {
      const run = await pulled();
      expect(run.wire.faults.replug).to.equal(1);
      expect(run.counter('unplugs')).to.equal(1);
      expect(run.counter('enumerations')).to.equal(2);
      expect(run.channel('samples').reports.at(-1)?.fields.run).to.equal(2);
    });

    it('reports every transfer that was refused', async () => {
      const run = await pulled();
      expect(run.wire.faults.stall).to.be.greaterThan(0);
      expect(run.channel('events').where({ status: -32 }).count).to.equal(run.wire.faults.stall);
    });
  },
);
