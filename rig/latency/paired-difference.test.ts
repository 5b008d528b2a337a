import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { quantileDifference, sortedQuantile } from './paired-difference.js';

describe('quantileDifference', () => {
  const rounds = (seed: string, meanNs: number, count = 20): Float64Array[] => {
    const random = createRandom(seed);
    return Array.from({ length: count }, () =>
      Float64Array.from({ length: 200 }, () => meanNs * (0.5 + random.float())),
    );
  };

  it('finds a difference where there is one, and an interval that holds it', () => {
    const { first, second, difference } = quantileDifference(rounds('a', 100), rounds('b', 200), 0.5);
    expect(first.value).to.be.closeTo(100, 5);
    expect(second.value).to.be.closeTo(200, 10);
    expect(difference.low).to.be.above(80).and.below(difference.value);
    expect(difference.high).to.be.below(120).and.above(difference.value);
  });

  it('finds none between two samples of one distribution, but for the one in twenty that 95 % leave', () => {
    let holdsZero = 0;
    for (let i = 0; i < 20; i++) {
      const { difference } = quantileDifference(rounds(`a${i}`, 100), rounds(`b${i}`, 100), 0.9);
      if (difference.low <= 0 && difference.high >= 0) holdsZero++;
    }
    expect(holdsZero).to.be.at.least(16);
  });

  it('widens the interval where rounds differ from each other', () => {
    const calm = quantileDifference(rounds('a', 100), rounds('b', 150), 0.5).difference;
    const drifting = rounds('c', 150).map((round, i) => round.map((value) => value + 10 * i));
    const restless = quantileDifference(rounds('a', 100), drifting, 0.5).difference;
    expect(restless.high - restless.low).to.be.above(3 * (calm.high - calm.low));
  });

  it('is the same every time', () => {
    const of = () => quantileDifference(rounds('a', 100), rounds('b', 120), 0.999);
    expect(of()).to.deep.equal(of());
  });

  it('takes the nearest rank', () => {
    expect([0, 0.25, 0.5, 0.99, 1].map((p) => sortedQuantile([1, 2, 3, 4], p))).to.deep.equal([1, 1, 2, 4, 4]);
  });
});
