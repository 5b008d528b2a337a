import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { Constellation, invertSymmetric4, UNKNOWN_DOP_E2 } from './constellation.js';

const SKY = { gps: 9, glonass: 7, galileo: 0, beidou: 0, elevationMaskDeg: 5 };
const HOUR_MS = 3_600_000;

describe('constellation', () => {
  it('numbers every satellite once, ascending within its system', () => {
    const sky = new Constellation(SKY, createRandom(1));
    expect(sky.count).to.equal(16);
    for (let i = 1; i < sky.count; i++)
      expect(sky.system[i] * 100 + sky.number[i]).to.be.above(sky.system[i - 1] * 100 + sky.number[i - 1]);
    expect(Math.max(...sky.number.subarray(9))).to.be.at.most(24);
  });

  it('is the same for the same seed and differs for another', () => {
    const tables = (seed: number): string => {
      const sky = new Constellation(SKY, createRandom(seed));
      sky.update(HOUR_MS, 'tracking');
      return [sky.number, sky.azimuthDeg, sky.elevationDeg, sky.signalDb].join('/');
    };
    expect(tables(5)).to.equal(tables(5));
    expect(tables(5)).to.not.equal(tables(6));
  });

  it('always has a fix with plausible dilution, for any seed and time of day', () => {
    for (let seed = 0; seed < 40; seed++) {
      const sky = new Constellation(SKY, createRandom(seed));
      for (let hour = 0; hour < 24; hour++) {
        sky.update(hour * HOUR_MS, 'tracking');
        expect(sky.usedCount).to.be.at.least(6);
        expect(sky.pdopE2).to.be.within(80, 1000);
        expect(sky.pdopE2 ** 2).to.be.closeTo(sky.hdopE2 ** 2 + sky.vdopE2 ** 2, 4 * sky.pdopE2);
      }
    }
  });

  it('keeps azimuth, elevation and signal in range and moves slowly', () => {
    const sky = new Constellation({ ...SKY, galileo: 8, beidou: 8 }, createRandom(3));
    sky.update(0, 'tracking');
    const before = [...sky.azimuthDeg];
    sky.update(60_000, 'tracking');
    for (let i = 0; i < sky.count; i++) {
      const step = Math.abs(sky.azimuthDeg[i] - before[i]);
      expect(Math.min(step, 360 - step)).to.be.at.most(1);
    }
    for (let minute = 0; minute < 1440; minute += 7) {
      sky.update(minute * 60_000, 'tracking');
      expect(Math.min(...sky.azimuthDeg)).to.be.at.least(0);
      expect(Math.max(...sky.azimuthDeg)).to.be.at.most(359);
      expect(Math.max(...sky.elevationDeg)).to.be.at.most(90);
      expect(Math.max(...sky.signalDb)).to.be.within(30, 55);
    }
  });

  it('does not use what is below the mask', () => {
    let below = 0;
    for (let seed = 0; seed < 10; seed++) {
      const sky = new Constellation({ ...SKY, elevationMaskDeg: 15 }, createRandom(seed));
      sky.update(0, 'tracking');
      for (let i = 0; i < sky.count; i++) {
        if (sky.elevationDeg[i] < 15) below++;
        expect(sky.used[i]).to.equal(sky.elevationDeg[i] < 15 ? 0 : sky.elevationDeg[i] > 15 ? 1 : sky.used[i]);
      }
    }
    expect(below).to.be.above(5);
  });

  it('lists nothing while searching, and places without signals when they are lost', () => {
    const sky = new Constellation(SKY, createRandom(1));
    sky.update(0, 'searching');
    expect(sky.inViewOf(0) + sky.inViewOf(1) + sky.usedCount).to.equal(0);
    expect(sky.pdopE2).to.equal(UNKNOWN_DOP_E2);
    sky.update(0, 'lost');
    expect(sky.inViewOf(0)).to.be.above(4);
    expect(Math.max(...sky.signalDb)).to.equal(0);
  });

  it('inverts a known matrix and refuses a singular one', () => {
    const inverse = new Float64Array(16);
    expect(invertSymmetric4(Float64Array.of(4, 2, 0, 0, 0, 3, 0, 0, 0, 0, 2, 0, 0, 0, 0, 5), inverse)).to.equal(true);
    expect(inverse[0]).to.be.closeTo(0.375, 1e-15);
    expect(inverse[1]).to.be.closeTo(-0.25, 1e-15);
    expect(inverse[5]).to.be.closeTo(0.5, 1e-15);
    expect(inverse[15]).to.be.closeTo(0.2, 1e-15);
    expect(invertSymmetric4(new Float64Array(16).fill(1), inverse)).to.equal(false);
  });
});
