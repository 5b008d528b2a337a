import { expect } from 'chai';
import { TRANSFER_TYPE, URB_STATUS, Urb, VirtualClock } from '../../base/index.js';
import { describeDevice } from '../usb/describe.js';
import { diffTraces, type TraceDiff } from './trace-diff.js';
import { openTraceBytes, type TraceFile } from './trace-file.js';
import { TraceRecorder } from './trace-recorder.js';
import { MemorySink } from './trace-sink.js';

const LINE = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const;
const CHARACTER_NS = 1e10 / 9600;

function traced(record: (recorder: TraceRecorder) => void): TraceFile {
  const sink = new MemorySink();
  const recorder = new TraceRecorder({ to: sink, clock: new VirtualClock() });
  record(recorder);
  recorder.close();
  return openTraceBytes(sink.bytes());
}

function serial(text: string, { gapAt = -1, delayNs = 0, flagAt = -1, name = 'port', sent = '' } = {}): TraceFile {
  return traced((recorder) => {
    const tap = recorder.addSerial(name, LINE);
    let timeNs = delayNs;
    for (let i = 0; i < text.length; i++) {
      timeNs += CHARACTER_NS + (i === gapAt ? 5e6 : 0);
      tap.received(text.charCodeAt(i), i === flagAt ? 4 : 0, Math.floor(timeNs));
    }
    if (sent !== '') tap.transmitted(Buffer.from(sent), 0, sent.length, Math.floor(timeNs));
  });
}

interface Transfer {
  readonly data: readonly number[];
  readonly id?: number;
  readonly status?: number;
}

function usb(transfers: readonly Transfer[], name = 'device'): TraceFile {
  return traced((recorder) => {
    const description = describeDevice({ speed: 'full', vendorId: 1, productId: 2, interfaces: [] });
    const tap = recorder.addUsb(name, description);
    for (const [i, { data, id = i, status = URB_STATUS.ok }] of transfers.entries()) {
      const urb = new Urb();
      urb.id = id;
      urb.transferType = TRANSFER_TYPE.interrupt;
      urb.endpointAddress = 0x81;
      urb.length = 64;
      urb.data = Uint8Array.from(data);
      tap.submitted(urb, i * 1e6);
      urb.status = status;
      urb.actualLength = data.length;
      tap.completed(urb, i * 1e6 + 500);
    }
  });
}

const first = (diff: TraceDiff) => diff.lanes.find(({ difference }) => difference !== undefined);

describe('trace diff', () => {
  it('finds a trace the same as itself, and as one with other times, packets and names', () => {
    const a = serial('hello world');
    expect(diffTraces(a, a, { times: true }).equal).to.equal(true);
    const b = serial('hello world', { gapAt: 4, delayNs: 7e9, name: 'other' });
    expect(diffTraces(a, b)).to.deep.include({ equal: true, onlyFirst: [], onlySecond: [] });
    const timed = first(diffTraces(a, b, { times: true }));
    expect(timed).to.include({ lane: 'received', same: 0 });
    expect(timed?.difference?.first).to.equal('68 at 1041666 ns');
    expect(timed?.difference?.second).to.equal('68 at 7001041666 ns');
  });

  it('names the first byte that differs, and counts both sides', () => {
    const diff = diffTraces(serial('hello world'), serial('hellO'));
    expect(first(diff)).to.deep.equal({
      interface: 'port',
      lane: 'received',
      same: 4,
      firstCount: 11,
      secondCount: 5,
      difference: { position: 4, first: '6f', second: '4f' },
    });
    expect(first(diffTraces(serial('ab'), serial('abc')))?.difference).to.deep.equal({
      position: 2,
      first: undefined,
      second: '63',
    });
  });

  it('keeps directions apart, and flags of characters', () => {
    expect(first(diffTraces(serial('a', { sent: 'xy' }), serial('a', { sent: 'xz' })))).to.deep.include({
      lane: 'transmitted',
      same: 1,
    });
    const flagged = first(diffTraces(serial('abc', { flagAt: 1 }), serial('abc')));
    expect(flagged?.lane).to.equal('events');
    expect(flagged?.difference?.first).to.contain('parity');
  });

  it('compares transfers with data and status, whatever their ids', () => {
    const a = usb([{ data: [1, 2] }, { data: [3] }]);
    expect(
      diffTraces(
        a,
        usb(
          [
            { data: [1, 2], id: 900 },
            { data: [3], id: 7 },
          ],
          'other',
        ),
      ).equal,
    ).to.equal(true);
    expect(first(diffTraces(a, usb([{ data: [1, 2] }, { data: [4] }])))?.difference).to.deep.equal({
      position: 3,
      first: 'completion 1 interrupt endpoint 81h status 0 length 1 data 03',
      second: 'completion 1 interrupt endpoint 81h status 0 length 1 data 04',
    });
    const stalled = first(diffTraces(a, usb([{ data: [1, 2] }, { data: [3], status: URB_STATUS.stall }])));
    expect(stalled?.difference?.second).to.contain('status -32');
  });

  it('names interfaces that only one of the two has', () => {
    const both = traced((recorder) => {
      recorder.addSerial('a', LINE).received(1, 0, 1000);
      recorder.addUpper('notes of a', 'text').text('x', 2000);
    });
    const one = traced((recorder) => void recorder.addUpper('other', 'text').text('x', 2000));
    expect(diffTraces(both, one)).to.deep.include({
      equal: false,
      onlyFirst: ['a', 'notes of a'],
      onlySecond: ['other'],
    });
  });
});
