import { expect } from 'chai';
import { createRandom, Timer, VirtualClock } from '../../base/index.js';
import { DelayModel } from './calibration.js';
import { Station, type StationDelay } from './station.js';

const FIXED = (ns: number, spent: (delayNs: number) => void = () => {}): StationDelay => ({
  model: new DelayModel(
    [
      [0, ns],
      [1, ns],
    ],
    createRandom('fixed'),
  ),
  spent,
});

function at(clock: VirtualClock, dueNs: number, act: () => void): void {
  clock.schedule(new Timer(act), dueNs);
}

describe('Station', () => {
  it('hands on what arrived after the delay of the model', () => {
    const clock = new VirtualClock();
    const out: [number, number][] = [];
    const station = new Station(clock, [FIXED(300)], 'separate', { arrive: (p) => out.push([p, clock.now()]) });
    at(clock, 1000, () => station.arrive(1));
    at(clock, 1100, () => station.arrive(2));
    clock.runUntilIdle(10_000);
    expect(out).to.deep.equal([
      [1, 1300],
      [2, 1400],
    ]);
  });

  it('gathers what arrives while a reader wakes up', () => {
    const clock = new VirtualClock();
    const out: [number, number][] = [];
    const station = new Station(clock, [FIXED(300)], 'gather', { arrive: (p) => out.push([p, clock.now()]) });
    at(clock, 1000, () => station.arrive(1));
    at(clock, 1100, () => station.arrive(5));
    at(clock, 1400, () => station.arrive(6));
    clock.runUntilIdle(10_000);
    expect(out).to.deep.equal([
      [5, 1300],
      [6, 1700],
    ]);
  });

  it('never lets a quick batch overtake a slow one', () => {
    const clock = new VirtualClock();
    const out: number[] = [];
    const times: number[] = [];
    const delay = new DelayModel(
      [
        [0, 0],
        [1, 10_000],
      ],
      createRandom('order'),
    );
    const record = (p: number) => {
      out.push(p);
      times.push(clock.now());
    };
    const station = new Station(clock, [{ model: delay, spent: () => {} }], 'separate', { arrive: record });
    for (let i = 1; i <= 500; i++) at(clock, i * 100, () => station.arrive(i));
    clock.runUntilIdle(1e9);
    expect(out).to.deep.equal(Array.from({ length: 500 }, (_, i) => i + 1));
    for (let i = 1; i < times.length; i++) expect(times[i]).to.be.at.least(times[i - 1]);
  });

  it('loses nothing when more batches wait than it can tell apart', () => {
    const clock = new VirtualClock();
    let last = 0;
    const station = new Station(clock, [FIXED(1e6)], 'separate', { arrive: (p) => (last = p) });
    for (let i = 1; i <= 5000; i++) at(clock, i, () => station.arrive(i));
    clock.runUntilIdle(1e9);
    expect(last).to.equal(5000);
  });

  it('serves several delays in a row as stations of their own', () => {
    const clock = new VirtualClock();
    const out: [number, number][] = [];
    const station = new Station(clock, [FIXED(100), FIXED(400)], 'separate', {
      arrive: (p) => out.push([p, clock.now()]),
    });
    at(clock, 1000, () => station.arrive(1));
    at(clock, 1050, () => station.arrive(2));
    clock.runUntilIdle(10_000);
    expect(out).to.deep.equal([
      [1, 1500],
      [2, 1550],
    ]);
  });

  it('tells how long each batch stayed', () => {
    const clock = new VirtualClock();
    const spent: number[] = [];
    const station = new Station(clock, [FIXED(250, (ns) => spent.push(ns)), FIXED(50)], 'separate', {
      arrive: () => {},
    });
    station.arrive(1);
    clock.runUntilIdle(1e6);
    expect(spent).to.deep.equal([250]);
  });
});

describe('DelayModel', () => {
  it('inverts the quantiles linearly', () => {
    const model = new DelayModel(
      [
        [0, 100],
        [0.5, 200],
        [1, 1000],
      ],
      createRandom(1),
    );
    expect(model.at(0)).to.equal(100);
    expect(model.at(0.25)).to.equal(150);
    expect(model.at(0.5)).to.equal(200);
    expect(model.at(0.75)).to.equal(600);
    expect(model.at(1)).to.equal(1000);
  });

  it('draws the distribution it was given', () => {
    const model = new DelayModel(
      [
        [0, 0],
        [0.9, 900],
        [1, 10_000],
      ],
      createRandom('draw'),
    );
    const draws = Float64Array.from({ length: 20_000 }, () => model.draw()).sort();
    expect(draws[10_000]).to.be.closeTo(500, 15);
    expect(draws[17_000]).to.be.closeTo(850, 15);
    expect(draws[19_000]).to.be.closeTo(5450, 400);
  });
});
