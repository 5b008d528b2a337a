import { expect } from 'chai';
import { URB_STATUS } from '../../base/index.js';
import { HalError } from '../errors.js';
import { playUsbHost } from './replay-host.js';
import { C, captured, DIALOGUE, ENUMERATED, GET_DEVICE, Host, S, vendor } from './replay-test-kit.js';
import { openUsbReplay } from './replayed-port.js';
import { setupPacket } from './setup-packet.js';

describe('UsbDivergenceReport', () => {
  it('ends a strict port that nobody watches with HAL_DIVERGED, by the clock and not inside the call', () => {
    const host = new Host(DIALOGUE);
    host.in();
    host.out([7, 9]);
    expect(host.error).to.equal(undefined);
    host.run();
    expect(host.error?.code).to.equal('HAL_DIVERGED');
    expect(host.error?.message).to.equal(
      'replay:capture#0: submission 2 of the host (bulk OUT 02h, 2 bytes: 07 09) differs from URB 2 (packet 2): data byte 1 is 09h instead of 08h',
    );
    expect(host.done.map(({ status }) => status)).to.deep.equal([URB_STATUS.shutdown, URB_STATUS.shutdown]);
    const urb = host.in();
    host.run();
    expect(urb.status).to.equal(URB_STATUS.noDevice);
  });

  it('keeps order over all endpoints when it is strict, and on each endpoint when it is not', () => {
    const strict = new Host(DIALOGUE, {}, true);
    strict.out([7, 8]);
    strict.run();
    const [found] = strict.divergences;
    expect(found).to.include({ kind: 'order', submission: 1, urb: 1, packet: 1, recordedNs: 0 });
    expect(found.expected.map(({ text }) => text)).to.deep.equal(['bulk IN 81h, 64 bytes']);
    expect(found.message).to.match(/comes where URB 1, bulk IN 81h, 64 bytes was recorded \(packet 1\)/);
    const loose = new Host(DIALOGUE, { policy: 'per-endpoint' }, true);
    loose.out([7, 8]);
    loose.out([7, 8]);
    loose.in();
    loose.run();
    expect(loose.divergences).to.have.length(0);
    expect(loose.replies).to.deep.equal([[2], [2], [1, 2, 3]]);
    loose.out([7, 8]);
    expect(loose.divergences[0]).to.include({ kind: 'extra', urb: 0, recordedNs: -1 });
    expect(loose.port.divergence()).to.include({ submitted: 4, matched: 3, differences: 1, unconsumed: 1 });
  });

  it('names every field that differs, goes on when it is watched, and gives the recorded reply', () => {
    const host = new Host(ENUMERATED, { standardRequests: 'compared' }, true);
    host.control(GET_DEVICE);
    host.control(setupPacket({ bmRequestType: 0, bRequest: 9, wValue: 0x0102, wIndex: 0, wLength: 0 }));
    host.control(vendor(5, 0x10, 2));
    host.run();
    expect(host.divergences.map(({ urb, fields }) => [urb, fields])).to.deep.equal([
      [
        2,
        [
          { field: 'wValue', byte: 2, expected: 1, actual: 2 },
          { field: 'wValue', byte: 3, expected: 0, actual: 1 },
        ],
      ],
      [3, [{ field: 'wLength', byte: 6, expected: 4, actual: 2 }]],
    ]);
    expect(host.replies[2]).to.deep.equal([0xca, 0xfe]);
    const out = new Host(DIALOGUE, { policy: 'per-endpoint' }, true);
    out.out([9]);
    expect(out.divergences[0].fields).to.deep.equal([
      { field: 'length', expected: 2, actual: 1 },
      { field: 'data', byte: 0, expected: 7, actual: 9 },
    ]);
  });

  it('answers standard requests that were not recorded from the recorded descriptors, and lets recorded ones be left out', () => {
    const host = new Host(ENUMERATED);
    host.control(setupPacket({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wIndex: 0, wLength: 8 }));
    host.run();
    host.control(setupPacket({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0302, wIndex: 0, wLength: 8 }));
    host.run();
    host.control(vendor(5, 0x10, 4));
    host.run();
    expect(host.done.map(({ status }) => status)).to.deep.equal([URB_STATUS.ok, URB_STATUS.stall, URB_STATUS.ok]);
    expect(host.replies[0]).to.deep.equal([18, 1, 0, 2, 255, 0, 0, 64]);
    expect(host.replies[2]).to.deep.equal([0xca, 0xfe]);
    const report = host.port.divergence();
    expect(report).to.include({ differences: 0, substituted: 2, skipped: 2, matched: 1, unconsumed: 0 });
    expect(report.substitutions[0].fields).to.deep.equal([{ field: 'wLength', byte: 6, expected: 18, actual: 8 }]);
  });

  it('does not compare what a mask names', () => {
    const masks = [
      { bmRequestType: 0xc0, bRequest: 5, in: 'setup', offset: 2, bytes: 1, bits: 0x0f },
      { endpointAddress: 0x02, in: 'data', offset: 1 },
    ] as const;
    const host = new Host(ENUMERATED, { policy: 'masked', masks }, true);
    host.control(vendor(5, 0x1c, 4));
    host.run();
    expect(host.divergences).to.have.length(0);
    const other = new Host(ENUMERATED, { policy: 'masked', masks }, true);
    other.control(vendor(5, 0x20, 4));
    expect(other.divergences[0].fields).to.deep.equal([{ field: 'wValue', byte: 2, expected: 0x10, actual: 0x20 }]);
    const data = new Host(DIALOGUE, { policy: 'masked', masks }, true);
    data.out([7, 99]);
    data.out([6, 8]);
    expect(data.divergences.map(({ submission, fields }) => [submission, fields[0].byte])).to.deep.equal([[2, 0]]);
    expect(() => new Host(DIALOGUE, { masks })).to.throw(HalError, /masks belong to the policy "masked"/);
    expect(() => new Host(DIALOGUE, { policy: 'masked', masks: [{ in: 'setup', offset: 8 }] })).to.throw(
      /masks nothing/,
    );
  });

  it('refuses a URB that the capture cut short, naming packet and URB, only when it is needed', () => {
    const trace = captured(
      [0, S(1, { endpoint: 0x81, length: 64 })],
      [10, C(1, { endpoint: 0x81, data: [1] })],
      [20, S(2, { endpoint: 0x81, length: 64 })],
      [30, C(2, { endpoint: 0x81, length: 40, data: [1, 2, 3] })],
    );
    const host = new Host(trace);
    host.in();
    host.run();
    expect(host.replies).to.deep.equal([[1]]);
    host.in();
    host.run();
    expect(host.error?.code).to.equal('HAL_TRACE');
    expect(host.error?.message).to.equal(
      'capture: URB 2 (packet 4) carried 40 bytes and the capture kept 3, so it cannot be replayed as if it were whole',
    );
    const cut = captured([0, S(1, { endpoint: 0x02, length: 9, data: [1, 2] })]);
    const sender = new Host(cut, {}, true);
    sender.out([1, 2]);
    sender.run();
    expect(sender.error?.message).to.match(/URB 1 \(packet 1\) carried 9 bytes and the capture kept 2/);
    const silent = captured([0, S(1, { endpoint: 0x02, length: 9, dataFlag: 'E'.charCodeAt(0) })]);
    const { clock } = host;
    const player = playUsbHost(silent, { clock, port: openUsbReplay(silent, { clock }) });
    clock.runUntilIdle(20e9);
    expect(player.failure?.message).to.match(/URB 1 \(packet 1\) carried 9 bytes and the capture kept 0/);
  });
});
