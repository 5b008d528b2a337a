import { expect } from 'chai';
import { ScriptedK8055 } from '../devices/usb-guests/scripted-k8055.js';
import { TRANSPORTS } from '../devices/usb-guests/usb-guest-bench.js';
import { urbAcquisition } from '../machine/acquisition.js';
import { ENGINE_NAMES } from '../machine/create-vcpu.js';
import { shippedGuest, ThreadedGuest } from './thread-test-kit.js';

/** Channel of the logger's samples, and where a sample's sequence number stands behind the record's header. */
const SAMPLES = 0;
const HEADER_BYTES = 24;

describe('a USB guest in a thread of its own', function () {
  this.timeout(60_000);

  for (const kind of TRANSPORTS) {
    it(`reads every report of a K8055 over ${kind}, and replays exactly on both engines`, async () => {
      const image = shippedGuest('k8055-logger');
      const bootargs = 'hold=4 step=32';
      const guest = new ThreadedGuest({ image, engine: 'translator', kind, bootargs, reportRing: kind === 'urb-ring' });
      const port = urbAcquisition(guest.thread);
      const device = new ScriptedK8055(guest.clock, port);
      await guest.thread.ready();
      guest.thread.run();
      device.usb.plug();
      const samples = (): number[] =>
        guest.reports
          .filter((record) => record[0] === SAMPLES)
          .map((record) => new DataView(record.buffer, record.byteOffset + HEADER_BYTES).getUint32(0, true));
      await guest.until(() => samples().length >= 20, 'samples');
      await guest.seal();
      expect(port.fault).to.equal('');
      const sequences = samples();
      expect(sequences).to.deep.equal(sequences.map((_, i) => sequences[0] + i));
      if (kind === 'urb-ring') expect(guest.thread.exits.of('acquisition')).to.equal(0);
      else expect(guest.thread.exits.of('acquisition')).to.be.above(0);
      for (const engine of ENGINE_NAMES) {
        const { divergence, identical } = guest.replay(engine);
        expect(divergence?.sentence, engine).to.equal(undefined);
        expect(identical, engine).to.equal(true);
      }
    });
  }
});
