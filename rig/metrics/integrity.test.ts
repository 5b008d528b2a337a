/** Checks counter continuity and conservation. */

import { expect } from 'chai';
import { byteArrivals } from './arrivals.js';
import { conservation, counterContinuity, countUpTo } from './integrity.js';

describe('counter continuity', () => {
  it('finds nothing wrong with a whole sequence, also over the wrap', () => {
    expect(counterContinuity([0, 1, 2, 3], 32)).to.deep.equal({ count: 4, lost: 0, duplicated: 0, reordered: 0 });
    expect(counterContinuity([254, 255, 0, 1], 8, 254)).to.deep.equal({
      count: 4,
      lost: 0,
      duplicated: 0,
      reordered: 0,
    });
  });

  it('counts what is missing at the start and within', () => {
    expect(counterContinuity([2, 3, 7], 32)).to.deep.include({ lost: 5, duplicated: 0, reordered: 0 });
    expect(counterContinuity([250, 3], 8, 250)).to.deep.include({ lost: 8 });
  });

  it('tells a duplicate from a late one', () => {
    expect(counterContinuity([0, 1, 1, 2], 32)).to.deep.include({ lost: 0, duplicated: 1, reordered: 0 });
    expect(counterContinuity([0, 2, 3, 1, 4], 32)).to.deep.include({ lost: 0, duplicated: 0, reordered: 1 });
  });

  it('has nothing to say about nothing', () => {
    expect(counterContinuity([], 32)).to.deep.equal({ count: 0, lost: 0, duplicated: 0, reordered: 0 });
  });
});

describe('conservation', () => {
  const arrivals = byteArrivals([10, 20, 30, 40, 50]);

  it('accounts for every character', () => {
    expect(conservation(arrivals, 3, 1, 45, 0)).to.deep.equal({
      arrived: 4,
      read: 3,
      reportedLost: 1,
      missing: 0,
      inFlight: 0,
    });
  });

  it('knows which of the missing may still be on their way', () => {
    expect(conservation(arrivals, 2, 0, 45, 10)).to.include({ arrived: 4, missing: 2, inFlight: 1 });
  });

  it('sees a guest that claims more than came', () => {
    expect(conservation(arrivals, 6, 0, 100, 0).missing).to.equal(-1);
  });

  it('counts by bisection, with equal times', () => {
    expect([0, 10, 15, 20, 99].map((t) => countUpTo([10, 10, 20], t))).to.deep.equal([0, 2, 2, 3, 3]);
  });
});
