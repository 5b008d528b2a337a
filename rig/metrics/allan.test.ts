/** Checks the Allan family against the published suites of Riley: 1,000 points from a portable generator, and 9 points. */

import { expect } from 'chai';
import {
  allanDeviation,
  modifiedAllanDeviation,
  overlappingAllanDeviation,
  phaseFromFrequency,
  timeDeviation,
} from './allan.js';

/** Significant digits of the published values. */
function close(actual: number, expected: number, relative = 1e-6): void {
  expect(Math.abs(actual / expected - 1), `${actual} against ${expected}`).to.be.below(relative);
}

describe('Allan deviations', () => {
  const frequency = new Float64Array(1000);
  let n = 1234567890;
  for (let i = 0; i < 1000; i++) {
    frequency[i] = n / 2147483647;
    n = (n * 16807) % 2147483647;
  }
  const phase = phaseFromFrequency(frequency, 1);
  const nine = phaseFromFrequency([892, 809, 823, 798, 671, 644, 883, 903, 677], 1);

  it('gives the published overlapping deviations of the 1,000-point set', () => {
    close(overlappingAllanDeviation(phase, 1, 1), 0.2922319, 2e-7);
    close(overlappingAllanDeviation(phase, 1, 10), 0.09159953);
    close(overlappingAllanDeviation(phase, 1, 100), 0.03241343);
  });

  it('gives the published deviations without overlap', () => {
    close(allanDeviation(phase, 1, 1), 0.2922319, 2e-7);
    close(allanDeviation(phase, 1, 10), 0.09965736);
    close(allanDeviation(phase, 1, 100), 0.03897804);
  });

  it('gives the published modified and time deviations', () => {
    close(modifiedAllanDeviation(phase, 1, 10), 0.06172376);
    close(modifiedAllanDeviation(phase, 1, 100), 0.02170921);
    close(timeDeviation(phase, 1, 1), 0.1687202);
    close(timeDeviation(phase, 1, 10), 0.3563623);
    close(timeDeviation(phase, 1, 100), 1.253382);
  });

  it('gives the published values of the 9-point set', () => {
    close(allanDeviation(nine, 1, 1), 91.22945);
    close(allanDeviation(nine, 1, 2), 115.8082);
    close(overlappingAllanDeviation(nine, 1, 2), 85.95287);
  });

  it('is free of the unit of time and knows when there are too few points', () => {
    const inNs = phase.map((x) => x * 1e9);
    close(overlappingAllanDeviation(inNs, 1e9, 10), overlappingAllanDeviation(phase, 1, 10), 1e-12);
    expect(overlappingAllanDeviation([1, 2], 1, 1)).to.be.NaN;
    expect(modifiedAllanDeviation([1, 2, 3], 1, 2)).to.be.NaN;
  });
});
