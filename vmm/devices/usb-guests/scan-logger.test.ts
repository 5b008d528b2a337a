/** Tests of the scan logger: the committed image, over both transports. */

import { expect } from 'chai';
import { URB_STATUS } from '../../../base/index.js';
import { replayJournal } from '../../journal/replay.js';
import type { EngineName } from '../../machine/create-vcpu.js';
import type { UrbAcquisitionKind } from '../../machine/machine-config.js';
import { ScriptedMcc } from './scripted-mcc.js';
import { EVENT, guestImage, TRANSPORTS, usbGuest } from './usb-guest-bench.js';

const SECOND = 1e9;
/** 64 KiB at 800 kB/s. */
const STALL_BUDGET_NS = 82_000_000;
const FULL = 'rate=100000 channels=4 mode=counter';

function setup(kind: UrbAcquisitionKind, bootargs: string, engine: EngineName = 'interpreter', product = 0xea) {
  const guest = usbGuest('scan-logger', kind, (clock, port) => new ScriptedMcc(clock, port, product), {
    bootargs,
    engine,
  });
  const blocks = () =>
    guest.records(0).map(({ payload }) => ({
      run: payload.getUint32(0, true),
      firstScan: payload.getUint32(4, true),
      scans: payload.getUint32(8, true),
      streamOffset: payload.getUint32(12, true),
      sum: payload.getUint32(16, true),
      sumOfSums: payload.getUint32(20, true),
      channels: payload.getUint16(24, true),
      gaps: payload.getUint16(26, true),
      min: payload.getUint16(28, true),
      max: payload.getUint16(30, true),
      bytes: payload.byteLength,
    }));
  return { ...guest, blocks };
}

describe('scan-logger', function () {
  this.timeout(60_000);

  for (const kind of TRANSPORTS) {
    it(`loses nothing over ${kind} at 100 kS/s on four channels, and sums it up right`, () => {
      const { device, runFor, blocks, events, machine, port } = setup(kind, FULL);
      device.usb.plug();
      runFor(0.3 * SECOND);
      expect([machine.end, port.fault]).to.deep.equal([undefined, '']);
      expect(device.scan).to.deep.equal({ count: 0, period: 399, mask: 15, options: 0x20 });
      expect(events().map((event) => event.kind)).to.deep.equal([EVENT.plugged, EVENT.started]);
      const got = blocks();
      expect(got.length).to.be.above(20);
      let scans = 0;
      for (const block of got) {
        expect(block).to.include({ run: 1, firstScan: scans, scans: 1000, channels: 4, gaps: 0, bytes: 28 + 32 });
        const samples = device.given.slice(4 * scans, 4 * (scans + block.scans));
        let [sum, sumOfSums] = [0, 0];
        for (const sample of samples) {
          sum += sample;
          sumOfSums = (sumOfSums + sum) >>> 0;
        }
        expect([block.sum, block.sumOfSums]).to.deep.equal([sum >>> 0, sumOfSums]);
        const first = samples.filter((_, i) => i % 4 === 0);
        expect([block.min, block.max]).to.deep.equal([Math.min(...first), Math.max(...first)]);
        scans += block.scans;
        expect(block.streamOffset).to.equal(8 * scans);
      }
      expect(4 * scans).to.equal(device.given.length);
      if (kind === 'urb-ring') expect(machine.exits.of('acquisition')).to.equal(0);
      else expect(machine.exits.of('acquisition') / (8 * scans), 'exits a byte').to.be.below(0.01);
    });

    it(`tells over ${kind} of an overrun within its stall budget, and scans again`, () => {
      const { device, runFor, blocks, events } = setup(kind, FULL);
      device.usb.plug();
      runFor(0.1 * SECOND);
      for (let i = 0; i < 2; i++) {
        device.isHeld = true;
        runFor(0.1 * SECOND);
        device.isHeld = false;
        runFor(0.1 * SECOND);
      }
      const overruns = events().filter((event) => event.kind === EVENT.overrun);
      expect(overruns.map(({ status, detail }) => [status, detail & 4])).to.deep.equal([
        [URB_STATUS.stall, 4],
        [URB_STATUS.stall, 4],
      ]);
      overruns.forEach((event, i) => {
        expect(event.atNs - device.overrunsNs[i]).to.be.within(0, STALL_BUDGET_NS / 10);
      });
      expect(events().map((event) => event.kind)).to.deep.equal([1, 9, 7, 9, 7, 9]);
      expect(blocks().at(-1)).to.include({ run: 3, gaps: 0 });
      // What came before each overrun was reported: the position is behind the last block of its run.
      for (const { run, position } of overruns) {
        const last = blocks()
          .filter((block) => block.run === run)
          .at(-1);
        expect((last?.firstScan ?? 0) + (last?.scans ?? 0)).to.equal(position);
      }
    });

    it(`recovers over ${kind} when it is pulled and plugged in again`, () => {
      const { device, runFor, blocks, events, port } = setup(kind, 'rate=20000 channels=3');
      for (let i = 0; i < 3; i++) {
        device.usb.plug();
        runFor(0.1 * SECOND);
        device.usb.unplug();
        runFor(0.02 * SECOND);
      }
      expect(events().map((event) => event.kind)).to.deep.equal([1, 9, 2, 1, 9, 2, 1, 9, 2]);
      const perRun = [1, 2, 3].map((run) => blocks().filter((block) => block.run === run));
      for (const [i, run] of perRun.entries()) {
        const scans = run.reduce((sum, block) => sum + block.scans, 0);
        expect(scans).to.equal(events()[3 * i + 2].position);
        expect(scans).to.be.above(1500);
      }
      expect(port.inFlight).to.equal(0);
    });

    it(`is replayed exactly over ${kind}, also when the translator runs it`, () => {
      for (const engine of ['interpreter', 'translator'] as const) {
        const { device, runFor, machine, journal } = setup(kind, 'rate=50000 channels=8', engine);
        device.usb.plug();
        runFor(0.05 * SECOND);
        device.usb.halt(0x81);
        runFor(0.02 * SECOND);
        machine.seal();
        for (const other of ['interpreter', 'translator'] as const) {
          const result = replayJournal({ image: guestImage('scan-logger'), engine: other }, journal.chunks);
          expect(result.divergence?.sentence).to.equal(undefined);
          expect(result.identical).to.equal(true);
        }
      }
    });
  }

  it('keeps the order of the vendor’s driver', () => {
    const { device, runFor } = setup('virtio-usb', 'rate=10000');
    device.usb.plug();
    runFor(0.1 * SECOND);
    expect(device.usb.requests).to.deep.equal([
      '80 06',
      '80 06',
      '80 06',
      '00 09',
      '40 12',
      '40 15',
      '40 14',
      '02 01',
      '40 11',
    ]);
  });

  it('notices a single sample that is missing in counter mode', () => {
    const { device, runFor, blocks, events } = setup('urb-ring', FULL);
    device.usb.plug();
    runFor(0.1 * SECOND);
    device.dropsSample = true;
    runFor(0.1 * SECOND);
    expect(blocks().reduce((sum, block) => sum + block.gaps, 0)).to.equal(1);
    const [gap] = events().filter((event) => event.kind === EVENT.badData);
    expect((gap.detail & 0xffff) - (gap.detail >>> 16)).to.equal(1);
  });

  it('sends the samples themselves on request, and ends with a scan that ends', () => {
    const { device, runFor, blocks, records, machine } = setup(
      'urb-ring',
      'rate=10000 channels=2 count=777 report=samples',
    );
    device.usb.plug();
    runFor(0.3 * SECOND);
    expect(machine.end?.kind).to.equal('pass');
    const samples = records(4).flatMap(({ payload }) =>
      Array.from({ length: (payload.byteLength - 20) / 2 }, (_, i) => payload.getUint16(20 + 2 * i, true)),
    );
    expect(samples.length).to.equal(2 * 777);
    expect(samples).to.deep.equal(device.given);
    expect(blocks().reduce((sum, block) => sum + block.scans, 0)).to.equal(777);
  });

  it('reports slow scans in blocks too', () => {
    const { device, runFor, blocks } = setup('virtio-usb', 'rate=500 channels=8');
    device.usb.plug();
    runFor(0.5 * SECOND);
    expect(device.scan.options).to.equal(1);
    expect(blocks().length).to.be.within(40, 50);
    expect(blocks()[3]).to.include({ firstScan: 15, scans: 5, channels: 8 });
  });

  it('asks a silent device for its status, and scans again', () => {
    const { device, runFor, events } = setup('urb-ring', 'rate=10000');
    device.usb.plug();
    runFor(0.1 * SECOND);
    device.control(Uint8Array.of(0x40, 0x12), new Uint8Array(0));
    runFor(0.6 * SECOND);
    expect(events().map((event) => event.kind)).to.deep.equal([1, 9, 8, 9]);
  });

  it('tells of a transfer that failed, and scans again', () => {
    const { device, runFor, events } = setup('virtio-usb', 'rate=10000');
    device.usb.plug();
    runFor(0.1 * SECOND);
    device.usb.complete(0x81, URB_STATUS.protocol);
    runFor(0.1 * SECOND);
    expect(events().map(({ kind, status }) => [kind, status])).to.deep.equal([
      [1, 0],
      [9, 0],
      [5, -71],
      [9, 0],
    ]);
  });

  it('leaves another device alone', () => {
    const { device, runFor, events } = setup('urb-ring', '', 'interpreter', 0xe8);
    device.usb.plug();
    runFor(SECOND);
    expect(events().map((event) => event.kind)).to.deep.equal([EVENT.wrongDevice]);
    expect(device.starts).to.equal(0);
  });
});
