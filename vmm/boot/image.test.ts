/** Tests of image formats and of placing an image in RAM; the committed guests are read too. */

import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { loadElf } from './elf.js';
import { readElfSymbols } from './elf-symbols.js';
import { buildElf } from './elf-test-builder.js';
import { parseImage, placeImage } from './image.js';

const RAM = 0x8000_0000;
const HELLO = new URL('../../../guests/hello/hello.elf', import.meta.url);

function ramOf(ramBytes: number) {
  const bytes = new Uint8Array(ramBytes);
  return {
    bytes,
    ramBase: RAM,
    ramBytes,
    write: (gpa: number, data: Uint8Array): void => bytes.set(data, gpa - RAM),
  };
}

describe('parseImage', () => {
  it('reads an ELF by its magic number and a raw image by its name, at the start of RAM', () => {
    expect(parseImage(buildElf({ segments: [{ gpa: RAM, bytes: [1, 2] }] }), 'a').format).to.equal('elf');
    const raw = parseImage(Uint8Array.of(0x6f, 0, 0, 0), 'a.bin');
    expect(raw).to.deep.include({ format: 'raw', entry: RAM, xlen: undefined, hypercalls: 'none', startPrivilege: 3 });
    expect(raw.segments.map((s) => [s.gpa, s.memoryBytes])).to.deep.equal([[RAM, 4]]);
    expect(parseImage(Uint8Array.of(1, 2), 'a.bin', 0x9000_0000).entry).to.equal(0x9000_0000);
  });

  for (const name of ['a.bin', 'dir.d/a.img', '/x/A.RAW', 'bench']) {
    it(`takes bytes without the magic number of ELF for a raw image when they are named ${name}`, () => {
      expect(parseImage(Uint8Array.of(0x6f, 0, 0, 0), name).format).to.equal('raw');
      expect(parseImage(buildElf({ segments: [{ gpa: RAM, bytes: [1, 2] }] }), name).format).to.equal('elf');
    });
  }

  for (const name of ['a.elf', './a.ELF', 'a.txt', 'a.bin.old', './firmware', '/x/bin', '.bin/firmware']) {
    it(`refuses bytes without the magic number of ELF when they are named ${name}`, () => {
      const broken = buildElf({ segments: [{ gpa: RAM, bytes: [1, 2] }] });
      broken[0] ^= 1;
      const isElfName = name.toLowerCase().endsWith('.elf');
      expect(() => parseImage(broken, name))
        .to.throw(VmmError, `${name}: the file is not an ELF file`)
        .that.includes({ code: 'VMM_IMAGE', where: name })
        .with.property('hint')
        .that.includes(isElfName ? 'again' : 'ends in .bin');
    });
  }

  it('says of a text that it is one', () => {
    const text = new TextEncoder().encode('This is no program.\n');
    for (const name of ['a.elf', 'a.txt'])
      expect(() => parseImage(text, name)).to.throw(VmmError, `${name}: the file is a text file and no guest image`);
  });

  for (const [what, text] of [
    ['the file is empty', ''],
    ['is compressed by gzip', '\x1f\x8b\x08\x00'],
    ['is a ZIP archive', 'PK\x03\x04'],
    ['is an Intel HEX file', ':10000000'],
    ['is a Motorola S-record file', 'S00F0000'],
    ['is an archive of object files', '!<arch>\n'],
    ['is a script', '#!/bin/sh\n'],
  ]) {
    it(`refuses a file that ${what.replace('the file ', '')}`, () => {
      const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
      expect(() => parseImage(bytes, 'odd.img'))
        .to.throw(VmmError, what)
        .with.property('code', 'VMM_IMAGE');
    });
  }
});

describe('placeImage', () => {
  it('writes every segment to its place', () => {
    const ram = ramOf(64);
    placeImage(
      parseImage(
        buildElf({
          segments: [
            { gpa: RAM + 32, bytes: [3, 4], memoryBytes: 32 },
            { gpa: RAM, bytes: [1, 2] },
          ],
        }),
        'a',
      ),
      ram,
    );
    expect([...ram.bytes.subarray(0, 3), ...ram.bytes.subarray(32, 35)]).to.deep.equal([1, 2, 0, 3, 4, 0]);
  });

  it('refuses a segment that is not in RAM as a whole, and writes nothing', () => {
    const good = { gpa: RAM, bytes: [1, 2] };
    for (const bad of [
      { gpa: RAM + 62, bytes: [1, 2, 3] },
      { gpa: RAM + 60, bytes: [1], memoryBytes: 5 },
      { gpa: 0x1000, bytes: [1] },
    ]) {
      const ram = ramOf(64);
      const image = parseImage(buildElf({ segments: [good, bad] }), 'wide.elf');
      expect(() => placeImage(image, ram))
        .to.throw(VmmError, 'wide.elf: the segment at')
        .with.property('code', 'VMM_IMAGE');
      expect(ram.bytes.every((byte) => byte === 0)).to.equal(true);
    }
  });
});

describe('readElfSymbols', () => {
  it('finds none in raw and stripped images', () => {
    expect(readElfSymbols(Uint8Array.of(1, 2, 3))).to.deep.equal([]);
    expect(readElfSymbols(buildElf({ segments: [{ gpa: RAM, bytes: [1, 2] }] }))).to.deep.equal([]);
  });

  it('finds main in a committed guest, which asks for hypercalls (skipped where guests are not checked out)', function () {
    if (!existsSync(HELLO)) {
      console.log('      guests/hello/hello.elf is missing');
      this.skip();
    }
    const bytes = readFileSync(HELLO);
    const image = loadElf(bytes, 'hello.elf');
    const main = readElfSymbols(bytes, 'hello.elf').find((symbol) => symbol.name === 'main');
    expect(image).to.deep.include({ entry: RAM, xlen: 32, hypercalls: 'machine', startPrivilege: 3 });
    expect(main?.kind).to.equal('function');
    expect(main?.address).to.be.within(RAM, RAM + image.segments[0].memoryBytes);
  });

  it('answers 5,000 mutations of a committed guest with symbols or one VMM_IMAGE (skipped where guests are not checked out)', function () {
    if (!existsSync(HELLO)) {
      console.log('      guests/hello/hello.elf is missing');
      this.skip();
    }
    const good = readFileSync(HELLO);
    const random = createRandom('symbols');
    const headersAt = new DataView(good.buffer, good.byteOffset).getUint32(32, true);
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < 5000; i++) {
      const bytes = Uint8Array.from(good);
      for (let change = 0; change < 4; change++) {
        const at = random.below(2) === 0 ? 32 + random.below(20) : headersAt + random.below(good.length - headersAt);
        bytes[at] = random.below(256);
      }
      try {
        readElfSymbols(bytes, 'mutant');
        outcomes.read++;
      } catch (error) {
        if (!(error instanceof VmmError)) throw error;
        expect(error.code).to.equal('VMM_IMAGE');
        outcomes.refused++;
      }
    }
    expect(Math.min(outcomes.read, outcomes.refused)).to.be.above(100);
  });
});
