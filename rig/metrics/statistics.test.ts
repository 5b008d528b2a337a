/** Checks lines, hulls and the ranks that bound a quantile. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { fitLine, lowerHull, moments, nearestRank, quantileRanks } from './statistics.js';

describe('statistics', () => {
  it('gives mean and deviation of a sample', () => {
    expect(moments([2, 4, 4, 4, 5, 5, 7, 9])).to.deep.include({ count: 8, mean: 5, min: 2, max: 9 });
    expect(moments([2, 4, 4, 4, 5, 5, 7, 9]).deviation).to.be.closeTo(Math.sqrt(32 / 7), 1e-12);
    expect(moments([]).mean).to.be.NaN;
  });

  it('fits a line exactly, and with the textbook error of the slope', () => {
    const exact = fitLine([0, 1, 2, 3], [5, 7, 9, 11]);
    expect(exact).to.deep.equal({ slope: 2, intercept: 5, slopeError: 0, residual: 0 });
    // Residuals -0.1, 0.2, -0.1 about y = 1 + x: residual^2 = 0.06 / 1, slope error = sqrt(0.06 / 2).
    const noisy = fitLine([0, 1, 2], [0.9, 2.2, 2.9]);
    expect(noisy?.slope).to.be.closeTo(1, 1e-12);
    expect(noisy?.slopeError).to.be.closeTo(Math.sqrt(0.03), 1e-12);
    expect(fitLine([1, 1], [2, 3])).to.equal(undefined);
    expect(fitLine([1], [2])).to.equal(undefined);
  });

  it('finds the lower hull', () => {
    expect(lowerHull([0, 1, 2, 3, 4], [0, 5, 1, 9, 4])).to.deep.equal([0, 2, 4]);
    expect(lowerHull([0, 1], [3, 4])).to.deep.equal([0, 1]);
  });

  it('needs 299 samples to bound p99 from above and 2,995 for p99.9', () => {
    expect(quantileRanks(298, 0.99).high).to.equal(299);
    expect(quantileRanks(299, 0.99).high).to.equal(299);
    expect(quantileRanks(2994, 0.999).high).to.equal(2995);
    expect(quantileRanks(2995, 0.999).high).to.equal(2995);
  });

  it('gives the textbook ranks of a median of 20: 6 and 15', () => {
    // P(B(20, 0.5) <= 5) = 0.0207 and P(B <= 6) = 0.0577: the 6th and the 15th of 20 bound it at 95 % a side.
    expect(quantileRanks(20, 0.5)).to.deep.equal({ low: 6, high: 15 });
  });

  it('bounds a quantile from below with few samples, and knows when it cannot', () => {
    expect(quantileRanks(60, 0.99).low).to.equal(58);
    expect(quantileRanks(1, 0.99)).to.deep.equal({ low: 1, high: 2 });
    expect(quantileRanks(1, 0.9).low).to.equal(0);
    expect(quantileRanks(0, 0.5)).to.deep.equal({ low: 0, high: 1 });
  });

  it('passes from the exact to the approximate ranks without a jump', () => {
    const exact = quantileRanks(1000, 0.5);
    const approximate = quantileRanks(1002, 0.5);
    expect(Math.abs(approximate.low - exact.low)).to.be.at.most(3);
    expect(Math.abs(approximate.high - exact.high)).to.be.at.most(4);
  });

  it('covers the true quantile in at least 95 of 100 samples a side', () => {
    const random = createRandom('coverage');
    let below = 0;
    let above = 0;
    for (let trial = 0; trial < 400; trial++) {
      const sample = Float64Array.from({ length: 400 }, () => random.float()).sort();
      const { low, high } = quantileRanks(400, 0.95);
      if (sample[low - 1] <= 0.95) below++;
      if (sample[high - 1] >= 0.95) above++;
    }
    expect(below / 400).to.be.at.least(0.93);
    expect(above / 400).to.be.at.least(0.93);
  });

  it('takes the nearest rank', () => {
    expect([nearestRank(100, 0.99), nearestRank(10, 0.5), nearestRank(3, 0.999), nearestRank(1, 0)]).to.deep.equal([
      99, 5, 3, 1,
    ]);
  });
});
