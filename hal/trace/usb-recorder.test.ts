import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { TRANSFER_TYPE, URB_STATUS, Urb, VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { describeDevice } from '../usb/describe.js';
import { setupPacket } from '../usb/setup-packet.js';
import { DIRECTION, LINK_TYPE } from './pcapng-format.js';
import { openTraceBytes, type TraceFile } from './trace-file.js';
import { TraceRecorder } from './trace-recorder.js';
import { MemorySink, type TraceSink } from './trace-sink.js';
import { upperPayloadOffset } from './upper-channel.js';
import { UsbRecord } from './usb-record.js';
import { SNAPSHOT_MARK } from './usb-recorder.js';
import { decodeUsbmon } from './usbmon.js';

const DEVICE = describeDevice({
  speed: 'full',
  vendorId: 0x1209,
  productId: 1,
  product: 'Voltmeter',
  interfaces: [
    {
      number: 0,
      interfaceClass: 3,
      endpoints: [{ address: 0x81, type: TRANSFER_TYPE.interrupt, maxPacketBytes: 8, interval: 10 }],
      report: Uint8Array.of(0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0xc0),
    },
  ],
});

function interruptUrb(id: number, data: readonly number[]): Urb {
  const urb = new Urb();
  urb.id = id;
  urb.transferType = TRANSFER_TYPE.interrupt;
  urb.endpointAddress = 0x81;
  urb.data = Uint8Array.from({ length: 8 }, (_, i) => data[i] ?? 0);
  urb.length = 8;
  return urb;
}

/** A control OUT transfer, a read, one that is taken back, a fault, and the end. */
function record(to: string | TraceSink): { ids: number[] } {
  const recorder = new TraceRecorder({ to, clock: new VirtualClock() });
  const tap = recorder.addUsb('meter', DEVICE, { bus: 3, device: 7, facts: { serialNumber: 'A1' } });
  const ids = [tap.lastCompletedId];
  const control = new Urb();
  control.id = 1;
  control.setup.set(setupPacket({ bmRequestType: 0x40, bRequest: 5, wValue: 1, wIndex: 0, wLength: 2 }));
  control.data = Uint8Array.of(0xab, 0xcd);
  control.length = 2;
  tap.submitted(control, 1_000_500);
  control.actualLength = 2;
  control.status = URB_STATUS.ok;
  tap.completed(control, 1_200_999);
  ids.push(tap.lastCompletedId);
  const read = interruptUrb(2, [1, 2, 3]);
  tap.submitted(read, 2_000_000);
  read.actualLength = 3;
  read.status = URB_STATUS.ok;
  tap.completed(read, 3_000_000);
  ids.push(tap.lastCompletedId);
  const taken = interruptUrb(3, []);
  tap.submitted(taken, 3_100_000);
  tap.cancelled(taken, 4_000_000);
  taken.status = URB_STATUS.unlinked;
  tap.completed(taken, 4_000_000);
  tap.fault('stall', { endpoint: 0x81 }, 4_500_000);
  tap.reset(5_000_000);
  tap.plugged(false, 5_100_000);
  tap.plugged(true, 5_200_000);
  tap.disconnected(new HalError('HAL_DISCONNECTED', 'it was pulled'), 6_000_000);
  tap.closed(6_000_000);
  recorder.close();
  return { ids };
}

interface Shown {
  readonly snapshot: string[];
  readonly traffic: UsbRecord[];
  readonly packets: { readonly flags: number; readonly packetId: number; readonly us: number }[];
  readonly events: string[];
}

function show(trace: TraceFile): Shown {
  const shown: Shown = { snapshot: [], traffic: [], packets: [], events: [] };
  const reader = trace.reader();
  while (reader.next()) {
    if (reader.kind !== 'packet') continue;
    const { packet } = reader;
    if (reader.packetInterface.linkType === LINK_TYPE.upperPdu) {
      const start = packet.offset + upperPayloadOffset(packet.bytes, packet.offset, packet.length);
      shown.events.push(new TextDecoder().decode(packet.bytes.subarray(start, packet.offset + packet.length)));
      continue;
    }
    const decoded = new UsbRecord();
    expect(decodeUsbmon(packet, true, decoded)).to.equal(true);
    const view = new DataView(packet.bytes.buffer, packet.bytes.byteOffset + packet.offset);
    const us = view.getInt32(16, true) * 1e6 + view.getInt32(24, true);
    expect(us).to.equal(Math.floor(packet.timeNs / 1000));
    if (decoded.mark === SNAPSHOT_MARK) {
      if (decoded.hasSetup) shown.snapshot.push([...decoded.setup.subarray(0, 6)].join(' '));
      continue;
    }
    decoded.bytes = decoded.bytes.slice(decoded.offset, decoded.offset + decoded.length);
    decoded.offset = 0;
    shown.traffic.push(decoded);
    shown.packets.push({ flags: packet.flags & 3, packetId: packet.packetId, us });
  }
  reader.close();
  return shown;
}

describe('UsbRecorder', () => {
  it('begins with what the device says of itself, as transfers that ask for it', () => {
    const sink = new MemorySink();
    record(sink);
    const trace = openTraceBytes(sink.bytes());
    expect(trace.interfaces.map(({ name, linkType }) => [name, linkType])).to.deep.equal([
      ['meter', LINK_TYPE.usbmon],
      ['events meter', LINK_TYPE.upperPdu],
    ]);
    expect(trace.interfaces[0].custom.get('speed')).to.equal('full');
    expect(trace.interfaces[0].custom.get('serialNumber')).to.equal('A1');
    expect(show(trace).snapshot).to.deep.equal([
      '128 6 0 1 0 0',
      '128 6 0 2 0 0',
      '128 6 0 3 0 0',
      '128 6 1 3 9 4',
      '129 6 0 34 0 0',
    ]);
  });

  it('writes submissions and completions as usbmon does, with the time of the packet in their headers', () => {
    const sink = new MemorySink();
    record(sink);
    const { traffic, packets } = show(openTraceBytes(sink.bytes()));
    const told = traffic.map((one) => [one.event, one.id, one.status, one.urbLength, ...one.bytes]);
    expect(told).to.deep.equal([
      ['S', 1, URB_STATUS.inProgress, 2, 0xab, 0xcd],
      ['C', 1, 0, 2],
      ['S', 2, URB_STATUS.inProgress, 8],
      ['C', 2, 0, 3, 1, 2, 3],
      ['S', 3, URB_STATUS.inProgress, 8],
      ['C', 3, URB_STATUS.unlinked, 0],
    ]);
    expect(traffic.every(({ bus, device }) => bus === 3 && device === 7)).to.equal(true);
    expect(packets.map(({ us }) => us)).to.deep.equal([1000, 1200, 2000, 3000, 3100, 4000]);
    expect(packets.map(({ flags }) => flags)).to.deep.equal(
      ['S', 'C', 'S', 'C', 'S', 'C'].map((event) => (event === 'S' ? DIRECTION.outbound : DIRECTION.inbound)),
    );
  });

  it('tells under which id the latest completion is recorded', () => {
    const sink = new MemorySink();
    const { ids } = record(sink);
    const { packets } = show(openTraceBytes(sink.bytes()));
    expect(ids).to.deep.equal([0, packets[1].packetId, packets[3].packetId]);
  });

  it('keeps what is no transfer beside it', () => {
    const sink = new MemorySink();
    record(sink);
    expect(show(openTraceBytes(sink.bytes())).events).to.deep.equal([
      'unlink 3',
      'fault stall {"endpoint":129}',
      'reset',
      'unplugged',
      'plugged',
      'disconnected HAL_DISCONNECTED it was pulled',
      'closed',
    ]);
  });

  it('is counted without its snapshot', () => {
    const sink = new MemorySink();
    record(sink);
    const [totals] = openTraceBytes(sink.bytes()).info().interfaces;
    expect(totals).to.include({ received: 3, transmitted: 2, cut: 0 });
    expect(totals.usb).to.deep.equal({
      submitted: 3,
      completed: 3,
      bytesIn: 3,
      bytesOut: 2,
      truncated: 0,
      statuses: new Map([[URB_STATUS.unlinked, 1]]),
      devices: new Set(['3.7']),
    });
  });

  it('is shown by tshark without a warning, descriptors included', function () {
    if (spawnSync('tshark', ['--version']).status !== 0) {
      console.log('      skipped: tshark is not installed');
      this.skip();
    }
    this.timeout(20_000);
    const folder = mkdtempSync(join(tmpdir(), 'rigvisor-usb-recorder-'));
    try {
      const path = join(folder, 'meter.pcapng');
      record(path);
      const tshark = (...args: string[]): string[] => {
        const result = spawnSync('tshark', ['-r', path, ...args], { encoding: 'utf8' });
        expect(result.status).to.equal(0);
        return result.stdout.split('\n').filter((line) => line !== '');
      };
      expect(tshark('-Y', '_ws.expert.severity >= 0x600000 || _ws.malformed')).to.deep.equal([]);
      expect(tshark('-Y', 'usb.idVendor', '-T', 'fields', '-e', 'usb.idVendor')).to.deep.equal(['0x1209']);
      expect(tshark('-Y', 'usb.bString', '-T', 'fields', '-e', 'usb.bString')).to.deep.equal(['Voltmeter']);
      expect(tshark('-Y', 'usb.urb_status == -104', '-T', 'fields', '-e', 'usb.urb_id')).to.have.length(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
