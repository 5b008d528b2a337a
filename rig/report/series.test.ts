/** Checks that cutting a series down keeps what a plot is looked at for: extremes, tails and sums. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { commonBins, type Histogram, histogram, percentileCurve, timeSeries } from './series.js';

function noise(count: number, seed = 'series'): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length: count }, () => Math.round(1e6 * random.float()));
}

const sum = ({ counts }: Histogram): number => counts.reduce((a, b) => a + b, 0);

describe('a percentile curve', () => {
  it('holds every sample where there are few, each in the middle of its step', () => {
    expect(percentileCurve([30, -10, 20, 40])).to.deep.equal({
      count: 4,
      points: [
        [0.125, 10],
        [0.375, 20],
        [0.625, 30],
        [0.875, 40],
      ],
    });
    expect(percentileCurve([])).to.deep.equal({ count: 0, points: [] });
  });

  it('is bounded, rises, and keeps the least, the greatest and the whole tail', () => {
    const samples = noise(100_000);
    const sorted = samples.slice().sort();
    const { count, points } = percentileCurve(samples);
    expect(count).to.equal(100_000);
    expect(points.length).to.be.within(100, 330);
    expect(points[0][1]).to.equal(sorted[0]);
    expect(points.slice(-64).map(([, ns]) => ns)).to.deep.equal([...sorted.slice(-64)]);
    for (let i = 1; i < points.length; i++) {
      expect(points[i][0]).to.be.above(points[i - 1][0]);
      expect(points[i][1]).to.be.at.least(points[i - 1][1]);
    }
    for (const p of [0.5, 0.9, 0.99, 0.999]) {
      const rank = Math.round(p * 100_000);
      expect(points).to.deep.include([(rank - 0.5) / 100_000, sorted[rank - 1]]);
    }
  });
});

describe('a time series', () => {
  it('stays as it is where it is short', () => {
    expect(timeSeries([1, 2, 3], [7, 8, 9]).points).to.deep.equal([
      [1, 7],
      [2, 8],
      [3, 9],
    ]);
  });

  it('keeps every spike of a long one, in order of time', () => {
    const values = noise(50_000);
    values[31_415] = 5e9;
    values[27_182] = -5e9;
    const { count, points } = timeSeries(
      values.map((_, i) => i * 1000),
      values,
    );
    expect(count).to.equal(50_000);
    expect(points.length).to.be.within(400, 800);
    expect(points).to.deep.include([31_415_000, 5e9]);
    expect(points).to.deep.include([27_182_000, -5e9]);
    expect(points.map(([at]) => at)).to.deep.equal(points.map(([at]) => at).sort((a, b) => a - b));
  });

  it('comes to an end when all came at one time', () => {
    expect(timeSeries(new Float64Array(5000), noise(5000)).points).to.have.length.of.at.most(2);
  });
});

describe('a histogram', () => {
  it('counts every sample in bins that hold it', () => {
    expect(histogram([5, 7, 7, 8])).to.deep.equal({ widthNs: 1, first: 5, counts: [1, 0, 2, 1] });
    expect(histogram([-3, 1999])).to.deep.include({ widthNs: 2, first: -2 });
    const wide = histogram(noise(10_000));
    expect(sum(wide)).to.equal(10_000);
    expect(wide.counts.length).to.be.at.most(1024);
  });

  it('shares bins of a round width with others and loses no sample', () => {
    const a = histogram(noise(10_000, 'a'));
    const b = histogram(noise(300, 'b').map((ns) => ns / 100 + 400_000));
    const common = commonBins([a, b], 90);
    expect(common.map(({ widthNs }) => widthNs)).to.deep.equal([20_000, 20_000]);
    expect(common.map(sum)).to.deep.equal([10_000, 300]);
    expect(common[1].first).to.equal(20);
    for (const { counts } of common) expect(counts.length).to.be.at.most(90);
  });

  it('is none where there was nothing to count', () => {
    expect(commonBins([histogram([]), histogram([4])], 90)).to.deep.equal([
      { widthNs: 1, first: 0, counts: [] },
      { widthNs: 1, first: 4, counts: [1] },
    ]);
  });
});
