import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../../base/index.js';
import { HalError } from '../../errors.js';
import { PcapngWriter } from '../pcapng-writer.js';
import { diffTraces } from '../trace-diff.js';
import { exportTrace } from '../trace-export.js';
import { openTrace } from '../trace-file.js';
import { TraceRecorder } from '../trace-recorder.js';
import { MemorySink } from '../trace-sink.js';
import { importCapture } from './import-capture.js';
import { ListSink } from './list-sink.js';

const TRACES = process.env.RIGVISOR_TRACES ?? join(process.cwd(), '..', 'shared', 'traces');
const CAPTURES = [
  ['usb/aes2501/capture.pcapng', 'usb/aes2501/device.umockdev', 2939],
  ['usb/goodixmoc/custom.pcapng', 'usb/goodixmoc/device.umockdev', 286],
  ['usb/synaptics/custom.pcapng', 'usb/synaptics/device.umockdev', 155],
  ['usb/upektc_img-tcs1s/capture.pcapng', 'usb/upektc_img-tcs1s/device.umockdev', 105],
  ['usb/uru4000-4500/capture.pcapng', 'usb/uru4000-4500/device.umockdev', 21],
  ['hid/usbkbd.pcap.pcapng', 'hid/usbkbd.pcap.umockdev', 90],
] as const;

const hasTshark = spawnSync('tshark', ['--version']).status === 0;

/** Event, endpoint, status and data of each USB packet as Wireshark sees them; snapshots have custom text and come first. */
function wireshark(path: string): string[] {
  const fields = ['usb.urb_type', 'usb.endpoint_address', 'usb.urb_status', 'usb.urb_len', 'usb.data_len'];
  const { stdout } = spawnSync(
    'tshark',
    ['-r', path, '-Y', 'usb', '-T', 'fields', ...fields.flatMap((f) => ['-e', f])],
    {
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    },
  );
  return stdout.trim().split('\n');
}

/** A USBPcap packet; control transfers have a stage behind the 27 bytes. */
function usbPcap(
  id: number,
  info: number,
  endpoint: number,
  transfer: number,
  data: readonly number[],
  stage = -1,
): Buffer {
  const bytes = Buffer.alloc(stage < 0 ? 27 : 28);
  bytes.writeUInt16LE(bytes.length, 0);
  bytes.writeUInt32LE(id, 2);
  bytes.writeUInt8(info, 16);
  bytes.writeUInt16LE(1, 17);
  bytes.writeUInt16LE(5, 19);
  bytes.writeUInt8(endpoint, 21);
  bytes.writeUInt8(transfer, 22);
  bytes.writeUInt32LE(data.length, 23);
  if (stage >= 0) bytes.writeUInt8(stage, 27);
  return Buffer.concat([bytes, Buffer.from(data)]);
}

function captureOf(linkType: number, packets: readonly Uint8Array[]): Uint8Array {
  const sink = new MemorySink();
  const writer = new PcapngWriter(sink, { flushEachBlock: true });
  writer.addInterface({ linkType, name: 'usb' });
  for (const [i, bytes] of packets.entries()) {
    writer.beginPacket(0, 1_000_000 * i);
    writer.bytes(bytes, 0, bytes.length);
    writer.endPayload();
    writer.endPacket();
  }
  writer.flush();
  return sink.bytes();
}

describe('capture import', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-capture-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const write = (bytes: Uint8Array): string => {
    const path = join(folder, 'made.pcapng');
    writeFileSync(path, bytes);
    return path;
  };

  const DEVICE = [18, 1, 0, 2, 0, 0, 0, 8, 0x34, 0x12, 0x78, 0x56, 0, 1, 0, 0, 0, 1];
  const WINDOWS = [
    usbPcap(1, 0, 0x80, 2, [0x80, 6, 0, 1, 0, 0, 18, 0], 0),
    usbPcap(1, 1, 0x80, 2, DEVICE, 3),
    usbPcap(2, 0, 0x02, 3, [1, 2, 3]),
    usbPcap(2, 1, 0x02, 3, []),
    usbPcap(3, 0, 0x81, 1, []),
    usbPcap(3, 1, 0x81, 1, [9]),
  ];

  it('takes USBPcap, with the descriptors that stand in it', () => {
    const sink = new ListSink();
    const result = importCapture(write(captureOf(249, WINDOWS)), sink);
    expect(result).to.deep.equal({
      devices: [{ label: '1234:5678', bus: 1, device: 5, descriptors: 'capture' }],
      urbs: 3,
      isochronous: 0,
      orphans: 0,
    });
    expect(sink.events.map((event) => event.slice(event.indexOf(': ') + 2))).to.deep.equal([
      'S1 control 8006000100001200 18',
      `C1 0 18 ${Buffer.from(DEVICE).toString('hex')}`,
      'S2 2 3 010203',
      'C2 0 3',
      'S3 81 0',
      'C3 0 1 09',
    ]);
  });

  it('makes up a device without descriptors, and keeps completions of earlier submissions', () => {
    const sink = new ListSink();
    const result = importCapture(write(captureOf(249, WINDOWS.slice(3))), sink);
    expect(result.devices[0].descriptors).to.equal('made up');
    expect(result.orphans).to.equal(1);
    const configuration = sink.interfaces[0].description?.configurations[0] ?? new Uint8Array(0);
    expect(Buffer.from(configuration).toString('hex')).to.contain('07058103');
  });

  it('refuses captures without USB, and those that cut a URB, by the number of its packet', () => {
    const trace = join(folder, 'serial.pcapng');
    const recorder = new TraceRecorder({ to: trace, clock: new VirtualClock() });
    recorder.addSerial('a', { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 }).received(1, 0, 5);
    recorder.close();
    expect(() => importCapture(trace, new ListSink())).to.throw(HalError, /holds no USB packets/);
    const cut = usbPcap(4, 1, 0x81, 3, new Array(20).fill(1));
    const packets = [...WINDOWS, cut.subarray(0, 40)];
    expect(() => importCapture(write(captureOf(249, packets)), new ListSink())).to.throw(
      HalError,
      /holds 13 of 20 bytes of the URB in packet 7/,
    );
  });

  it('reads or refuses 2,000 mutations', () => {
    const original = captureOf(249, WINDOWS);
    const random = createRandom('hostile captures');
    const counts = { read: 0, refused: 0 };
    for (let i = 0; i < 2000; i++) {
      const bytes = original.slice();
      for (let n = 1 + random.below(4); n > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
      try {
        importCapture(write(bytes), new ListSink());
        counts.read++;
      } catch (error) {
        if (!(error instanceof HalError)) throw error;
        expect(error.message).to.not.match(/[\r\n]/);
        counts.refused++;
      }
    }
    expect(counts.read).to.be.greaterThan(200);
    expect(counts.refused).to.be.greaterThan(100);
  });

  describe(`of others${existsSync(TRACES) ? '' : ` (pending: no recordings at ${TRACES}; set RIGVISOR_TRACES)`}`, function () {
    this.timeout(60_000);
    before(function () {
      if (!existsSync(TRACES)) this.skip();
    });

    for (const [capture, description, urbs] of CAPTURES)
      it(`${capture} keeps every transfer${hasTshark ? ', in the eyes of Wireshark too' : ''}`, () => {
        const path = join(TRACES, capture);
        const trace = join(folder, 'imported.pcapng');
        const result = importCapture(path, trace, join(TRACES, description));
        expect(result.urbs).to.equal(urbs);
        expect(result.devices.filter(({ descriptors }) => descriptors === 'description file')).to.have.length(1);
        const interfaces = openTrace(trace)
          .info()
          .interfaces.map((totals) => totals.interface);
        if (result.devices.length === 1)
          expect(diffTraces(openTrace(path), openTrace(trace)).lanes.map(({ difference }) => difference)).to.deep.equal(
            [undefined],
          );
        if (!hasTshark) return;
        const theirs = wireshark(path);
        const one = join(folder, 'one.pcapng');
        const ours = interfaces
          .filter(({ linkType }) => linkType === 220)
          .flatMap(({ index, name }) => {
            exportTrace(trace, { interface: index, format: 'pcapng', to: one });
            const sink = new MemorySink();
            exportTrace(trace, { interface: index, format: 'csv', to: sink });
            const snapshots =
              Buffer.from(sink.bytes())
                .toString()
                .match(/snapshot/g)?.length ?? 0;
            expect(snapshots, name).to.be.greaterThan(0);
            return wireshark(one).slice(snapshots);
          });
        expect(ours.sort()).to.deep.equal(theirs.sort());
        expect(readFileSync(trace).length).to.be.greaterThan(1000);
      });
  });
});
