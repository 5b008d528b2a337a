/** Tests of the report ring: records round the end, and records no guest should write. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { CheckedRam } from './device-test-kit.js';
import { REPORT_RECORD, REPORT_RING, ReportRing, reportRingBytes } from './report-ring.js';

const RAM = 0x8000_0000;
const BASE = RAM + 0x1000;
const DATA = 2048;

class Setup {
  readonly ram = new CheckedRam(RAM, 0x2000);
  readonly ring = new ReportRing({ ram: this.ram, base: BASE, dataBytes: DATA });
  readonly records: { channel: number; sequence: number; payload: number[] }[] = [];
  #sequence = 0;

  constructor() {
    this.ring.initialise();
  }

  field(offset: number): number {
    return this.ram.readU32(BASE + offset);
  }

  poke(offset: number, value: number): void {
    this.ram.pokeU32(BASE + offset, value);
  }

  /** Writes a record as the guest does; `claimed` is the payload length that it names. */
  report(channel: number, payload: readonly number[], claimed = payload.length): void {
    const bytes = new Uint8Array(Math.ceil((REPORT_RECORD.headerBytes + payload.length) / 8) * 8);
    const view = new DataView(bytes.buffer);
    view.setUint32(REPORT_RECORD.channel, channel, true);
    view.setUint32(REPORT_RECORD.sequence, this.#sequence++, true);
    view.setUint32(REPORT_RECORD.payloadLength, claimed, true);
    bytes.set(payload, REPORT_RECORD.headerBytes);
    const head = this.field(REPORT_RING.head);
    for (let i = 0; i < bytes.length; i++)
      this.ram.poke(BASE + this.field(REPORT_RING.dataOffset) + ((head + i) % DATA), bytes.subarray(i, i + 1));
    this.poke(REPORT_RING.head, (head + bytes.length) >>> 0);
  }

  poll(): number {
    return this.ring.poll((record, length) => {
      const view = new DataView(record.buffer, record.byteOffset, length);
      this.records.push({
        channel: view.getUint32(REPORT_RECORD.channel, true),
        sequence: view.getUint32(REPORT_RECORD.sequence, true),
        payload: [...record.subarray(REPORT_RECORD.headerBytes, length)],
      });
    });
  }
}

describe('ReportRing', () => {
  it('lays out its header as docs/guest-abi.md says', () => {
    const s = new Setup();
    expect([0, 4, 8, 12].map((offset) => s.field(offset))).to.deep.equal([0x5252_5652, 1, 0x200, DATA]);
    expect(String.fromCharCode(...s.ram.peek(BASE, 4))).to.equal('RVRR');
    expect(reportRingBytes(DATA)).to.equal(0x200 + DATA);
  });

  it('delivers records with their payload in order and frees their room', () => {
    const s = new Setup();
    expect(s.poll()).to.equal(0);
    s.report(0, [1, 2, 3]);
    s.report(255, []);
    expect(s.poll()).to.equal(2);
    expect(s.records).to.deep.equal([
      { channel: 0, sequence: 0, payload: [1, 2, 3] },
      { channel: 255, sequence: 1, payload: [] },
    ]);
    expect(s.field(REPORT_RING.tail)).to.equal(s.field(REPORT_RING.head)).and.to.equal(56);
  });

  it('puts together records that go round the end', () => {
    const s = new Setup();
    const payloads = Array.from({ length: 300 }, (_, i) =>
      Array.from({ length: (i * 37) % 1025 }, (_, j) => (i + j) & 0xff),
    );
    for (const payload of payloads) {
      s.report(1, payload);
      expect(s.poll()).to.equal(1);
    }
    expect(s.records.map((r) => r.payload)).to.deep.equal(payloads);
  });

  it('tells how many records the guest dropped', () => {
    const s = new Setup();
    s.poke(REPORT_RING.dropped, 7);
    expect(s.ring.dropped).to.equal(7);
  });

  const MALFORMED: [string, string, (s: Setup) => void][] = [
    ['a payload over 1,024 bytes', 'payload is 1025', (s) => s.report(0, [1], 1025)],
    ['a payload that reaches beyond head', 'beyond head', (s) => s.report(0, [1], 9)],
    ['a channel over 255', 'channel is 256', (s) => s.report(256, [])],
    ['a header that is cut', 'for its header', (s) => s.poke(REPORT_RING.head, s.field(REPORT_RING.head) + 8)],
  ];
  for (const [what, fault, spoil] of MALFORMED) {
    it(`delivers what stands before ${what}, and stops there for good`, () => {
      const s = new Setup();
      s.report(3, [1]);
      spoil(s);
      expect(s.poll()).to.equal(1);
      expect(s.ring.fault).to.contain(fault);
      expect(s.field(REPORT_RING.tail)).to.equal(32);
      s.report(3, [2]);
      expect(s.poll()).to.equal(0);
    });
  }

  for (const head of [DATA + 8, 4, 0xffff_fff8]) {
    it(`stops at the impossible head ${head}`, () => {
      const s = new Setup();
      s.poke(REPORT_RING.head, head);
      expect(s.poll()).to.equal(0);
      expect(s.ring.fault).to.contain(`head is ${head}`);
    });
  }

  it('rejects sizes and places that cannot be', () => {
    const { ram } = new Setup();
    for (const wrong of [{ dataBytes: 1024 }, { dataBytes: 3000 }, { base: BASE + 8 }, { base: RAM + 0x1800 }])
      expect(() => new ReportRing({ ram, base: BASE, dataBytes: DATA, ...wrong })).to.throw(VmmError, 'report ring');
  });

  it('never leaves RAM through 5,000 rings of rubbish', () => {
    const random = createRandom('report ring');
    let records = 0;
    let stopped = 0;
    for (let i = 0; i < 5000; i++) {
      const s = new Setup();
      for (let word = 0; word < DATA / 4; word++)
        if (random.below(4) === 0) s.poke(0x200 + 4 * word, random.below(random.below(2) === 0 ? 64 : 2 ** 32));
      s.poke(REPORT_RING.head, random.below(8) === 0 ? random.uint32() : 8 * random.below(DATA / 8));
      records += s.poll();
      if (s.ring.fault !== '') stopped++;
    }
    expect(records).to.be.above(1000);
    expect(stopped).to.be.within(1000, 4999);
  });
});
