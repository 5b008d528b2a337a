/** Tests of disk images: what reaches the file, what does not, and what is refused with a cure. */

import { chmodSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { RigError } from '../errors.js';
import { type FileStorageOptions, openFileStorage } from './file-storage.js';

const SECTOR = 512;

describe('openFileStorage', () => {
  let folder = '';
  let path = '';
  const content = Uint8Array.from({ length: 300 * SECTOR }, (_, i) => (i >> 9) ^ i);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-disk-'));
    path = join(folder, 'disk.raw');
    writeFileSync(path, content);
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function refusal(options: FileStorageOptions = {}, file = path): RigError {
    try {
      openFileStorage(file, options).close();
    } catch (error) {
      if (error instanceof RigError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  }

  it('by default lets the guest write, reads it back, and leaves the file as it is', () => {
    const storage = openFileStorage(path);
    const written = new Uint8Array(200 * SECTOR).fill(0xaa);
    expect([storage.sectors, storage.readOnly]).to.deep.equal([300, false]);
    expect(storage.write(10, written, 0, written.length)).to.equal(true);
    const read = new Uint8Array(300 * SECTOR);
    expect(storage.read(0, read, 0, read.length)).to.equal(true);
    const expected = content.slice();
    expected.set(written, 10 * SECTOR);
    expect(Buffer.compare(read, expected)).to.equal(0);
    expect(storage.flush()).to.equal(true);
    storage.close();
    expect(Buffer.compare(readFileSync(path), content)).to.equal(0);
  });

  it('writes to the file without snapshot', () => {
    const storage = openFileStorage(path, { snapshot: false });
    expect(storage.write(299, new Uint8Array(2 * SECTOR).fill(1), SECTOR, SECTOR)).to.equal(true);
    const read = new Uint8Array(SECTOR);
    expect(storage.read(299, read, 0, SECTOR) && storage.flush()).to.equal(true);
    expect(read[0]).to.equal(1);
    storage.close();
    const file = readFileSync(path);
    expect([file.length, file[299 * SECTOR - 1], file[299 * SECTOR]]).to.deep.equal([
      content.length,
      content[299 * SECTOR - 1],
      1,
    ]);
  });

  it('takes no writes when it is read-only, whatever is said of snapshots', () => {
    for (const snapshot of [true, false]) {
      const storage = openFileStorage(path, { readOnly: true, snapshot });
      expect(storage.readOnly).to.equal(true);
      expect(storage.write(0, new Uint8Array(SECTOR), 0, SECTOR)).to.equal(false);
      storage.close();
    }
  });

  it('fills the last sector up with zeroes', () => {
    truncateSync(path, SECTOR + 1);
    const storage = openFileStorage(path);
    const read = new Uint8Array(SECTOR).fill(9);
    expect(storage.sectors).to.equal(2);
    expect(storage.read(1, read, 0, SECTOR)).to.equal(true);
    expect([...read]).to.deep.equal([content[SECTOR], ...new Array(511).fill(0)]);
    storage.close();
  });

  it('answers false when the file became shorter, and after it was closed', () => {
    for (const snapshot of [true, false]) {
      writeFileSync(path, content);
      const storage = openFileStorage(path, { snapshot });
      const buffer = new Uint8Array(SECTOR);
      truncateSync(path, SECTOR);
      expect(storage.read(1, buffer, 0, SECTOR)).to.equal(false);
      expect(storage.read(0, buffer, 0, SECTOR)).to.equal(true);
      storage.close();
      storage.close();
      const calls = [storage.read(0, buffer, 0, SECTOR), storage.write(0, buffer, 0, SECTOR), storage.flush()];
      expect(calls).to.deep.equal([false, false, false]);
    }
  });

  for (const [what, bytes, problem, cure] of [
    ['an empty file', '', 'is empty', 'truncate'],
    ['a qcow2 image', 'QFI\xfb\0\0\0\x03', 'qcow2', 'qemu-img convert'],
    ['a compressed image', '\x1f\x8b\x08\0', 'gzip', 'gunzip'],
  ]) {
    it(`refuses ${what} with a cure`, () => {
      writeFileSync(
        path,
        Uint8Array.from(bytes, (c) => c.charCodeAt(0)),
      );
      const error = refusal();
      expect(error.code).to.equal('RIG_USAGE');
      expect(error.message).to.contain(problem).and.to.contain(path);
      expect(error.hint).to.contain(cure);
    });
  }

  it('refuses a missing file, a folder, and to write to a file that ends within a sector', () => {
    expect(refusal({}, join(folder, 'none.raw')).message).to.contain('does not exist');
    for (const snapshot of [true, false]) expect(refusal({ snapshot }, folder).message).to.contain('is not a file');
    truncateSync(path, 1000);
    expect(refusal({ snapshot: false }).hint).to.contain('truncate -s %512');
  });

  it('refuses to write to a file that may not be written to (skipped for root, who may)', function () {
    if (process.getuid?.() === 0) {
      console.log('      this test runs as root, for whom permissions mean nothing');
      this.skip();
    }
    chmodSync(path, 0o444);
    expect(refusal({ snapshot: false }).message).to.contain('may not be written to');
    openFileStorage(path).close();
  });
});
