import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { explicitOffsetNs, nominalOffsetNs, SPACING, TimingSolver } from './character-timing.js';

function restore(solver: TimingSolver, count: number, lastNs: number, bits: number, baudRate: number): number[] {
  const phase = solver.phase / 65_536;
  const offset = (k: number): number => {
    if (solver.spacing === SPACING.together) return 0;
    if (solver.spacing === SPACING.explicit) return explicitOffsetNs(k, solver.characterNs, phase);
    return nominalOffsetNs(k, bits, baudRate, phase);
  };
  const first = lastNs - offset(count - 1);
  return Array.from({ length: count }, (_, k) => first + offset(k));
}

describe('character timing', () => {
  it('reproduces every time stamp of a paced run, at any rate, from any phase, with any crystal error', () => {
    const random = createRandom('character timing');
    const solver = new TimingSolver();
    let explicit = 0;
    for (let run = 0; run < 2000; run++) {
      const baudRate = [50, 4800, 9600, 38400, 57600, 115200, 921600, 1 + random.below(2_000_000)][random.below(8)];
      const bits = 7 + random.below(6);
      const ppm = random.below(3) === 0 ? random.below(2001) - 1000 : 0;
      const startNs = random.below(2 ** 40);
      const skipped = random.below(1000);
      const count = 1 + random.below(256);
      const character = (bits * 1e9) / (baudRate * (1 + ppm / 1e6));
      const times = new Float64Array(count);
      for (let k = 0; k < count; k++) times[k] = startNs + Math.floor((skipped + k + 1) * character);
      if (!solver.solve(times, 0, count, bits, baudRate)) continue;
      if (solver.spacing === SPACING.explicit) explicit++;
      expect(restore(solver, count, times[count - 1], bits, baudRate), `${baudRate} ${bits} ${ppm}`).to.deep.equal([
        ...times,
      ]);
    }
    expect(explicit).to.be.greaterThan(400);
  });

  it('finds a spacing for almost every evenly paced run', () => {
    const random = createRandom('found');
    const solver = new TimingSolver();
    let failed = 0;
    for (let run = 0; run < 1000; run++) {
      const character = 80_000 + random.float() * 3_000_000;
      const phase = random.float();
      const times = Float64Array.from({ length: 256 }, (_, k) => Math.floor(phase + k * character));
      if (!solver.solve(times, 0, 256, 10, 9600)) failed++;
    }
    expect(failed).to.be.lessThan(10);
  });

  it('refuses uneven times, and says that simultaneous characters came together', () => {
    const solver = new TimingSolver();
    expect(solver.solve(Float64Array.of(0, 100, 199, 301, 400, 499), 0, 6, 10, 1e8)).to.equal(false);
    expect(solver.solve(Float64Array.of(7, 7, 7), 0, 3, 10, 9600)).to.equal(true);
    expect(solver.spacing).to.equal(SPACING.together);
  });
});
