/** Guest memory: its limits, its layout, and that nothing outside RAM is reachable. */

import { expect } from 'chai';
import { VmmError } from '../errors.js';
import { GuestMemory } from './guest-memory.js';
import { RAM_OFFSET } from './state-layout.js';

const BASE = 0x8000_0000;
const BYTES = 0x2_0000;

describe('GuestMemory', () => {
  it('puts RAM behind the state area of one shared memory', () => {
    const memory = new GuestMemory(BYTES);
    expect(memory.memory.buffer).to.be.instanceOf(SharedArrayBuffer);
    expect(memory.codeAreaOffset).to.equal(RAM_OFFSET + BYTES);
    expect(memory.memory.buffer.byteLength).to.be.at.least(memory.codeStateOffset + BYTES / 4096);
    memory.writeU32(BASE, 0x1234_5678);
    expect(new DataView(memory.memory.buffer).getUint32(RAM_OFFSET, true)).to.equal(0x1234_5678);
    expect([memory.u8[0], memory.u16[0], memory.u32[0]]).to.deep.equal([0x78, 0x5678, 0x1234_5678]);
    memory.writeU32(BASE + BYTES - 4, 0x8765_43f1);
    expect([memory.i8[BYTES - 4], memory.i16[BYTES / 2 - 1], memory.i32[BYTES / 4 - 1]]).to.deep.equal([
      -15, -30875, -2023406607,
    ]);
  });

  it('reads and writes bytes, halfwords and words at any alignment, little-endian', () => {
    const memory = new GuestMemory(BYTES);
    memory.writeU32(BASE + 1, 0xfedc_ba98);
    memory.writeU16(BASE + 6, 0x1_1234);
    memory.writeU8(BASE + 9, 0x1ff);
    expect([...memory.read(BASE, 10)]).to.deep.equal([0, 0x98, 0xba, 0xdc, 0xfe, 0, 0x34, 0x12, 0, 0xff]);
    expect([memory.readU32(BASE + 1), memory.readU16(BASE + 3), memory.readU8(BASE + 4)]).to.deep.equal([
      0xfedc_ba98, 0xfedc, 0xfe,
    ]);
  });

  it('hands out copies', () => {
    const memory = new GuestMemory(BYTES);
    memory.write(BASE + 100, Uint8Array.of(1, 2, 3));
    const copy = memory.read(BASE + 100, 3);
    expect(copy.buffer).to.be.instanceOf(ArrayBuffer);
    copy[0] = 99;
    expect(memory.readU8(BASE + 100)).to.equal(1);
  });

  it('contains exactly its RAM', () => {
    const memory = new GuestMemory(BYTES);
    for (const [gpa, length, expected] of [
      [BASE, BYTES, true],
      [BASE, 0, true],
      [BASE + BYTES, 0, true],
      [BASE - 1, 1, false],
      [BASE + BYTES, 1, false],
      [BASE, BYTES + 1, false],
      [BASE + BYTES - 2, 4, false],
      [BASE, -1, false],
      [0, 4, false],
      [Number.NaN, 4, false],
      [BASE, Number.POSITIVE_INFINITY, false],
      [BASE + 4, Number.NaN, false],
    ] as const) {
      expect(memory.contains(gpa, length), `${gpa}, ${length}`).to.equal(expected);
    }
  });

  it('throws instead of reaching outside RAM', () => {
    const memory = new GuestMemory(BYTES);
    const end = BASE + BYTES;
    for (const act of [
      () => memory.read(end - 1, 2),
      () => memory.write(BASE - 1, new Uint8Array(2)),
      () => memory.readU8(end),
      () => memory.readU16(end - 1),
      () => memory.readU32(end - 3),
      () => memory.writeU8(BASE - 1, 0),
      () => memory.writeU16(BASE - 2, 0),
      () => memory.writeU32(0, 0),
    ]) {
      expect(act).to.throw(VmmError, 'outside guest RAM').with.property('code', 'VMM_ENGINE');
    }
  });

  it('refuses impossible sizes and places', () => {
    for (const [bytes, base] of [
      [0, BASE],
      [-65536, BASE],
      [1000, BASE],
      [Number.NaN, BASE],
      [0x1_0000_0000, 0],
      [BYTES, 0x8000_0001],
      [BYTES, -4096],
      [0x2000_0000, 0xf000_0000],
    ]) {
      expect(() => new GuestMemory(bytes, base), `${bytes} at ${base}`)
        .to.throw(VmmError)
        .with.property('code', 'VMM_CONFIG');
    }
  });

  it('opens a memory that another thread made, if it has the right size', () => {
    const mine = new GuestMemory(BYTES);
    const theirs = new GuestMemory(BYTES, BASE, mine.memory);
    mine.writeU32(BASE + 8, 42);
    expect(theirs.readU32(BASE + 8)).to.equal(42);
    expect(() => new GuestMemory(2 * BYTES, BASE, mine.memory))
      .to.throw(VmmError)
      .with.property('code', 'VMM_CONFIG');
  });
});
