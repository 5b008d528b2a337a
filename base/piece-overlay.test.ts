/** Tests of the piece overlay against a plain array. */

import { expect } from 'chai';
import { PIECE_BYTES, PieceOverlay } from './piece-overlay.js';
import { createRandom } from './random.js';

const SIZE = 3 * PIECE_BYTES + 1024;

function setup(answers = () => true) {
  const below = Uint8Array.from({ length: SIZE }, (_, i) => (i * 7) ^ (i >> 8));
  const overlay = new PieceOverlay(SIZE, (position, target, offset, length) => {
    if (position + length > SIZE) throw new RangeError(`byte ${position + length} is beyond the medium`);
    target.set(below.subarray(position, position + length), offset);
    return answers();
  });
  return { below, overlay };
}

describe('PieceOverlay', () => {
  it('reads what was written last, and what lies below elsewhere, through 2,000 random accesses', () => {
    const random = createRandom('overlay');
    const { below, overlay } = setup();
    const original = below.slice();
    const model = below.slice();
    const buffer = new Uint8Array(2 * PIECE_BYTES + 8);
    for (let i = 0; i < 2_000; i++) {
      const length = random.below(random.below(8) === 0 ? 2 * PIECE_BYTES : 2048);
      const position = random.below(SIZE - length + 1);
      if (random.below(2) === 0) {
        for (let at = 0; at < length; at++) buffer[8 + at] = random.below(256);
        expect(overlay.write(position, buffer, 8, length)).to.equal(true);
        model.set(buffer.subarray(8, 8 + length), position);
      } else {
        expect(overlay.read(position, buffer, 8, length)).to.equal(true);
        const same = Buffer.compare(buffer.subarray(8, 8 + length), model.subarray(position, position + length));
        expect(same, `${length} bytes at ${position}`).to.equal(0);
      }
    }
    expect(below).to.deep.equal(original);
    expect(overlay.pieces).to.equal(4);
  });

  it('keeps the pieces alone that were written to', () => {
    const { overlay } = setup();
    overlay.write(PIECE_BYTES - 1, Uint8Array.of(1, 2), 0, 2);
    expect(overlay.pieces).to.equal(2);
  });

  it('fails when what lies below fails, and keeps nothing of a piece that it could not complete', () => {
    const { overlay } = setup(() => false);
    const buffer = new Uint8Array(PIECE_BYTES);
    expect(overlay.read(0, buffer, 0, 1)).to.equal(false);
    expect(overlay.write(0, buffer, 0, 1)).to.equal(false);
    expect(overlay.pieces).to.equal(0);
    expect(overlay.write(0, buffer, 0, PIECE_BYTES), 'a whole piece needs nothing from below').to.equal(true);
    expect(overlay.read(0, buffer, 0, PIECE_BYTES)).to.equal(true);
  });
});
