/** Tests of the ELF loader: good images of both widths, and one clear sentence for everything else. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { loadElf, RIGVISOR_NOTE } from './elf.js';
import { buildElf, buildNote, type TestElf } from './elf-test-builder.js';

const RAM = 0x8000_0000;
const PT_NOTE = 4;
const CODE = { gpa: RAM, bytes: [0x13, 0, 0, 0, 0x6f, 0, 0, 0] };
const NOTE = { type: PT_NOTE, gpa: RAM + 0x1000, bytes: buildNote('rigvisor', 1, [1, 1]) };

function refusal(bytes: Uint8Array): VmmError {
  try {
    loadElf(bytes, 'guest.elf');
  } catch (error) {
    if (error instanceof VmmError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('loadElf', () => {
  for (const xlen of [32, 64] as const) {
    it(`reads a ${xlen}-bit executable`, () => {
      const data = { gpa: RAM + 0x100, bytes: [1, 2, 3], memoryBytes: 64 };
      const image = loadElf(buildElf({ xlen, entry: RAM + 4, segments: [data, CODE] }), 'guest.elf');
      expect({ ...image, segments: image.segments.map((s) => ({ ...s, bytes: [...s.bytes] })) }).to.deep.equal({
        name: 'guest.elf',
        format: 'elf',
        entry: RAM + 4,
        xlen,
        segments: [{ ...CODE, memoryBytes: 8 }, data],
        hypercalls: 'none',
        startPrivilege: 3,
      });
    });
  }

  it('places segments by physical address and moves the entry with its segment', () => {
    const data = { gpa: RAM + 8, virtualAddress: RAM + 0x800, bytes: [1, 2, 3, 4], memoryBytes: 0x1000 };
    const text = { ...CODE, virtualAddress: 0xc000_0000 };
    const image = loadElf(buildElf({ entry: 0xc000_0004, segments: [text, data] }));
    expect(image.entry).to.equal(RAM + 4);
    expect(image.segments.map((s) => [s.gpa, s.memoryBytes])).to.deep.equal([
      [RAM, 8],
      [RAM + 8, 4],
    ]);
  });

  it('accepts a position-independent executable', () => {
    expect(loadElf(buildElf({ type: 3, segments: [CODE] })).entry).to.equal(RAM);
  });

  it('leaves out segments that occupy no memory', () => {
    expect(loadElf(buildElf({ segments: [CODE, { gpa: 0, bytes: [] }] })).segments).to.have.length(1);
  });

  it('finds the note that asks for hypercalls, behind other notes too', () => {
    const other = buildNote('GNU', 3, [1, 2, 3, 4, 5]);
    const silent = { ...NOTE, bytes: buildNote('rigvisor', 1, [1, 0]) };
    const foreign = { ...NOTE, bytes: [...buildNote('rigvisoR', 1, [1, 1]), ...buildNote('rigvisor', 2, [1, 1])] };
    const asked = [NOTE, { ...NOTE, bytes: [...other, ...NOTE.bytes] }, silent, foreign].map(
      (note) => loadElf(buildElf({ segments: [CODE, note] })).hypercalls === 'machine',
    );
    expect(asked).to.deep.equal([true, true, false, false]);
    expect(RIGVISOR_NOTE.abiVersion).to.equal(1);
  });

  const REFUSED: [string, string, TestElf][] = [
    ['an image for x86', 'for x86, not for RISC-V', { machine: 3, segments: [CODE] }],
    ['an image for x86-64', 'for x86-64, not for RISC-V', { xlen: 64, machine: 62, segments: [CODE] }],
    ['an image for a machine without name', 'for machine 4711', { machine: 4711, segments: [CODE] }],
    ['an object file', 'not an executable', { type: 1, segments: [CODE] }],
    ['a program for an operating system', 'dynamic linker', { segments: [CODE, { type: 3, gpa: 0, bytes: [47, 0] }] }],
    ['an image without segments', 'no segment to load', { segments: [] }],
    ['overlapping segments', 'overlap', { segments: [CODE, { gpa: RAM + 7, bytes: [1] }] }],
    [
      'zeroes over another segment',
      'overlap',
      {
        segments: [
          { ...CODE, memoryBytes: 17 },
          { gpa: RAM + 16, bytes: [1] },
        ],
      },
    ],
    ['an entry outside every segment', 'lies outside', { entry: RAM + 8, segments: [CODE] }],
    ['an entry among the zeroes', 'lies outside', { entry: RAM + 8, segments: [{ ...CODE, memoryBytes: 64 }] }],
    ['an odd entry', 'is odd', { entry: RAM + 1, segments: [CODE] }],
    ['more bytes in the file than in memory', 'than in memory', { segments: [{ ...CODE, memoryBytes: 4 }] }],
    [
      'a segment beyond the address space',
      'address space',
      { xlen: 64, segments: [{ ...CODE, memoryBytes: 2 ** 60 }] },
    ],
    [
      'a segment at an address that is none',
      'address space',
      { xlen: 64, segments: [CODE, { gpa: 2 ** 63, virtualAddress: RAM, bytes: [1] }] },
    ],
    [
      'a note of another ABI version',
      'ABI version 2',
      { segments: [CODE, { ...NOTE, bytes: buildNote('rigvisor', 1, [2, 1]) }] },
    ],
    [
      'a note that is too short',
      'instead of 8',
      { segments: [CODE, { ...NOTE, bytes: buildNote('rigvisor', 1, [1]) }] },
    ],
    [
      'a note that leaves its segment',
      'reaches beyond',
      { segments: [CODE, { ...NOTE, bytes: NOTE.bytes.slice(0, 20) }] },
    ],
  ];
  for (const [what, sentence, elf] of REFUSED) {
    it(`refuses ${what}`, () => {
      const error = refusal(buildElf(elf));
      expect(error.code).to.equal('VMM_IMAGE');
      expect(error.message)
        .to.match(/^guest\.elf: /)
        .and.to.contain(sentence);
    });
  }

  it('refuses what is no ELF, is big-endian or of an unknown class', () => {
    const good = buildElf({ segments: [CODE] });
    const spoilt = (at: number, value: number): Uint8Array => good.map((byte, i) => (i === at ? value : byte));
    expect(refusal(new Uint8Array(0)).message).to.contain('not an ELF file');
    expect(refusal(spoilt(3, 0)).message).to.contain('not an ELF file');
    expect(refusal(spoilt(4, 3)).message).to.contain('ELF class 3');
    expect(refusal(spoilt(5, 2)).message).to.contain('big-endian');
    expect(refusal(spoilt(42, 8)).message).to.contain('program header of 8 bytes');
  });

  for (const xlen of [32, 64] as const) {
    it(`refuses a ${xlen}-bit image cut anywhere as truncated`, () => {
      const good = buildElf({ xlen, segments: [CODE, NOTE] });
      for (let length = 4; length < good.length; length++)
        expect(refusal(good.subarray(0, length)).message, `${length} bytes`).to.contain('truncated');
    });
  }

  it('answers 20,000 mutated images with an image or one VMM_IMAGE', () => {
    const random = createRandom('elf');
    const outcomes = { loaded: 0, refused: 0 };
    const seeds = ([32, 64] as const).map((xlen) =>
      buildElf({ xlen, segments: [CODE, { gpa: RAM + 64, bytes: [1, 2, 3], memoryBytes: 99 }, NOTE] }),
    );
    for (let i = 0; i < 20_000; i++) {
      const bytes = mutate(seeds[i & 1], random.below(8) + 1, random);
      try {
        const image = loadElf(bytes, 'mutant');
        for (const segment of image.segments) expect(segment.memoryBytes).to.be.at.least(segment.bytes.length);
        outcomes.loaded++;
      } catch (error) {
        if (!(error instanceof VmmError)) throw error;
        expect(error.code).to.equal('VMM_IMAGE');
        expect(error.message).to.match(/^mutant: /);
        outcomes.refused++;
      }
    }
    expect(outcomes.loaded).to.be.above(1000);
    expect(outcomes.refused).to.be.above(1000);
  });
});

function mutate(seed: Uint8Array, changes: number, random: ReturnType<typeof createRandom>): Uint8Array {
  const bytes = seed.slice();
  for (let i = 0; i < changes; i++) {
    // Behind the magic number and class, or hardly anything gets further.
    const at = 6 + random.below(bytes.length - 6);
    bytes[at] = [0, 0xff, 0x80, random.below(256), bytes[at] ^ (1 << random.below(8))][random.below(5)];
  }
  return random.below(10) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}
