/** Tests of the ring that stands between a host's descriptors and a board's. */

import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { DESCRIPTOR, DESCRIPTOR_BYTES } from '../../simulators/daq-board/registers.js';
import { TestBoardHost } from '../test-board-host.js';
import { BounceRing, LEAST_DMA_BYTES } from './bounce-ring.js';

const BUS = 0x1_2000_0000;
const BASE = 0x8000_0000;
const RING = 16;
const DATA = BASE + 0x1000;
const BLOCK = 65_536;

/** A ring over the least memory, and a board that fills block by block with its number. */
function bench() {
  const bytes = new Uint8Array(LEAST_DMA_BYTES);
  const view = new DataView(bytes.buffer);
  const host = new TestBoardHost(BASE, 0x1000 + RING * BLOCK);
  const ring = new BounceRing({ bytes, busAddress: BUS });
  const describeBlock = (index: number, length: number, address = DATA + (index % RING) * BLOCK): void => {
    const at = (index % RING) * DESCRIPTOR_BYTES;
    host.view.setUint32(at + DESCRIPTOR.addressLow, address % 0x1_0000_0000, true);
    host.view.setUint32(at + DESCRIPTOR.addressHigh, Math.floor(address / 0x1_0000_0000), true);
    host.view.setUint32(at + DESCRIPTOR.length, length, true);
  };
  /** Offset in the board's memory and length of block `index`, as the board reads it. */
  const seen = (index: number): [number, number] => {
    const at = (index % RING) * DESCRIPTOR_BYTES;
    const address =
      view.getUint32(at + DESCRIPTOR.addressHigh, true) * 0x1_0000_0000 +
      view.getUint32(at + DESCRIPTOR.addressLow, true);
    return [address - BUS, view.getUint32(at + DESCRIPTOR.length, true)];
  };
  const fill = (index: number): void => {
    const [at, length] = seen(index);
    bytes.fill(index + 1, at, at + length);
    view.setUint32((index % RING) * DESCRIPTOR_BYTES + DESCRIPTOR.doneLength, length, true);
    view.setUint32((index % RING) * DESCRIPTOR_BYTES + DESCRIPTOR.sequence, index, true);
  };
  return { bytes, host, ring, describeBlock, seen, fill };
}

describe('bounce ring', () => {
  it('brings 1,000 blocks of random lengths whole and in order through the least memory that it takes', () => {
    const { host, ring, describeBlock, seen, fill } = bench();
    const random = createRandom('bounce-ring');
    const lengths: number[] = [];
    ring.begin(BASE, RING);
    for (let tail = 0; ring.taken < 1000; ) {
      for (; tail - ring.taken < RING; tail++) {
        lengths[tail] = random.below(3) === 0 ? BLOCK : 2 * (1 + random.below(BLOCK / 2));
        describeBlock(tail, lengths[tail]);
      }
      ring.give(host, tail);
      expect(ring.given).to.be.above(ring.taken);
      const spans = Array.from({ length: ring.given - ring.taken }, (_, n) => seen(ring.taken + n)).sort(
        (a, b) => a[0] - b[0],
      );
      spans.forEach(([at, length], n) => {
        expect(at).to.be.at.least(n === 0 ? 32_768 : spans[n - 1][0] + spans[n - 1][1]);
        expect(at + length).to.be.at.most(LEAST_DMA_BYTES);
      });
      for (let count = 1 + random.below(ring.given - ring.taken); count > 0; count--) {
        const index = ring.taken;
        fill(index);
        expect(ring.take(host)).to.equal(true);
        const from = 0x1000 + (index % RING) * BLOCK;
        const wanted = (index + 1) & 0xff;
        expect(host.bytes[from]).to.equal(wanted);
        expect(host.bytes[from + lengths[index] - 1]).to.equal(wanted);
        expect(host.view.getUint32((index % RING) * DESCRIPTOR_BYTES + DESCRIPTOR.sequence, true)).to.equal(index);
      }
    }
    expect(host.refused).to.equal(0);
  });

  it('shows the board a descriptor that nobody could take as one without a length, and goes no further than its memory', () => {
    const { host, ring, describeBlock, seen } = bench();
    describeBlock(0, 64);
    describeBlock(1, 7);
    describeBlock(2, 64, 0x20_0000_0000_0000);
    ring.begin(BASE, RING);
    ring.give(host, 3);
    expect([0, 1, 2].map((index) => seen(index)[1])).to.deep.equal([64, 7, 0]);
    ring.begin(BASE - 64, RING);
    ring.give(host, 1);
    expect(seen(0)[1]).to.equal(0);
  });

  it('brings no more than the host asked for, whatever the board says that it wrote', () => {
    const { bytes, host, ring, describeBlock } = bench();
    describeBlock(0, 64);
    ring.begin(BASE, RING);
    ring.give(host, 1);
    bytes.fill(0xee, 32_768);
    new DataView(bytes.buffer).setUint32(DESCRIPTOR.doneLength, 0xffff_ffff, true);
    expect(ring.take(host)).to.equal(true);
    expect([host.bytes[0x1000 + 63], host.bytes[0x1000 + 64]]).to.deep.equal([0xee, 0]);
  });

  for (const size of [0, 1, 3, 2048]) {
    it(`gives nothing of a ring of ${size} descriptors`, () => {
      const { host, ring } = bench();
      expect(ring.begin(BASE, size)).to.equal(false);
      ring.give(host, 1);
      expect(ring.given).to.equal(0);
    });
  }
});
