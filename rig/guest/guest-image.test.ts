/** Tests of the files that make up a guest's image. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { loadImage } from './guest-image.js';
import type { GuestRequest } from './guest-request.js';

const MIB = 1024 * 1024;
const NOTHING: GuestRequest = { engine: 'interpreter', time: 'virtual', drives: [], rng: false, seed: '1' };

describe('loadImage', () => {
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => folder.remove());

  const file = (name: string, bytes: Uint8Array): string => {
    const path = join(folder.path, name);
    writeFileSync(path, bytes);
    return path;
  };
  const kernel = (): Uint8Array => {
    const bytes = new Uint8Array(64);
    const view = new DataView(bytes.buffer);
    view.setUint32(0x08, 0x20_0000, true);
    view.setUint32(0x10, 0x1000, true);
    view.setUint32(0x38, 0x0543_5352, true);
    return bytes;
  };
  const load = (request: Partial<GuestRequest>) => loadImage({ ...NOTHING, ...request });

  it('finds a shipped guest by name, with 16 MiB', () => {
    const { image, ramBytes } = load({ image: 'hello' });
    expect(image).to.include({ xlen: 32, startPrivilege: 3, hypercalls: 'machine' });
    expect(ramBytes).to.equal(16 * MIB);
  });

  it('makes one image of firmware, kernel and RAM disk, with 128 MiB', () => {
    const { image, ramBytes } = load({
      bios: file('fw.bin', Uint8Array.of(1, 2, 3, 4)),
      kernel: file('vmlinux', kernel()),
      initrd: file('initrd', new Uint8Array(100)),
    });
    expect(image).to.include({ startPrivilege: 3, nextPc: 0x8020_0000 });
    expect(image.segments).to.have.length(3);
    expect(ramBytes).to.equal(128 * MIB);
  });

  it('unpacks a kernel that is compressed by gzip', () => {
    const { image } = load({ kernel: file('vmlinuz', gzipSync(kernel())) });
    expect(image).to.include({ startPrivilege: 1, hypercalls: 'supervisor' });
  });

  it('refuses what cannot be, each in one sentence with a cure', () => {
    const bomb = gzipSync(new Uint8Array(8 * MIB));
    const cases: readonly (readonly [Partial<GuestRequest>, string, RegExp])[] = [
      [{}, 'RIG_USAGE', /nothing to run/],
      [{ image: 'hello', kernel: 'x' }, 'RIG_USAGE', /together with/],
      [{ image: 'nosuch' }, 'RIG_GUEST', /no guest named/],
      [{ kernel: join(folder.path, 'none') }, 'RIG_GUEST', /the kernel .* does not exist/],
      [{ kernel: folder.path }, 'RIG_GUEST', /is not a file/],
      [{ bios: file('empty.bin', new Uint8Array(0)) }, 'VMM_IMAGE', /empty/],
      [{ kernel: file('cut.gz', gzipSync(kernel()).subarray(0, 20)) }, 'RIG_GUEST', /cannot be unpacked/],
      [{ kernel: file('bomb.gz', bomb), ramBytes: MIB }, 'RIG_GUEST', /unpacks to more than the RAM/],
      [{ bios: file('fw', new Uint8Array(9)) }, 'VMM_IMAGE', /not an ELF file/],
      [{ image: file('vmlinux.bin', kernel()) }, 'VMM_IMAGE', /Linux kernel/],
    ];
    for (const [request, code, message] of cases) {
      expect(() => load(request), JSON.stringify(request))
        .to.throw(message)
        .with.property('code', code);
    }
  });
});
