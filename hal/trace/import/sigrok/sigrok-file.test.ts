import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom } from '../../../../base/index.js';
import { HalError } from '../../../errors.js';
import { decodeSigrok } from './decode-sigrok.js';
import { SigrokFile } from './sigrok-file.js';
import { type FixtureEntry, metadataText, sessionOf, Waveform, zipOf } from './sigrok-fixture.js';
import { parseSampleRate, parseSigrokMetadata } from './sigrok-metadata.js';

const SILENT = { found: () => {}, character: () => {}, submitted: () => {}, completed: () => {}, reset: () => {} };

async function caught(action: () => Promise<unknown>): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('sigrok sessions', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-sigrok-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const write = (bytes: Uint8Array): string => {
    const path = join(folder, 'made.sr');
    writeFileSync(path, bytes);
    return path;
  };
  const session = (change: readonly FixtureEntry[], metadata = metadataText('1 MHz', ['A'])): Uint8Array =>
    zipOf([
      { name: 'version', bytes: Buffer.from('2') },
      { name: 'metadata', bytes: Buffer.from(metadata) },
      ...change,
    ]);
  const LOGIC: FixtureEntry = { name: 'logic-1-1', bytes: new Uint8Array(1000) };

  it('come back sample by sample over chunks that cut samples', async () => {
    const samples = Uint8Array.from({ length: 900_000 }, (_, i) => (i * 7) ^ (i >> 8));
    for (const unitSize of [1, 2, 3, 8]) {
      const usable = samples.subarray(0, Math.floor(samples.length / unitSize) * unitSize);
      const file = await SigrokFile.open(
        write(sessionOf(usable, '50 MHz', ['A', 'B'], { unitSize, chunkBytes: 99_991 })),
      );
      const pieces: Buffer[] = [];
      let count = 0;
      for await (const block of file.blocks()) {
        expect(block.bytes.length).to.equal(block.count * unitSize);
        pieces.push(Buffer.from(block.bytes));
        count += block.count;
      }
      expect(count).to.equal(file.samples);
      expect(Buffer.concat(pieces).equals(usable), String(unitSize)).to.equal(true);
      file.close();
    }
  });

  it('tell rates, probes and times', async () => {
    const file = await SigrokFile.open(write(sessionOf(new Uint8Array(4), '12.5 MHz', ['DP', 'DM'], { unitSize: 2 })));
    expect(file.metadata).to.deep.include({ sampleRate: 12.5e6, unitSize: 2 });
    expect(file.timeNs(3)).to.equal(240);
    expect(file.probe('dm')).to.deep.equal({ name: 'DM', bit: 1 });
    expect(file.probe('probe1').name).to.equal('DP');
    expect(() => file.probe('RX'))
      .to.throw(HalError, 'has no probe "RX"')
      .with.property('hint', 'It has DP, DM.');
    file.close();
    expect([parseSampleRate('200 kHz'), parseSampleRate('24000000'), parseSampleRate('1GHz')]).to.deep.equal([
      200_000, 24_000_000, 1e9,
    ]);
    expect(parseSampleRate('fast')).to.be.NaN;
  });

  const refused: readonly (readonly [what: string, bytes: () => Uint8Array, sentence: RegExp])[] = [
    ['no archive', () => Buffer.from('hello, this is no archive at all'), /is not a whole sigrok session/],
    ['an empty file', () => new Uint8Array(0), /is not a whole sigrok session/],
    ['a cut archive', () => session([LOGIC]).subarray(0, 300), /is not a whole sigrok session/],
    ['no metadata', () => zipOf([LOGIC]), /it has no metadata/],
    ['no samples', () => session([]), /it has no samples/],
    ['a missing chunk', () => session([LOGIC, { ...LOGIC, name: 'logic-1-3' }]), /its chunk logic-1-2 is missing/],
    ['a missing first chunk', () => session([{ ...LOGIC, name: 'logic-1-2' }]), /its chunk logic-1-1 is missing/],
    ['a chunk twice', () => session([LOGIC, LOGIC]), /two entries "logic-1-1"/],
    ['an unknown packing', () => session([{ ...LOGIC, method: 12 }]), /packed by method 12/],
    ['an absurd sample rate', () => session([LOGIC], metadataText('1000000 GHz', ['A'])), /no usable sample rate/],
    ['a sample rate of zero', () => session([LOGIC], metadataText('0 Hz', ['A'])), /no usable sample rate/],
    ['absurd samples', () => session([LOGIC], metadataText('1 MHz', ['A'], 4000)), /samples of 4000 bytes/],
    [
      'a probe outside',
      () => session([LOGIC], metadataText('1 MHz', [...'ABCDEFGHIJ'])),
      /a probe 9 outside its samples/,
    ],
    ['analogue data alone', () => session([LOGIC], '[global]\n[device 1]\nsamplerate=1 MHz\n'), /holds no logic data/],
    [
      'metadata without end',
      () => zipOf([{ name: 'metadata', bytes: new Uint8Array(1 << 20) }, LOGIC]),
      /its metadata claims 1048576 bytes/,
    ],
  ];
  for (const [what, bytes, sentence] of refused)
    it(`with ${what} are refused in one sentence`, async () => {
      const path = write(bytes());
      const error = await caught(() => SigrokFile.open(path));
      expect(error).to.be.instanceOf(HalError).with.property('code', 'HAL_TRACE');
      expect((error as HalError).message)
        .to.match(sentence)
        .and.to.not.contain('\n');
    });

  it('whose sizes lie fail while they are read, and not before what they hold has been told', async () => {
    for (const claimedSize of [10, 100_000]) {
      const file = await SigrokFile.open(write(session([{ ...LOGIC, claimedSize }])));
      const error = await caught(async () => {
        for await (const block of file.blocks()) expect(block.count).to.be.greaterThan(0);
      });
      expect(error).to.be.instanceOf(HalError).with.property('code', 'HAL_TRACE');
      file.close();
    }
  });

  it('that unpack to a thousand times their size cost constant memory', async function () {
    this.timeout(20_000);
    const bomb = Array.from({ length: 4 }, (_, i) => ({ name: `logic-1-${i + 1}`, bytes: new Uint8Array(32 << 20) }));
    const file = await SigrokFile.open(write(session(bomb)));
    let total = 0;
    let most = 0;
    const before = process.memoryUsage().arrayBuffers;
    for await (const block of file.blocks()) {
      total += block.count;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(total).to.equal(128 << 20);
    expect(most).to.be.lessThan(64 << 20);
    file.close();
  });

  it('report a missing file, a folder and a probe named twice by name', async () => {
    expect(await caught(() => SigrokFile.open(join(folder, 'none.sr')))).to.have.property('code', 'HAL_NOT_FOUND');
    expect(await caught(() => SigrokFile.open(folder))).to.have.property('code', 'HAL_INVALID');
    const file = await SigrokFile.open(write(session([LOGIC])));
    const twice = await caught(() => decodeSigrok(file, { uart: { rx: 'A', tx: 'A' } }, SILENT));
    expect(twice).to.have.property('message').that.contains('is named twice');
    const nothing = await caught(() => decodeSigrok(file, {}, SILENT));
    expect(nothing).to.have.property('hint', 'Name the lines among its probes (A).');
    const slow = await caught(() => decodeSigrok(file, { uart: { rx: 'A', baudRate: 921_600 } }, SILENT));
    expect(slow).to.have.property('message').that.contains('too few for 921600 baud');
    file.close();
  });

  it('mutated 600 times are decoded or refused with a HalError, in bounded time', async function () {
    this.timeout(60_000);
    const waveform = new Waveform();
    let time = 1e-4;
    const line = { baudRate: 19_200, dataBits: 8, parity: 'none', stopBits: 1 } as const;
    for (let i = 0; i < 40; i++) time = waveform.character(time, 2, line, i * 6);
    const original = sessionOf(waveform.sample(1e6, 0.03, 0b101), '1 MHz', ['DP', 'DM', 'RX'], { chunkBytes: 9000 });
    const random = createRandom('hostile sessions');
    const counts = { refused: 0, decoded: 0 };
    for (let i = 0; i < 600; i++) {
      const bytes = original.slice();
      for (let n = 1 + random.below(6); n > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
      const path = write(i % 5 === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes);
      try {
        const file = await SigrokFile.open(path);
        try {
          await decodeSigrok(
            file,
            { uart: { rx: 'RX' }, usb: i % 3 === 0 ? { dp: 'DP', dm: 'DM' } : undefined },
            SILENT,
          );
          counts.decoded++;
        } finally {
          file.close();
        }
      } catch (error) {
        if (!(error instanceof HalError)) throw error;
        expect(error.message).to.not.contain('\n');
        counts.refused++;
      }
    }
    expect(counts.refused).to.be.greaterThan(100);
    expect(counts.decoded).to.be.greaterThan(10);
  });

  it('read the metadata of old and new versions', () => {
    const old =
      '[device 1]\r\ncapturefile=logic-1\r\ntotal probes=16\r\nsamplerate=1 MHz\r\nprobe1=0\r\nunitsize=2\r\n';
    expect(parseSigrokMetadata(old, 'x').probes).to.deep.equal([{ name: '0', bit: 0 }]);
    const two = `${metadataText('2 MHz', ['A'])}\n[device 2]\ncapturefile=other\nsamplerate=5 MHz\n`;
    expect(parseSigrokMetadata(two, 'x')).to.deep.include({ sampleRate: 2e6, captureFile: 'logic-1' });
  });
});
