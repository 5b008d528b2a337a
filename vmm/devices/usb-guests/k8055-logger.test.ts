/** Tests of the K8055 logger: the committed image, over both transports. */

import { expect } from 'chai';
import { URB_STATUS } from '../../../base/index.js';
import { replayJournal } from '../../journal/replay.js';
import type { UrbAcquisitionKind } from '../../machine/machine-config.js';
import { ScriptedK8055 } from './scripted-k8055.js';
import { EVENT, guestImage, TRANSPORTS, usbGuest } from './usb-guest-bench.js';

const SECOND = 1e9;

function setup(kind: UrbAcquisitionKind, bootargs = 'hold=4 step=32', product = 0x5500) {
  const guest = usbGuest('k8055-logger', kind, (clock, port) => new ScriptedK8055(clock, port, product), { bootargs });
  const samples = () =>
    guest.records(0).map(({ payload }) => ({
      sequence: payload.getUint32(0, true),
      a1: payload.getUint8(4),
      a2: payload.getUint8(5),
      digital: payload.getUint8(6),
      counter1: payload.getUint16(8, true),
      dac1: payload.getUint8(12),
      dac2: payload.getUint8(13),
      run: payload.getUint8(15),
      streamOffset: payload.getUint32(16, true),
    }));
  return { ...guest, samples };
}

describe('k8055-logger', () => {
  for (const kind of TRANSPORTS) {
    it(`enumerates over ${kind}, reports every input report and drives the loop`, () => {
      const { device, runFor, samples, events, machine, port, records } = setup(kind);
      device.usb.plug();
      runFor(2.005 * SECOND);
      expect(machine.end).to.equal(undefined);
      expect(port.fault).to.equal('');
      expect(device.usb.requests.slice(0, 5)).to.deep.equal(['80 06', '80 06', '80 06', '00 09', '21 0a']);
      expect(events().map((event) => event.kind)).to.deep.equal([EVENT.plugged, EVENT.started]);
      const got = samples();
      expect(got.length).to.be.above(150);
      expect(got.length).to.equal(device.sent);
      got.forEach((sample, i) => {
        expect(sample).to.include({
          sequence: i,
          counter1: i + 1,
          streamOffset: 8 * (i + 1),
          digital: (0b10101 % 32) & 0x15,
        });
      });
      // Once an output stands, the inputs follow it.
      expect(new Set(got.map(({ dac1 }) => dac1)).size).to.equal(8);
      expect(got.filter(({ a1, dac1 }) => a1 !== dac1).length).to.equal(0);
      const counters = records(1).at(-1)?.payload;
      expect(counters?.getUint32(16, true), 'loop errors').to.equal(0);
      expect(counters?.getUint32(12, true), 'steps').to.be.above(10);
      if (kind === 'urb-ring') expect(machine.exits.of('acquisition')).to.equal(0);
    });

    it(`tells over ${kind} of a stall, of a failed transfer and of a short report, and goes on`, () => {
      const { device, runFor, samples, events } = setup(kind);
      device.usb.plug();
      runFor(SECOND / 2);
      device.usb.halt(0x81);
      // Between two polls, so that both reads wait.
      runFor(0.505 * SECOND);
      device.usb.complete(0x81, URB_STATUS.protocol);
      device.usb.complete(0x81, URB_STATUS.ok, Uint8Array.of(1, 2, 3));
      runFor(SECOND / 2);
      const kinds = events().map((event) => event.kind);
      expect(kinds).to.deep.equal([EVENT.plugged, EVENT.started, EVENT.stall, EVENT.transferFailed, EVENT.badData]);
      expect(events().at(-1)?.detail).to.equal((8 << 16) | 3);
      expect(device.usb.halted.size).to.equal(0);
      expect(samples().length).to.equal(device.sent);
      expect(samples().length).to.be.above(120);
    });

    it(`recovers over ${kind} when it is pulled and plugged in again`, () => {
      const { device, runFor, samples, events, machine } = setup(kind);
      runFor(SECOND / 10);
      for (let i = 0; i < 3; i++) {
        device.usb.plug();
        runFor(SECOND / 2);
        device.usb.unplug();
        runFor(SECOND / 10);
      }
      const kinds = events().map((event) => event.kind);
      expect(kinds).to.deep.equal([1, 2, 3].flatMap(() => [EVENT.plugged, EVENT.started, EVENT.unplugged]));
      expect(samples().length).to.equal(device.sent);
      expect(samples().at(-1)?.run).to.equal(3);
      expect(machine.activity).to.equal('idle');
    });

    it(`is replayed exactly over ${kind}`, () => {
      const { device, runFor, machine, journal } = setup(kind);
      device.usb.plug();
      runFor(SECOND / 3);
      device.usb.unplug();
      runFor(SECOND / 100);
      machine.seal();
      for (const engine of ['interpreter', 'translator'] as const) {
        const result = replayJournal({ image: guestImage('k8055-logger'), engine }, journal.chunks);
        expect(result.divergence?.sentence).to.equal(undefined);
        expect(result.identical).to.equal(true);
      }
    });
  }

  it('leaves another device alone, until it is changed for the right one', () => {
    const { device, runFor, events } = setup('virtio-usb', '', 0x8061);
    device.usb.plug();
    runFor(SECOND);
    expect(events().map(({ kind, detail }) => [kind, detail])).to.deep.equal([[EVENT.wrongDevice, 0x10cf_8061]]);
    expect(device.outputs).to.deep.equal([]);
  });

  it('opens a silent device anew', () => {
    const { device, runFor, events, samples } = setup('urb-ring');
    device.usb.plug();
    runFor(SECOND / 2);
    device.power(false);
    runFor(1.2 * SECOND);
    device.power(true);
    runFor(1.005 * SECOND);
    const kinds = events().map((event) => event.kind);
    expect(kinds.slice(0, 5)).to.deep.equal([EVENT.plugged, EVENT.started, EVENT.silent, EVENT.plugged, EVENT.started]);
    expect(samples().length).to.equal(device.sent);
  });
});
