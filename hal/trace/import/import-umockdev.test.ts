import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { HalError } from '../../errors.js';
import { importUmockdev, type UmockdevFiles } from './import-umockdev.js';
import { ListSink } from './list-sink.js';
import { fileLines } from './text-lines.js';
import { UmockdevParser, usbDescriptionOf, usbDeviceOf } from './umockdev-description.js';

const TRACES = process.env.RIGVISOR_TRACES ?? join(process.cwd(), '..', 'shared', 'traces');

const CONFIGURATION = '09022900010100803209040000020300000009211101000122040007058103400001' + '07050103400001';
const TREE = [
  'P: /devices/pci0000:00/usb1/1-2/1-2:1.0/0003:1234:5678.0001/hidraw/hidraw3',
  'N: hidraw3',
  'E: DEVNAME=/dev/hidraw3',
  '',
  'P: /devices/pci0000:00/usb1/1-2/1-2:1.0/0003:1234:5678.0001',
  'H: report_descriptor=0600FFC0',
  '',
  'P: /devices/pci0000:00/usb1/1-2',
  'N: bus/usb/001/004',
  `H: descriptors=120100020000004034127856000101020001${CONFIGURATION}`,
  'A: manufacturer=Some\\nbody',
  'A: product=A\\\\B',
  'A: speed=12\\n',
  '',
  'P: /devices/pci0000:00/usb1',
  'H: descriptors=12010002090001406B1D0200120503020101',
  'A: speed=480',
  '',
].join('\n');

describe('umockdev import', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-umockdev-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function write(name: string, text: string | Buffer): string {
    const path = join(folder, name);
    writeFileSync(path, text, 'latin1');
    return path;
  }

  function imported(files: UmockdevFiles) {
    const sink = new ListSink();
    return { result: importUmockdev(files, sink), sink };
  }

  it('takes descriptors, strings, speed and report descriptors from the tree', () => {
    const { result, sink } = imported({ description: write('tree', TREE) });
    expect(result.descriptors).to.equal('recorded');
    const { description, name } = sink.interfaces[0];
    expect(name).to.equal('A\\B');
    expect(description?.speed).to.equal('full');
    expect(description?.device).to.have.length(18);
    expect(description?.configurations.map((bytes) => Buffer.from(bytes).toString('hex'))).to.deep.equal([
      CONFIGURATION,
    ]);
    expect([...(description?.strings ?? [])]).to.deep.equal([
      [1, 'Some\nbody'],
      [2, 'A\\B'],
    ]);
    expect(description?.reports.get(0)).to.deep.equal(Uint8Array.of(6, 0, 0xff, 0xc0));
    expect(sink.events).to.deep.equal([]);
  });

  const SCRIPT = 'd 0 /dev/hidraw3\nw 5 ^@^AAB\nr 2 ^`^J\x80\xff\n# remark\nf 10 -\nr 10 x\nQ 0\nr 1 never\n';

  it('makes transfers of a hidraw script, in time, with escapes undone and without the report id that is none', () => {
    const { result, sink } = imported({ description: write('tree', TREE), scripts: [write('script', SCRIPT)] });
    expect(sink.events).to.deep.equal([
      '0 A\\B: S1 81 64',
      '105 A\\B: S2 1 3 014142',
      '105 A\\B: C2 0 3',
      '107 A\\B: C1 0 4 5e0a80ff',
      '107 A\\B: S3 81 64',
      '117 A\\B: C3 0 1 78',
      '117 A\\B: S4 81 64',
    ]);
    expect(result).to.include({ reads: 2, writes: 1, durationNs: 17_000_000 });
  });

  it('makes a device up without a tree, with the report descriptor of the ioctls; numbered reports keep their id', () => {
    const ioctl = write(
      'ioctl',
      '@DEV /dev/hidraw3\nHIDIOCGRDESCSIZE 0 04000000\nHIDIOCGRDESC 0 040000008501C0C0FFFF\n',
    );
    const { result, sink } = imported({ scripts: [write('script', SCRIPT)], ioctls: [ioctl] });
    expect(result.descriptors).to.equal('made up');
    expect(result.device?.reports.get(0)).to.deep.equal(Uint8Array.of(0x85, 1, 0xc0, 0xc0));
    expect(sink.events).to.include('105 usb: S2 1 4 00014142');
    expect(sink.events.filter((event) => event.includes('ioctl:'))).to.deep.equal([
      '100 ioctl: HIDIOCGRDESCSIZE 0 04000000',
      '101 ioctl: HIDIOCGRDESC 0 040000008501c0c0ffff',
    ]);
  });

  it('makes transfers of reaped URBs, control transfers with their setup, and says which are not whole', () => {
    const text = [
      'USBDEVFS_REAPURBNDELAY 0 3 2 0 0 3 3 0 0A0B0C',
      ' USBDEVFS_REAPURB 0 3 129 -32 0 512 2 0 0102',
      '  USBDEVFS_REAPURB 0 2 0 0 0 26 18 0 8006000100001200AABB',
      'USBDEVFS_CONNECTINFO 0 11 0',
      '',
    ].join('\n');
    const { result, sink } = imported({ description: write('tree', TREE), ioctls: [write('urbs', text)] });
    expect(sink.events).to.deep.equal([
      '100 A\\B: S1 2 3 0a0b0c',
      '100.5 A\\B: C1 0 3',
      '101 A\\B: S2 81 512',
      '101.5 A\\B: C2 -32 2 0102',
      '102 A\\B: S3 control 8006000100001200 18',
      '102.5 A\\B: C3 0 2 aabb',
      '103 ioctl: USBDEVFS_CONNECTINFO 0 11 0',
    ]);
    expect(result).to.include({ urbs: 3, cutUrbs: 1, ioctls: 1 });
  });

  it('makes control transfers of feature reports', () => {
    const text = '@DEV /dev/hidraw3\nHIDIOCSFEATURE(3) 3 000102\nHIDIOCGFEATURE(0) 2 0007\n';
    const { sink } = imported({ description: write('tree', TREE), ioctls: [write('feature', text)] });
    expect(sink.events).to.deep.equal([
      '100 A\\B: S1 control 2109000300000200 2 0102',
      '100 A\\B: C1 0 2',
      '101 A\\B: S2 control a101000300000100 1',
      '101 A\\B: C2 0 1 07',
    ]);
  });

  it('makes a serial port of a terminal, and channels of other nodes, side by side in order of time', () => {
    const tty = write('tty', 'd 0 /dev/ttyUSB0\nw 0 AT^M\nr 30 OK\n');
    const other = write('other', 'd 0 /dev/input/event5\nr 20 ^A\nr 20 ^B\n');
    const { sink } = imported({ scripts: [tty, other] });
    expect(sink.events).to.deep.equal([
      '100 /dev/ttyUSB0: t 41540d',
      '120 /dev/input/event5 read: 01',
      '130 /dev/ttyUSB0: r 4f',
      '130 /dev/ttyUSB0: r 4b',
      '140 /dev/input/event5 read: 02',
    ]);
  });

  const refused: readonly (readonly [files: (name: string) => UmockdevFiles, text: string, sentence: RegExp])[] = [
    [(path) => ({ description: path }), 'hello\n', /line 1: this is no line of a device description/],
    [(path) => ({ description: path }), 'A: x=1\n', /line 1: a device begins with P:/],
    [(path) => ({ description: path }), 'P: /x\nH: y=1\n', /line 2: y is not hexadecimal/],
    [(path) => ({ scripts: [path] }), 'r x 1\n', /line 1: this is no operation of a script/],
    [(path) => ({ scripts: [path] }), 'z 1 1\n', /line 1: there is no operation z/],
    [(path) => ({ scripts: [path] }), 'r 1 ^', /line 1: a \^ is not followed/],
    [(path) => ({ ioctls: [path] }), 'what\n', /line 1: this is no node of an ioctl tree/],
    [(path) => ({ ioctls: [path] }), 'USBDEVFS_REAPURB 0 a 1 1 1 1 1 1\n', /line 1: its numbers are none/],
    [(path) => ({ ioctls: [path] }), 'HIDIOCGRDESC 0 ABC\n', /line 1: its data is not hexadecimal/],
  ];
  for (const [files, text, sentence] of refused)
    it(`refuses ${JSON.stringify(text.slice(0, 24))} in one sentence`, () => {
      expect(() => imported(files(write('bad', text))))
        .to.throw(HalError, sentence)
        .with.property('code', 'HAL_TRACE');
    });

  it('reads or refuses 1,200 mutations of all three kinds', () => {
    const random = createRandom('hostile umockdev');
    const urbs = 'USBDEVFS_REAPURB 0 2 0 0 0 26 18 0 8006000100001200AABB\n USBDEVFS_REAPURB 0 3 2 0 0 3 3 0 0A0B0C\n';
    const kinds = [
      [TREE, (path: string): UmockdevFiles => ({ description: path })],
      [SCRIPT, (path: string): UmockdevFiles => ({ scripts: [path] })],
      [urbs, (path: string): UmockdevFiles => ({ ioctls: [path] })],
    ] as const;
    const counts = { read: 0, refused: 0 };
    for (let i = 0; i < 1200; i++) {
      const [text, files] = kinds[i % 3];
      const bytes = Buffer.from(text, 'latin1');
      for (let n = 1 + random.below(4); n > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
      try {
        imported(files(write('mutated', bytes)));
        counts.read++;
      } catch (error) {
        if (!(error instanceof HalError)) throw error;
        expect(error.message).to.not.match(/[\r\n]/);
        counts.refused++;
      }
    }
    expect(counts.read).to.be.greaterThan(150);
    expect(counts.refused).to.be.greaterThan(150);
  });

  describe(`recordings of others${existsSync(TRACES) ? '' : ` (pending: there are none at ${TRACES}; set RIGVISOR_TRACES)`}`, () => {
    const hid = (name: string): string => join(TRACES, 'hid', name);
    before(function () {
      if (!existsSync(TRACES)) this.skip();
    });

    it('of a FIDO2 key become transfers of the described device', () => {
      const { result, sink } = imported({
        description: hid('fido2.umockdev'),
        scripts: [hid('fido2.script')],
        ioctls: [hid('fido2.ioctl')],
      });
      expect(result).to.include({ descriptors: 'recorded', ioctls: 2, urbs: 0 });
      expect(result.reads + result.writes).to.equal(18);
      const { description } = sink.interfaces[0];
      expect(Buffer.from(description?.device ?? []).toString('hex')).to.equal('120100020000004050102001120501020001');
      expect(description?.reports.get(0)).to.have.length(34);
      const transfers = sink.events.filter((event) => event.startsWith('1') && event.includes('Security Key'));
      expect(transfers[0]).to.match(/S2 4 64 ffffffff860008[0-9a-f]{114}$/);
      // What came or went within a millisecond stands in one line of the script: 15 reads and 3 writes of CTAPHID packets.
      const inputs = sink.events.filter((event) => / C\d+ 0 64 [\da-f]{128}$/.test(event));
      const outputs = sink.events.filter((event) => / S\d+ 4 64 [\da-f]{128}$/.test(event));
      expect([result.reads, inputs.length, result.writes, outputs.length]).to.deep.equal([15, 19, 3, 5]);
      expect(sink.events.filter((event) => / S\d+ 84 64$/.test(event))).to.have.length(20);
    });

    it('of a keyboard keep its input events as data and its ioctls as text', () => {
      const { result, sink } = imported({
        description: hid('usbkbd.umockdev'),
        scripts: [hid('usbkbd.evtest.script.64')],
        ioctls: [hid('usbkbd.evtest.ioctl')],
      });
      expect(result).to.include({ descriptors: 'recorded', reads: 5, writes: 0, ioctls: 9, durationNs: 1_400_000_000 });
      const read = sink.events.filter((event) => event.includes(' read: ')).map((event) => event.split(' read: ')[1]);
      // Three input events of 24 bytes each.
      expect(read.map((data) => data.length)).to.deep.equal(new Array(5).fill(2 * 72));
      expect(imported({ scripts: [hid('usbkbd.evtest.script.32')] }).result.reads).to.be.greaterThan(0);
      expect(imported({ description: hid('usbkbd.pcap.umockdev') }).result.device?.speed).to.equal('low');
    });

    it('of every captured USB device have the descriptors that sysfs had', () => {
      for (const name of ['aes2501', 'goodixmoc', 'synaptics', 'upektc_img-tcs1s', 'uru4000-4500']) {
        const path = join(TRACES, 'usb', name, 'device.umockdev');
        const parser = new UmockdevParser(path);
        for (const line of fileLines(path)) parser.take(line);
        const device = usbDeviceOf(parser.devices);
        expect(device, name).to.not.equal(undefined);
        if (device === undefined) continue;
        const { device: bytes, configurations } = usbDescriptionOf(device, parser.devices);
        expect(bytes[17], name).to.equal(configurations.length);
        for (const configuration of configurations)
          expect(configuration.length, name).to.equal(configuration[2] | (configuration[3] << 8));
      }
    });
  });
});
