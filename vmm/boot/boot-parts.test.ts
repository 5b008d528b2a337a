/** Tests of images made of firmware, kernel and initial RAM disk. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { type BootParts, composeImage, KERNEL_GPA } from './boot-parts.js';
import { buildElf, type TestElf } from './elf-test-builder.js';
import { parseImage } from './image.js';
import { isLinuxImage } from './linux-image.js';

const RAM = 0x8000_0000;
const MIB = 1024 * 1024;
const RAM_BYTES = 64 * MIB;

interface Header {
  readonly textOffset?: bigint;
  readonly imageSize?: bigint;
  readonly flags?: number;
}

/** An `Image` of 128 bytes. */
function linux({ textOffset = 0x20_0000n, imageSize = 0x10_0000n, flags = 0 }: Header = {}): Uint8Array {
  const bytes = new Uint8Array(128).fill(0x13);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0x08, textOffset, true);
  view.setBigUint64(0x10, imageSize, true);
  view.setBigUint64(0x18, BigInt(flags), true);
  view.setUint32(0x38, 0x0543_5352, true);
  return bytes;
}

const part = (name: string, bytes: Uint8Array): { name: string; bytes: Uint8Array } => ({ name, bytes });
const elf = (test: Partial<TestElf>): Uint8Array => buildElf({ xlen: 64, segments: [], ...test });
const BIOS = part('fw.elf', elf({ entry: RAM, segments: [{ gpa: RAM, bytes: [1, 2, 3, 4], memoryBytes: 0x8_0000 }] }));
const compose = (parts: Partial<BootParts>) => composeImage({ ramBytes: RAM_BYTES, ...parts });

describe('composeImage', () => {
  it('starts a Linux kernel in S mode with our SBI, occupying what its header says', () => {
    const kernel = part('vmlinux', linux());
    const image = compose({ kernel });
    expect(image).to.deep.include({ entry: KERNEL_GPA, xlen: 64, startPrivilege: 1, hypercalls: 'supervisor' });
    expect(image.segments).to.deep.equal([{ gpa: KERNEL_GPA, bytes: kernel.bytes, memoryBytes: 0x10_0000 }]);
    expect(image.nextPc).to.equal(undefined);
  });

  it('starts firmware in M mode and tells it where the kernel is', () => {
    const image = compose({ bios: BIOS, kernel: part('vmlinux', linux()) });
    expect(image).to.deep.include({ entry: RAM, xlen: 64, startPrivilege: 3, hypercalls: 'none', nextPc: KERNEL_GPA });
    expect(image.segments.map(({ gpa }) => gpa)).to.deep.equal([RAM, KERNEL_GPA]);
  });

  it('puts raw firmware at the start of RAM and a raw kernel behind it', () => {
    const image = compose({
      bios: part('fw_jump.bin', Uint8Array.of(1)),
      kernel: part('u-boot.bin', Uint8Array.of(2)),
    });
    expect(image.segments.map(({ gpa }) => gpa)).to.deep.equal([RAM, KERNEL_GPA]);
    expect(image.xlen).to.equal(undefined);
  });

  it('takes an ELF kernel where it is linked', () => {
    const kernel = part('u-boot', elf({ entry: RAM + 16 * MIB, segments: [{ gpa: RAM + 16 * MIB, bytes: [1, 2] }] }));
    expect(compose({ bios: BIOS, kernel })).to.deep.include({ nextPc: RAM + 16 * MIB });
  });

  it('starts firmware alone', () => {
    const image = compose({ bios: BIOS });
    expect(image).to.deep.include({ name: 'fw.elf', startPrivilege: 3 });
    expect(image.nextPc).to.equal(undefined);
  });

  it('puts the initial RAM disk page-aligned at the end, below the last MiB', () => {
    const image = compose({ kernel: part('vmlinux', linux()), initrd: part('initrd', new Uint8Array(5000)) });
    const gpa = RAM + RAM_BYTES - MIB - 0x2000;
    expect(image.initrd).to.deep.equal({ gpa, length: 5000 });
    expect(image.segments.at(-1)).to.deep.include({ gpa, memoryBytes: 5000 });
  });

  const kernel = part('vmlinux', linux());
  const REFUSED: readonly (readonly [string, RegExp, Partial<BootParts>])[] = [
    ['nothing', /neither firmware nor a kernel/, {}],
    ['a RAM disk without a kernel', /needs a kernel/, { bios: BIOS, initrd: part('i', Uint8Array.of(1)) }],
    ['an empty RAM disk', /^i: the file is empty$/, { kernel, initrd: part('i', new Uint8Array(0)) }],
    ['an empty kernel', /^k.bin: the file is empty$/, { kernel: part('k.bin', new Uint8Array(0)) }],
    [
      'a RAM disk larger than RAM',
      /^i: the initial RAM disk of 67108864 bytes does not fit/,
      { kernel, initrd: part('i', new Uint8Array(RAM_BYTES)) },
    ],
    [
      'a RAM disk that reaches into the kernel',
      /^vmlinux reaches into i, which lies at 0x80200000$/,
      { kernel, ramBytes: 4 * MIB, initrd: part('i', new Uint8Array(MIB)) },
    ],
    [
      'firmware that reaches into the kernel',
      /^fw.bin reaches into vmlinux/,
      { kernel, bios: part('fw.bin', new Uint8Array(2 * MIB + 1)) },
    ],
    ['a big-endian kernel', /big-endian/, { kernel: part('vmlinux', linux({ flags: 1 })) }],
    ['a place beyond 2^53', /cannot be/, { kernel: part('vmlinux', linux({ textOffset: 1n << 60n })) }],
    ['a size beyond 2^53', /cannot be/, { kernel: part('vmlinux', linux({ imageSize: (1n << 64n) - 1n })) }],
    ['an odd place', /cannot be/, { kernel: part('vmlinux', linux({ textOffset: 3n })) }],
    [
      'parts of two widths',
      /fw.elf has 64 bits, and vmlinux has 32/,
      { bios: BIOS, kernel: part('vmlinux', linux({ textOffset: 0x40_0000n })) },
    ],
    ['a compressed kernel', /compressed by gzip/, { kernel: part('Image.gz', Uint8Array.of(0x1f, 0x8b, 8, 0)) }],
    ['a kernel that is a text', /text file/, { kernel: part('boot/vmlinux', new TextEncoder().encode('hello')) }],
  ];
  for (const [what, message, parts] of REFUSED) {
    it(`refuses ${what} in one sentence`, () => {
      expect(() => compose(parts)).to.throw(VmmError, message);
    });
  }

  it('answers any bytes with an image or one sentence', () => {
    const random = createRandom('boot parts');
    for (let round = 0; round < 2000; round++) {
      const bytes = (random.below(2) === 0 ? linux() : BIOS.bytes).slice();
      for (let i = 0; i <= random.below(6); i++) bytes[random.below(Math.min(bytes.length, 256))] = random.uint32();
      try {
        compose({ bios: random.below(2) === 0 ? BIOS : part('fw.bin', bytes), kernel: part('kernel.bin', bytes) });
      } catch (error) {
        expect(error).to.be.instanceOf(VmmError);
      }
    }
  });
});

describe('parseImage', () => {
  it('sends a Linux kernel to where it belongs', () => {
    expect(isLinuxImage(linux())).to.equal(true);
    expect(isLinuxImage(linux().subarray(0, 0x3f))).to.equal(false);
    expect(() => parseImage(linux(), 'vmlinux')).to.throw(VmmError, /Linux kernel/);
  });
});
