/** Tests of the storage in memory: its size, and that its base stays as it was. */

import { expect } from 'chai';
import { MemoryStorage, SECTOR_BYTES } from './block-storage.js';

describe('MemoryStorage', () => {
  it('rounds its size up to whole sectors, or to those asked for, and reads zeroes behind its base', () => {
    const base = new Uint8Array(SECTOR_BYTES + 1).fill(7);
    expect(new MemoryStorage(base).sectors).to.equal(2);
    const storage = new MemoryStorage(base, { sectors: 4 });
    const target = new Uint8Array(3 * SECTOR_BYTES).fill(9);
    expect(storage.sectors).to.equal(4);
    expect(storage.read(1, target, 0, target.length)).to.equal(true);
    expect([target[0], target[1], target[target.length - 1]]).to.deep.equal([7, 0, 0]);
  });

  it('reads back what was written and leaves its base untouched', () => {
    const base = new Uint8Array(8 * SECTOR_BYTES);
    const storage = new MemoryStorage(base);
    expect(storage.write(3, new Uint8Array(2 * SECTOR_BYTES).fill(5), SECTOR_BYTES, SECTOR_BYTES)).to.equal(true);
    const target = new Uint8Array(8 * SECTOR_BYTES);
    storage.read(0, target, 0, target.length);
    expect([...target].filter((byte) => byte === 5)).to.have.length(SECTOR_BYTES);
    expect([target[3 * SECTOR_BYTES - 1], target[3 * SECTOR_BYTES]]).to.deep.equal([0, 5]);
    expect(base.every((byte) => byte === 0)).to.equal(true);
    expect(storage.flush()).to.equal(true);
  });

  it('is writable unless it is said not to be', () => {
    expect(new MemoryStorage(new Uint8Array(512)).readOnly).to.equal(false);
    expect(new MemoryStorage(new Uint8Array(512), { readOnly: true }).readOnly).to.equal(true);
  });
});
