import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { HalError } from '../../errors.js';
import { importHidRecorder } from './import-hid-recorder.js';
import { ListSink } from './list-sink.js';

const MOUSE = [
  '# made by hand in the words of hid-recorder(1)',
  'R: 8 05 01 09 02 a1 01 85 c0',
  'N: Test Mouse',
  'P: usb-0000:00:14.0-1/input0',
  'I: 3 046d c52b',
  'E: 000012.000000 4 01 02 03 04',
  '# a remark',
  'E: 000012.250000 2 ff 00',
  'E: 000012.100000 1 07',
  '',
].join('\n');

describe('hid-recorder import', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-hid-recorder-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function imported(text: string) {
    const path = join(folder, 'made.hid');
    writeFileSync(path, text, 'latin1');
    const sink = new ListSink();
    return { result: importHidRecorder(path, sink), sink };
  }

  it('makes interrupt transfers of reports, at their times behind the lead-in, none earlier than the one before', () => {
    const { result, sink } = imported(MOUSE);
    expect(sink.events).to.deep.equal([
      '0 Test Mouse: S1 81 64',
      '100 Test Mouse: C1 0 4 01020304',
      '100 Test Mouse: S2 81 64',
      '350 Test Mouse: C2 0 2 ff00',
      '350 Test Mouse: S3 81 64',
      '350 Test Mouse: C3 0 1 07',
      '350 Test Mouse: S4 81 64',
    ]);
    expect(result).to.deep.equal({
      devices: [{ name: 'Test Mouse', vendorId: 0x046d, productId: 0xc52b, bus: 3, reports: 3 }],
      reports: 3,
      durationNs: 250_000_000,
      unknownLines: 0,
      timesBack: 1,
    });
  });

  it('makes up a HID device around vendor, product, name and report descriptor', () => {
    const { sink } = imported(MOUSE);
    const { description, facts } = sink.interfaces[0];
    expect(Buffer.from(description?.device ?? []).toString('hex')).to.equal('12010002000000406d042bc5000100010001');
    const configuration = description?.configurations[0] ?? new Uint8Array(0);
    expect(configuration[2] | (configuration[3] << 8)).to.equal(configuration.length);
    expect(configuration.subarray(9, 18)).to.deep.equal(Uint8Array.of(9, 4, 0, 0, 2, 3, 0, 0, 0));
    expect(configuration.subarray(18, 27)).to.deep.equal(Uint8Array.of(9, 0x21, 0x11, 1, 0, 1, 0x22, 8, 0));
    expect(description?.reports.get(0)).to.deep.equal(Uint8Array.of(5, 1, 9, 2, 0xa1, 1, 0x85, 0xc0));
    expect(description?.strings.get(1)).to.equal('Test Mouse');
    expect(facts).to.include({ bus: 'usb' });
  });

  it('keeps devices apart that D: lines name, and counts lines it does not know', () => {
    const text = [
      'D: 0',
      'R: 1 05',
      'N: A',
      'D: 1',
      'R: 1 06',
      'N: B',
      'X: what',
      'E: 0.5 1 aa',
      'D: 0',
      'E: 0.75 1 bb',
    ];
    const { result, sink } = imported(text.join('\r\n'));
    expect(sink.events.filter((event) => event.includes('C1'))).to.deep.equal([
      '100 B 1: C1 0 1 aa',
      '350 A 0: C1 0 1 bb',
    ]);
    expect(result.devices.map(({ reports }) => reports)).to.deep.equal([1, 1]);
    expect(result.unknownLines).to.equal(1);
  });

  it('asks for reports as long as they come', () => {
    const { sink } = imported(`R: 1 05\nE: 0.0 100${' 01'.repeat(100)}`);
    expect(sink.events[0]).to.equal('0 hid: S1 81 100');
    expect(sink.events[1]).to.match(/C1 0 100 (01){100}$/);
  });

  const refused: readonly (readonly [text: string, sentence: RegExp])[] = [
    ['hello\n', /is no recording of a HID device/],
    ['', /is no recording of a HID device/],
    ['R: 3 05 01', /line 1: 2 bytes stand where 3 were announced/],
    ['R: 1 05\nE: 1.0 1 zz', /line 2: "zz" is no byte/],
    ['R: 1 05\nE: now 1 00', /line 2: a report has no time/],
    ['R: 99999 05', /line 1: 99999 is no length/],
    ['D: -4', /line 1: this is no device number/],
    ['I: usb 1 2', /line 1: bus, vendor and product are wanted/],
    [Array.from({ length: 70 }, (_, i) => `D: ${i}`).join('\n'), /line 65: there are more than 64 devices/],
  ];
  for (const [text, sentence] of refused)
    it(`refuses ${JSON.stringify(text.slice(0, 24))} in one sentence`, () => {
      expect(() => imported(text))
        .to.throw(HalError, sentence)
        .with.property('code', 'HAL_TRACE');
    });

  it('reads or refuses 800 mutations', () => {
    const random = createRandom('hostile hid-recorder');
    const counts = { read: 0, refused: 0 };
    for (let i = 0; i < 800; i++) {
      const bytes = Buffer.from(MOUSE, 'latin1');
      for (let n = 1 + random.below(4); n > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
      try {
        imported(bytes.toString('latin1'));
        counts.read++;
      } catch (error) {
        if (!(error instanceof HalError)) throw error;
        expect(error.message).to.not.match(/[\r\n]/);
        counts.refused++;
      }
    }
    expect(counts.read).to.be.greaterThan(100);
    expect(counts.refused).to.be.greaterThan(100);
  });
});
