import { expect } from 'chai';
import { HalError } from '../errors.js';
import { PcapngReader } from './pcapng-reader.js';
import { PcapngWriter } from './pcapng-writer.js';
import { MemorySink } from './trace-sink.js';
import { memorySource } from './trace-source.js';

interface Seen {
  readonly timeNs: number;
  readonly interfaceIndex: number;
  readonly data: number[];
  readonly id: number;
  readonly flags: number;
  readonly comment: string | undefined;
}

function packetsOf(reader: PcapngReader): Seen[] {
  const seen: Seen[] = [];
  while (reader.next()) {
    if (reader.kind !== 'packet') continue;
    const { packet } = reader;
    seen.push({
      timeNs: packet.timeNs,
      interfaceIndex: packet.interfaceIndex,
      data: Array.from(packet.bytes.subarray(packet.offset, packet.offset + packet.length)),
      id: packet.packetId,
      flags: packet.flags,
      comment: packet.comment,
    });
  }
  return seen;
}

function read(bytes: Uint8Array): PcapngReader {
  return new PcapngReader(memorySource(bytes));
}

/** A trace of `count` packets on two interfaces, and the offset of each packet's end. */
function sample(count: number): { bytes: Uint8Array; ends: number[]; firstPacketAt: number } {
  const sink = new MemorySink();
  const writer = new PcapngWriter(sink, { flushEachBlock: true });
  writer.addInterface({ linkType: 250, name: 'a', speed: 9600, custom: ['line=9600 8N1'] });
  writer.addInterface({ linkType: 252, name: 'b' });
  const firstPacketAt = sink.bytes().length;
  const ends: number[] = [];
  for (let i = 0; i < count; i++) {
    writer.beginPacket(i & 1, i * 5_000_000_000);
    for (let k = 0; k <= i; k++) writer.byte(k);
    writer.endPayload();
    writer.flags(1 + (i & 1));
    writer.packetId(i + 1);
    if (i === 2) writer.comment('two');
    writer.endPacket();
    ends.push(sink.bytes().length);
  }
  return { bytes: sink.bytes(), ends, firstPacketAt };
}

/** Builds blocks of either byte order by hand. */
function block(type: number, body: readonly number[], littleEndian: boolean): number[] {
  const number32 = (value: number): number[] => {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, value, littleEndian);
    return Array.from(new Uint8Array(view.buffer));
  };
  return [...number32(type), ...number32(body.length + 12), ...body, ...number32(body.length + 12)];
}

const SECTION_BE = block(0x0a0d0d0a, [0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, ...new Array(8).fill(0xff)], false);
const SECTION_LE = block(0x0a0d0d0a, [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, ...new Array(8).fill(0xff)], true);

describe('pcapng writer and reader', () => {
  it('gives back what was written: times, data, flags, ids, comments, interfaces', () => {
    const { bytes } = sample(6);
    const reader = read(bytes);
    const seen = packetsOf(reader);
    expect(seen.map((packet) => packet.timeNs)).to.deep.equal([0, 5e9, 10e9, 15e9, 20e9, 25e9]);
    expect(seen.map((packet) => packet.id)).to.deep.equal([1, 2, 3, 4, 5, 6]);
    expect(seen.map((packet) => packet.flags)).to.deep.equal([1, 2, 1, 2, 1, 2]);
    expect(seen[2].comment).to.equal('two');
    expect(seen[5].data).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(reader.interfaces.map((described) => described.name)).to.deep.equal(['a', 'b']);
    expect(reader.interfaces[0].speed).to.equal(9600);
    expect(reader.interfaces[0].custom.get('line')).to.equal('9600 8N1');
    expect(reader.truncatedAt).to.equal(undefined);
    expect(reader.damageCount).to.equal(0);
  });

  it('keeps 64-bit times exact, beyond 2^32 and up to 2^53 ns', () => {
    const sink = new MemorySink();
    const writer = new PcapngWriter(sink, { flushEachBlock: false });
    writer.addInterface({ linkType: 250, name: 'a' });
    const times = [0, 4_294_967_295, 4_294_967_296, 1_234_567_890_123_457, 2 ** 53 - 1];
    for (const time of times) {
      writer.beginPacket(0, time);
      writer.endPayload();
      writer.endPacket();
    }
    writer.flush();
    expect(packetsOf(read(sink.bytes())).map((packet) => packet.timeNs)).to.deep.equal(times);
  });

  it('hands whole blocks to the sink: each at once, or in batches of 64 KiB', () => {
    const sizes: number[] = [];
    const whole: boolean[] = [];
    const sink = {
      write: (bytes: Uint8Array, offset: number, length: number): void => {
        sizes.push(length);
        const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
        let at = 0;
        while (at + 12 <= length) at += view.getUint32(at + 4, true);
        whole.push(at === length);
      },
      close: (): void => {},
    };
    const writer = new PcapngWriter(sink, { flushEachBlock: false });
    writer.addInterface({ linkType: 250, name: 'a' });
    const payload = new Uint8Array(999);
    for (let i = 0; i < 200; i++) {
      writer.beginPacket(0, i);
      writer.bytes(payload, 0, 1 + ((i * 37) % 999));
      writer.endPayload();
      writer.endPacket();
    }
    expect(sizes).to.have.lengthOf(1);
    expect(sizes[0]).to.be.at.least(65_536);
    writer.flush();
    expect(whole).to.deep.equal([true, true]);
    expect(sizes[0] + sizes[1]).to.equal(writer.bytesWritten);
  });

  it('refuses a packet beyond 256 KiB with HAL_INVALID and stays usable', () => {
    const sink = new MemorySink();
    const writer = new PcapngWriter(sink, { flushEachBlock: true });
    writer.addInterface({ linkType: 252, name: 'a' });
    writer.beginPacket(0, 0);
    writer.bytes(new Uint8Array(300_000), 0, 300_000);
    expect(() => writer.endPayload())
      .to.throw(HalError)
      .with.property('code', 'HAL_INVALID');
    writer.beginPacket(0, 1);
    writer.bytes(new Uint8Array(200_000), 0, 200_000);
    writer.endPayload();
    writer.endPacket();
    expect(packetsOf(read(sink.bytes())).map((packet) => packet.data.length)).to.deep.equal([200_000]);
  });

  it('delivers every whole block of a trace cut off at any byte, and says where the cut is', () => {
    const { bytes, ends, firstPacketAt } = sample(6);
    for (let length = firstPacketAt; length <= bytes.length; length++) {
      const reader = read(bytes.subarray(0, length));
      const whole = ends.filter((end) => end <= length);
      expect(packetsOf(reader), `cut at ${length}`).to.have.lengthOf(whole.length);
      const lastEnd = whole.at(-1) ?? firstPacketAt;
      expect(reader.truncatedAt, `cut at ${length}`).to.equal(length === lastEnd ? undefined : lastEnd);
      expect(reader.damageCount).to.equal(0);
    }
  });

  it('goes on behind damage in the middle, and reports it', () => {
    const { bytes, ends } = sample(8);
    const damaged = bytes.slice();
    damaged.fill(0xee, ends[2], ends[2] + 10);
    const reader = read(damaged);
    expect(packetsOf(reader).map((packet) => packet.id)).to.deep.equal([1, 2, 3, 5, 6, 7, 8]);
    expect(reader.damage).to.have.lengthOf(1);
    expect(reader.damage[0]).to.include({ offset: ends[2], length: ends[3] - ends[2] });
    expect(reader.truncatedAt).to.equal(undefined);
  });

  it('goes on behind a piece that is missing, at any alignment', () => {
    const { bytes, ends } = sample(8);
    for (let missing = 1; missing <= 9; missing++) {
      const cut = Uint8Array.from([...bytes.subarray(0, ends[2] + 20), ...bytes.subarray(ends[2] + 20 + missing)]);
      const reader = read(cut);
      expect(packetsOf(reader).map((packet) => packet.id)).to.deep.equal([1, 2, 3, 5, 6, 7, 8]);
      expect(reader.damageCount).to.equal(1);
    }
  });

  it('reads big-endian sections, tick resolutions, unknown blocks and options, one section after the other', () => {
    const interfaceBody = [0, 250, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 3, 0, 0, 0, 0x7f, 0xff, 0, 2, 1, 2, 0, 0, 0, 0, 0, 0];
    const packetBody = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x03, 0xe9, 0, 0, 0, 1, 0, 0, 0, 1, 0x55, 0, 0, 0];
    const bytes = Uint8Array.from([
      ...SECTION_BE,
      ...block(1, interfaceBody, false),
      ...block(0x7777_7777, [1, 2, 3, 4], false),
      ...block(6, packetBody, false),
      ...sample(3).bytes,
      ...SECTION_LE,
    ]);
    const reader = read(bytes);
    const seen = packetsOf(reader);
    expect(reader.damageCount).to.equal(0);
    expect(seen.map((packet) => packet.interfaceIndex)).to.deep.equal([0, 1, 2, 1]);
    expect(seen[0].data).to.deep.equal([0x55]);
    // 1,001 ticks of 1 ms; a foreign trace counts from the second of its first packet.
    expect(reader.timeBaseSeconds).to.equal(1);
    expect(seen[0].timeNs).to.equal(1_000_000);
  });

  it('keeps nanoseconds of Unix times exact', () => {
    const ticks = 1_700_000_000_123_456_789n;
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, Number(ticks >> 32n), true);
    view.setUint32(4, Number(ticks & 0xffff_ffffn), true);
    const bytes = Uint8Array.from([
      ...SECTION_LE,
      ...block(1, [220, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0], true),
      ...block(6, [0, 0, 0, 0, ...new Uint8Array(view.buffer), 0, 0, 0, 0, 0, 0, 0, 0], true),
    ]);
    const reader = read(bytes);
    expect(packetsOf(reader)[0].timeNs).to.equal(123_456_789);
    expect(reader.timeBaseSeconds).to.equal(1_700_000_000);
  });

  it('says what a foreign file looks like, in one sentence with what to do', () => {
    const text = (value: string): Uint8Array => new TextEncoder().encode(value);
    const cases: readonly (readonly [Uint8Array, RegExp])[] = [
      [new Uint8Array(0), /empty file/],
      [Uint8Array.of(0x1f, 0x8b, 8, 0), /gzip/],
      [Uint8Array.of(0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0), /classic pcap/],
      [text('# Name: receiver\n$GPGGA,1*00\n'), /text log/],
      [text('hello, this is prose\n'), /text file/],
      [new Uint8Array(100), /zeros/],
      [Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0), /ZIP/],
      [Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4), /first block is damaged/],
      [Uint8Array.of(9, 200, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13), /unknown kind/],
    ];
    for (const [bytes, pattern] of cases) {
      try {
        read(bytes);
        expect.fail(`accepted ${pattern}`);
      } catch (error) {
        if (!(error instanceof HalError)) throw error;
        expect(error.code).to.equal('HAL_TRACE');
        expect(error.message).to.match(pattern);
        expect(error.hint).to.match(/\.$/);
      }
    }
  });

  it('refuses a block that claims more bytes than any trace has, without asking for the memory', () => {
    const { bytes, ends } = sample(4);
    const lying = bytes.slice();
    new DataView(lying.buffer).setUint32(ends[1] + 4, 0xffff_fff0, true);
    const reader = read(lying);
    expect(packetsOf(reader).map((packet) => packet.id)).to.deep.equal([1, 2, 4]);
    expect(reader.damage[0].reason).to.match(/4294967280/);
  });

  it('reads the same through a window of any size', () => {
    const { bytes } = sample(40);
    const expected = packetsOf(read(bytes));
    for (const window of [64, 100, 128, 1000]) {
      expect(packetsOf(new PcapngReader(memorySource(bytes), window))).to.deep.equal(expected);
    }
  });
});
