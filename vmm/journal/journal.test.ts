/** Tests of the journal's binary format: what goes in comes out, and nothing else gets through. */

import { expect } from 'chai';
import { createRandom, type Random } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { CALL_WORDS } from '../hypercall/hypercall-table.js';
import { CHUNK_BYTES, CHUNK_HEADER_BYTES } from './journal-format.js';
import { JournalReader } from './journal-reader.js';
import { JournalWriter } from './journal-writer.js';

interface Written {
  readonly chunks: Uint8Array[];
  readonly entries: string[];
}

const START = {
  xlen: 32,
  ramBase: 0x8000_0000,
  ramBytes: 0x100_0000,
  entryPc: 0x8000_0000,
  deviceTreeGpa: 0x80ff_c000,
  hypercalls: 'machine',
  consoleGpa: 0x1000_0000,
  reportRingGpa: 0x80fe_0000,
  privilege: 3,
  firmwareInfoGpa: 0,
  image: '00112233445566778899aabbccddeeff',
} as const;
const END = { outputDigest: 'ff'.repeat(8), ramDigest: '01'.repeat(32), stateDigest: '9a'.repeat(32) } as const;

/** The entry a reader stands at, as text. */
function show(reader: JournalReader): string {
  const { kind, instret, gpa, size, value, valueHigh, length } = reader;
  switch (kind) {
    case 'start':
      return `start ${JSON.stringify(reader.start)}`;
    case 'end':
      return `end ${JSON.stringify(reader.end)}`;
    case 'mmio-read':
    case 'mmio-write':
      return `${kind} ${instret} ${gpa} ${size} ${value} ${valueHigh}`;
    case 'mmio-read-open':
    case 'load-fault':
      return `${kind} ${instret} ${gpa} ${size}`;
    case 'store-fault':
    case 'lockup':
      return `${kind} ${instret}`;
    case 'dma-read':
      return `${kind} ${instret} ${gpa} ${length} ${value}`;
    case 'dma-write':
      return `${kind} ${instret} ${gpa} ${reader.bytes.slice(reader.offset, reader.offset + length).join()}`;
    case 'hypercall':
      return `${kind} ${instret} ${reader.registers.join()}`;
    case 'hypercall-result':
      return `${kind} ${instret} ${reader.error} ${reader.hasValue ? value : '-'}`;
    default:
      return `${kind} ${instret} ${value}`;
  }
}

function readAll(chunks: Iterable<Uint8Array>): string[] {
  const reader = new JournalReader(chunks);
  const entries: string[] = [];
  while (reader.next()) entries.push(show(reader));
  return entries;
}

function collect(write: (writer: JournalWriter) => void): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const writer = new JournalWriter({ chunk: (bytes) => chunks.push(bytes.slice()) });
  write(writer);
  writer.flush();
  return chunks;
}

/** Writes one random entry and says what a reader should find. */
function writeRandom(writer: JournalWriter, random: Random, instret: number): string {
  const gpa = [0x1000_0005, 0x0400_0000, 0xffff_ffff, 0x0200_bff8][random.below(4)] + random.below(40);
  const size = [1, 2, 4, 8][random.below(4)];
  const value = random.uint32() >>> random.below(32);
  const high = size === 8 ? random.uint32() : 0;
  const bytes = Uint8Array.from({ length: 1 + random.below(300) }, () => random.uint32());
  const registers = Uint32Array.from({ length: CALL_WORDS }, () => random.uint32());
  switch (random.below(11)) {
    case 0:
      writer.mmioRead(instret, gpa, size, value, high);
      return `mmio-read ${instret} ${gpa} ${size} ${value} ${high}`;
    case 1:
      writer.mmioWrite(instret, gpa, size, value, high);
      return `mmio-write ${instret} ${gpa} ${size} ${value} ${high}`;
    case 2:
      writer.interrupts(instret, 0x8000_0000, 0);
      return `interrupt-set ${instret} 31`;
    case 3:
      writer.interrupts(instret, 0, 1 << 11);
      return `interrupt-clear ${instret} 11`;
    case 4:
      writer.time(instret, value * 1_000);
      return `time ${instret} ${value * 1_000}`;
    case 5:
      writer.dmaRead(instret, gpa, bytes.length, value);
      return `dma-read ${instret} ${gpa} ${bytes.length} ${value}`;
    case 6:
      writer.dmaWrite(instret, gpa, bytes, 0, bytes.length);
      return `dma-write ${instret} ${gpa} ${bytes.join()}`;
    case 7:
      writer.hypercall(instret, registers);
      return `hypercall ${instret} ${registers.join()}`;
    case 8: {
      const wide = (value | 0) * 0x1_0000 - 1;
      const result = random.below(4) === 0 ? undefined : wide;
      writer.hypercallResult(instret, -2, result);
      return `hypercall-result ${instret} -2 ${result ?? '-'}`;
    }
    case 9:
      writer.loadFault(instret, gpa, size);
      return `load-fault ${instret} ${gpa} ${size}`;
    default:
      writer.storeFault(instret);
      return `store-fault ${instret}`;
  }
}

function randomJournal(seed: string, count: number): Written {
  const random = createRandom(seed);
  const entries: string[] = [];
  const chunks = collect((writer) => {
    writer.start(START);
    entries.push(`start ${JSON.stringify(START)}`);
    let instret = 0;
    for (let i = 0; i < count; i++) {
      instret += random.below(10) === 0 ? random.uint32() * 64 : random.below(300);
      entries.push(writeRandom(writer, random, instret));
    }
    writer.end({ ...END, instret });
    entries.push(`end ${JSON.stringify({ instret, ...END })}`);
  });
  return { chunks, entries };
}

describe('journal format', () => {
  it('gives back every entry of every kind, over many chunks', () => {
    const { chunks, entries } = randomJournal('round trip', 10_000);
    expect(chunks.length).to.be.above(5);
    for (const chunk of chunks) expect(chunk.length).to.be.at.most(CHUNK_BYTES);
    expect(readAll(chunks)).to.deep.equal(entries);
  });

  it('keeps how a 64-bit guest in S mode started, with addresses beyond 4 GiB', () => {
    const start = {
      ...START,
      xlen: 64,
      hypercalls: 'supervisor',
      privilege: 1,
      entryPc: 2 ** 52 + 2,
      firmwareInfoGpa: 0x1_8000_1000,
    } as const;
    const reader = new JournalReader(
      collect((writer) => {
        writer.start(start);
        writer.mmioWrite(5, 2 ** 52 + 8, 8, 1, 0xffff_ffff);
      }),
    );
    expect(reader.next()).to.equal(true);
    expect(reader.start).to.deep.equal(start);
    expect(reader.next()).to.equal(true);
    expect(reader).to.include({ kind: 'mmio-write', gpa: 2 ** 52 + 8, size: 8, value: 1, valueHigh: 0xffff_ffff });
  });

  it('splits a DMA write that is longer than an entry', () => {
    const bytes = Uint8Array.from({ length: 50_000 }, (_, i) => i * 7);
    const reader = new JournalReader(collect((writer) => writer.dmaWrite(9, 0x8000_0100, bytes, 0, bytes.length)));
    const found = new Uint8Array(bytes.length);
    while (reader.next()) {
      expect(reader.instret).to.equal(9);
      found.set(reader.bytes.subarray(reader.offset, reader.offset + reader.length), reader.gpa - 0x8000_0100);
    }
    expect(found).to.deep.equal(bytes);
  });

  it('spends three bytes on a repeated MMIO read', () => {
    const [chunk] = collect((writer) => {
      for (let i = 0; i < 1_000; i++) writer.mmioRead(3 * i, 0x1000_0005, 1, 0x60, 0);
    });
    expect(chunk.length).to.be.at.most(CHUNK_HEADER_BYTES + 3 * 1_000 + 8);
  });

  it('tells the sink the first and the last instruction and how many entries there are', () => {
    const calls: number[][] = [];
    const writer = new JournalWriter({ chunk: (_bytes, first, last, entries) => calls.push([first, last, entries]) });
    writer.time(100, 5);
    writer.time(2 ** 40, 6);
    writer.flush();
    writer.flush();
    expect(calls).to.deep.equal([[100, 2 ** 40, 2]]);
  });

  it('refuses a missing chunk, a foreign version and a cut-off chunk in one sentence', () => {
    const { chunks } = randomJournal('damage', 4_000);
    const version = chunks[0].slice();
    version[2] = 9;
    const cases: [Uint8Array[], RegExp][] = [
      [[chunks[0], chunks[2]], /number 2 where number 1 belongs/],
      [[version], /format version is 9/],
      [[chunks[0].subarray(0, 200)], /ends in the middle/],
      [[chunks[0].subarray(0, 7)], /does not begin with the header/],
      [[new TextEncoder().encode('not a journal, but long enough for one')], /does not begin with the header/],
    ];
    for (const [bad, message] of cases) {
      expect(() => readAll(bad))
        .to.throw(VmmError, message)
        .with.property('code', 'VMM_JOURNAL');
    }
  });

  it('answers damaged bytes with entries or with VMM_JOURNAL, and nothing else', () => {
    const random = createRandom('fuzz');
    const { chunks } = randomJournal('fuzz', 600);
    let refused = 0;
    for (let round = 0; round < 400; round++) {
      const damaged = chunks.map((chunk) => chunk.slice());
      const victim = damaged[random.below(damaged.length)];
      for (let i = 0; i <= random.below(4); i++) victim[random.below(victim.length)] = random.uint32();
      try {
        readAll(damaged);
      } catch (error) {
        expect(error).to.be.instanceOf(VmmError).with.property('code', 'VMM_JOURNAL');
        refused++;
      }
    }
    expect(refused).to.be.above(100);
  });
});
