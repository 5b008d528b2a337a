import { expect } from 'chai';
import { asin, atan2, cos, sin } from './portable-math.js';

describe('portable math', () => {
  it('agrees with the host library within 2e-15 over many turns', () => {
    let worst = 0;
    for (let i = -5000; i <= 5000; i++) {
      const x = i * 0.01237;
      worst = Math.max(worst, Math.abs(sin(x) - Math.sin(x)), Math.abs(cos(x) - Math.cos(x)));
    }
    expect(worst).to.be.below(2e-15);
  });

  it('finds the angle in all four quadrants', () => {
    let worst = 0;
    for (let i = -180; i <= 180; i++) {
      const y = Math.sin((i * Math.PI) / 180);
      const x = Math.cos((i * Math.PI) / 180);
      worst = Math.max(worst, Math.abs(atan2(y, x) - Math.atan2(y, x)));
    }
    expect(worst).to.be.below(2e-15);
    expect(atan2(0, 0)).to.equal(0);
  });

  it('inverts the sine and bounds its argument', () => {
    for (const x of [-1, -0.999999, -0.3, 0, 1e-9, 0.5, 0.999999, 1])
      expect(asin(x)).to.be.closeTo(Math.asin(x), 2e-15);
    expect(asin(1 + 1e-12)).to.equal(Math.PI / 2);
  });

  it('has these very digits on every machine', () => {
    expect(sin(0.7)).to.equal(0.644217687237691);
    expect(cos(52.5)).to.equal(-0.6160523316909851);
    expect(atan2(0.3, -0.4)).to.equal(2.498091544796509);
  });
});
