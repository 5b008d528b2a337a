/** Tests of arrival stamps. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { byteArrivals, TransferArrivals } from './arrivals.js';

describe('byteArrivals', () => {
  it('knows the time of each byte and how many came by a time', () => {
    const arrivals = byteArrivals([10, 20, 20, 30]);
    expect([0, 3, 4].map((i) => arrivals.timeOf(i))).to.deep.equal([10, 30, Number.NaN]);
    expect([9, 10, 20, 99].map((t) => arrivals.upTo(t))).to.deep.equal([0, 1, 3, 4]);
  });
});

describe('TransferArrivals', () => {
  it('tells the same as a stamp for each byte does, through 20,000 transfers', () => {
    const random = createRandom('arrivals');
    const arrivals = new TransferArrivals();
    const stamps: number[] = [];
    let now = 0;
    for (let i = 0; i < 20_000; i++) {
      now += random.below(3);
      const bytes = random.below(4);
      arrivals.add(bytes, now);
      for (let b = 0; b < bytes; b++) stamps.push(now);
    }
    const plain = byteArrivals(stamps);
    expect(arrivals.length).to.equal(stamps.length);
    for (let i = 0; i < 2_000; i++) {
      const index = random.below(stamps.length + 10);
      expect(arrivals.timeOf(index)).to.deep.equal(plain.timeOf(index));
      const limit = random.below(now + 10);
      expect(arrivals.upTo(limit)).to.equal(plain.upTo(limit));
    }
  });

  it('names the transfer of a byte, and none for a byte that never came', () => {
    const arrivals = new TransferArrivals();
    arrivals.add(8, 5);
    arrivals.add(0, 6);
    arrivals.add(2, 7);
    expect([0, 7, 8, 9, 10, -1].map((i) => arrivals.transferOf(i))).to.deep.equal([0, 0, 1, 1, -1, -1]);
    expect(arrivals.transfers).to.equal(2);
  });
});
