/** Variable-length integers against the specification's examples and a decoder of their own. */

import { expect } from 'chai';
import { ByteWriter } from './byte-writer.js';

function written(write: (writer: ByteWriter) => void): number[] {
  const writer = new ByteWriter(1);
  write(writer);
  return [...writer.view()];
}

/** Core specification 2.0, section 5.2.2, read literally. */
function decode(bytes: readonly number[], isSigned: boolean): bigint {
  let value = 0n;
  bytes.forEach((byte, i) => {
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
  });
  return isSigned ? BigInt.asIntN(7 * bytes.length, value) : value;
}

const EDGES = [6, 7, 13, 14, 20, 21, 27, 28, 31, 32, 34, 35, 41, 42, 48, 49, 52];

describe('ByteWriter', () => {
  it('writes unsigned integers', () => {
    expect(written((w) => w.unsigned(0))).to.deep.equal([0x00]);
    expect(written((w) => w.unsigned(127))).to.deep.equal([0x7f]);
    expect(written((w) => w.unsigned(128))).to.deep.equal([0x80, 0x01]);
    expect(written((w) => w.unsigned(624485))).to.deep.equal([0xe5, 0x8e, 0x26]);
    expect(written((w) => w.unsigned(0xffff_ffff))).to.deep.equal([0xff, 0xff, 0xff, 0xff, 0x0f]);
    for (const bits of EDGES.filter((bits) => bits < 32)) {
      for (const value of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
        expect(
          decode(
            written((w) => w.unsigned(value)),
            false,
          ),
        ).to.equal(BigInt(value));
      }
    }
  });

  it('writes signed integers whose top bit of seven is their sign', () => {
    expect(written((w) => w.signed(63))).to.deep.equal([0x3f]);
    expect(written((w) => w.signed(64))).to.deep.equal([0xc0, 0x00]);
    expect(written((w) => w.signed(-1))).to.deep.equal([0x7f]);
    expect(written((w) => w.signed(-64))).to.deep.equal([0x40]);
    expect(written((w) => w.signed(-65))).to.deep.equal([0xbf, 0x7f]);
    expect(written((w) => w.signed(-123456))).to.deep.equal([0xc0, 0xbb, 0x78]);
    expect(written((w) => w.signed(-0x8000_0000))).to.deep.equal([0x80, 0x80, 0x80, 0x80, 0x78]);
  });

  it('writes signed numbers and big integers alike, as far as numbers are exact', () => {
    const edges = EDGES.flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]);
    for (const edge of [0, ...edges, Number.MAX_SAFE_INTEGER]) {
      for (const value of [edge, -edge]) {
        const bytes = written((w) => w.signed(value));
        expect(decode(bytes, true)).to.equal(BigInt(value));
        expect(written((w) => w.signed64(BigInt(value)))).to.deep.equal(bytes);
      }
    }
  });

  it('writes the ends of 64 bits in ten bytes', () => {
    for (const value of [2n ** 63n - 1n, -(2n ** 63n)]) {
      const bytes = written((w) => w.signed64(value));
      expect(bytes).to.have.length(10);
      expect(decode(bytes, true)).to.equal(value);
    }
  });

  it('keeps what it holds while it grows', () => {
    const writer = new ByteWriter(0);
    const expected: number[] = [];
    for (let i = 0; i < 100; i++) {
      writer.byte(i);
      writer.append(Uint8Array.of(i, i + 1, i + 2));
      expected.push(i, i, i + 1, i + 2);
    }
    writer.name('table');
    expected.push(5, 0x74, 0x61, 0x62, 0x6c, 0x65);
    expect([...writer.view()]).to.deep.equal(expected);
    expect(writer.length).to.equal(expected.length);
  });
});
