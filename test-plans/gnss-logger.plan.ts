/** What must hold of a GNSS logger: every fix, once, right and in time, in both architectures. */

import { expect, plan } from '../rig/index.js';

plan(
  'GNSS logger',
  {
    profile: 'gnss-nmea-1hz',
    guest: 'gnss-logger',
    bindings: ['sim', 'replay', 'real'],
    frontends: ['emulated', 'paravirtual'],
    recording: 'gnss-nmea-1hz.pcapng',
  },
  (rig) => {
    const minute = () => rig.run({ for: '60 s' });

    it('loses no fix and repeats none', async () => {
      const run = await minute();
      expect(run).to.have.lostNo.samples;
      expect(run).to.have.duplicatedNo.samples;
      expect(run).to.have.lostNo.characters;
    });

    it('accepts every message and rejects none', async () => {
      const run = await minute();
      expect(run).to.have.checksumErrors(0);
      expect(run).to.be.conserved();
    });

    it('reports fixes at the rate of the receiver', async () => {
      const run = await minute();
      expect(run.channel('fix').epochs).to.have.rate('1 Hz').within('declared');
    });

    it('reports a fix soon after its last character', async () => {
      const run = await minute();
      const limit = rig.cell.binding === 'real' ? '50 ms' : '10 ms';
      expect(run.channel('fix').latency).p90.to.be.below(limit);
    });

    it('keeps the interval between fixes steady', async () => {
      const run = await minute();
      expect(run.channel('fix').epochs.jitter).p90.to.be.below('20 ms');
    });

    it('reports what the receiver sent, to the last digit', async () => {
      if (rig.cell.binding !== 'sim') rig.skip('only a simulator knows what it sent');
      const run = await minute();
      expect(run.channel('fix')).to.match.truth({ position: '1e-9 deg', time: 'exact' });
    });

    it('leaves the VMM out of the data path when partitioned, and pays for it when hosted', async () => {
      const run = await minute();
      if (rig.cell.architecture === 'partitioned') expect(run.exits.dataPath).to.equal(0);
      else expect(run.exits.dataPath).to.be.greaterThan(0);
    });

    it('runs again from its journal to the same output', async () => {
      expect(await minute()).to.be.certified;
    });
  },
);

plan(
  'GNSS rates and protocols',
  {
    profiles: ['gnss-nmea-10hz', 'gnss-ubx-5hz', 'gnss-mixed-1hz'],
    guest: 'gnss-logger',
    bindings: ['sim'],
  },
  (rig) => {
    it('loses no fix and reports what was sent', async () => {
      const run = await rig.run({ for: '30 s' });
      expect(run).to.have.lostNo.samples;
      expect(run).to.have.checksumErrors(0);
      expect(run.channel('fix')).to.match.truth({ position: '1e-9 deg', time: 'exact' });
    });

    it('runs again from its journal to the same output', async () => {
      expect(await rig.run({ for: '30 s' })).to.be.certified;
    });
  },
);

plan(
  'One receiver for two guests',
  { profile: 'gnss-nmea-1hz', guest: 'gnss-logger', bindings: ['sim'], architectures: ['hosted'] },
  (rig) => {
    const shared = () => rig.run({ for: '20 s', guests: 2 });

    it('gives both guests every fix', async () => {
      const run = await shared();
      for (const guest of [run.guest(0), run.guest(1)]) {
        expect(guest).to.have.lostNo.samples;
        expect(guest).to.have.checksumErrors(0);
      }
    });

    it('tells both guests the same', async () => {
      const run = await shared();
      const told = (index: number) =>
        run
          .guest(index)
          .channel('fix')
          .reports.map((report) => report.fields);
      expect(told(0)).to.have.length.greaterThan(10);
      expect(told(1)).to.deep.equal(told(0));
    });
  },
);

plan('GNSS logger on a bad line', { profile: 'gnss-nmea-1hz', guest: 'gnss-logger', bindings: ['sim'] }, (rig) => {
  const damaged = () =>
    rig.run({
      for: '60 s',
      faults: { receive: { drop: 2e-4, corrupt: 2e-4, framing: 1e-4, parity: 1e-4, break: 5e-5 } },
    });

  it('counts what was damaged and goes on', async () => {
    const run = await damaged();
    const faults = Object.values(run.wire.faults).reduce((sum, count) => sum + count, 0);
    expect(faults).to.be.greaterThan(0);
    expect(run.counter('nmeaChecksumErrors') + run.counter('nmeaMalformed') + run.counter('resyncs')).to.be.greaterThan(
      0,
    );
    expect(run.channel('fix').count).to.be.greaterThan(40);
  });

  it('reports no fix that the receiver did not send', async () => {
    const run = await damaged();
    expect(run.channel('fix')).to.match.truth({ position: '1e-9 deg', time: 'exact' });
  });
});
