/** Checks that axes put values where they belong and name them so that they can be told apart. */

import { expect } from 'chai';
import { type Axis, countAxis, durationAxis, logAxis, percentileAxis, type Span } from './axis.js';

const PLACES: Span = [0, 100];
const texts = ({ ticks }: Axis): string[] => ticks.map(({ text }) => text);

describe('axes', () => {
  it('take the unit that fits and start at zero when asked to', () => {
    const axis = durationAxis([2e6, 8e6], PLACES, { name: 'latency', ticks: 5, fromZero: true });
    expect(axis.title).to.equal('latency (ms)');
    expect(axis.place(0)).to.equal(0);
    expect(texts(axis)).to.deep.equal(['0', '2', '4', '6', '8']);
    expect(axis.ticks[1].at).to.equal(2e6);
  });

  it('go by the distance from a round value where the values hardly differ', () => {
    const axis = durationAxis([1_000_000_002, 1_000_000_009], PLACES, { name: 'interval', ticks: 3 });
    expect(axis.title).to.equal('interval \u2212 1.00000001 s (ns)');
    expect(new Set(texts(axis)).size)
      .to.equal(axis.ticks.length)
      .and.to.be.at.least(2);
    expect(axis.place(1_000_000_009)).to.be.above(axis.place(1_000_000_002) + 50);
  });

  it('do not go below zero for values that do not, and hold values that are all the same', () => {
    expect(
      Math.min(...durationAxis([1e6, 9e8], PLACES, { name: 'x', ticks: 4 }).ticks.map(({ at }) => at)),
    ).to.be.at.least(0);
    const same = durationAxis([1e9, 1e9], PLACES, { name: 'x', ticks: 3 });
    expect(same.place(1e9)).to.be.closeTo(50, 1e-6);
    expect(durationAxis([0, 0], PLACES, { name: 'x', ticks: 3 }).place(0)).to.be.within(0, 100);
  });

  it('become logarithmic beyond two decades, where that is allowed', () => {
    const options = { name: 'latency', ticks: 5, fromZero: true };
    expect(durationAxis([1e3, 1e6], PLACES, { ...options, mayBeLog: true }).title).to.equal('latency (log)');
    expect(durationAxis([1e3, 1e6], PLACES, options).title).to.equal('latency (ms)');
    expect(durationAxis([0, 1e6], PLACES, { ...options, mayBeLog: true }).title).to.equal('latency (ms)');
    expect(texts(logAxis([900, 1.1e6], PLACES, 'x'))).to.deep.equal(['1 us', '10 us', '100 us', '1 ms']);
    expect(texts(logAxis([1e3, 1e4], [0, 200], 'x'))).to.deep.equal(['1 us', '2 us', '5 us', '10 us']);
    expect(texts(logAxis([1e3, 1e4], PLACES, 'x'))).to.deep.equal(['1 us', '10 us']);
  });

  it('give every decade of rarity the same room', () => {
    const axis = percentileAxis(0.99995, PLACES);
    expect(axis.place(0.99) - axis.place(0.9)).to.be.closeTo(axis.place(0.999) - axis.place(0.99), 1e-9);
    expect(axis.place(0.99995)).to.be.closeTo(100, 1e-9);
  });

  it('leave out percentiles that would stand on each other', () => {
    expect(texts(percentileAxis(0.99999, [50, 362]))).to.deep.equal([
      '50 %',
      '90 %',
      '99 %',
      '99.9 %',
      '99.99 %',
      '99.999 %',
    ]);
    expect(texts(percentileAxis(0.9, [50, 362]))).to.deep.equal(['0 %', '50 %', '90 %']);
  });

  it('show a single count above their foot', () => {
    const axis = countAxis(1, PLACES);
    expect(axis.place(0)).to.equal(0);
    expect(axis.place(1)).to.be.within(20, 60);
    expect(texts(countAxis(1234, PLACES))).to.deep.equal(['1', '10', '100', '1000']);
  });
});
