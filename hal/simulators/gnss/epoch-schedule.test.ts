import { expect } from 'chai';
import { EpochSchedule } from './epoch-schedule.js';

const START_MS = Date.UTC(2026, 0, 1);

describe('epoch schedule', () => {
  it('puts epochs on exact nanoseconds for ten years', () => {
    const schedule = new EpochSchedule(12_345, START_MS, 0);
    expect(schedule.eventNs(START_MS)).to.equal(12_345);
    expect(schedule.eventNs(START_MS + 200)).to.equal(200_012_345);
    expect(schedule.eventNs(START_MS + 8_640_000_000)).to.equal(8_640_000_000_012_345);
  });

  it('comes early by the ppm of a fast clock, without drift from rounding', () => {
    const schedule = new EpochSchedule(0, START_MS, 50);
    expect(schedule.eventNs(START_MS + 1000)).to.equal(999_950_002);
    expect(schedule.eventNs(START_MS + 1_000_000)).to.equal(999_950_002_500);
    expect(new EpochSchedule(0, START_MS, -50).eventNs(START_MS + 1000)).to.equal(1_000_050_003);
  });

  it('begins at the first multiple of the period', () => {
    const schedule = new EpochSchedule(0, START_MS + 130, 0);
    expect(schedule.nextUtcMs(0, 200, Number.NEGATIVE_INFINITY)).to.equal(START_MS + 200);
    expect(new EpochSchedule(0, START_MS, 0).nextUtcMs(0, 200, Number.NEGATIVE_INFINITY)).to.equal(START_MS);
  });

  it('goes on at a new period after the present time and the last epoch', () => {
    const schedule = new EpochSchedule(0, START_MS, 0);
    expect(schedule.nextUtcMs(1_250_000_000, 200, START_MS + 1000)).to.equal(START_MS + 1400);
    expect(schedule.nextUtcMs(1_000_000_000, 100, START_MS + 1000)).to.equal(START_MS + 1100);
  });

  it('never skips an epoch nor repeats one, whatever the error of the clock', () => {
    for (const ppm of [-1000, -3.7, 0, 0.001, 42.1, 1000]) {
      const schedule = new EpochSchedule(777, START_MS, ppm);
      let last = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < 2000; i++) {
        const next = schedule.nextUtcMs(i === 0 ? 777 : schedule.eventNs(last), 100, last);
        expect(next).to.equal(START_MS + i * 100);
        last = next;
      }
    }
  });
});
