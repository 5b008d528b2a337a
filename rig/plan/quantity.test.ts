/** Checks how quantities are read and refused. */

import { expect } from 'chai';
import { RigError } from '../errors.js';
import { parseAs, parseDurationNs, parseQuantity } from './quantity.js';

describe('quantity', () => {
  it('reads each dimension into its own unit', () => {
    expect(parseQuantity('2 s')).to.deep.equal({ dimension: 'time', value: 2e9, text: '2 s' });
    expect(parseQuantity('40 us').value).to.equal(40_000);
    expect(parseQuantity('40 µs').value).to.equal(40_000);
    expect(parseQuantity('40 \u03bcs').value).to.equal(40_000);
    expect(parseQuantity('50 ppm')).to.include({ dimension: 'ratio', value: 50 });
    expect(parseQuantity('0.1 ppb').value).to.equal(1e-4);
    expect(parseQuantity('0.01 %').value).to.equal(100);
    expect(parseQuantity('100 kHz')).to.include({ dimension: 'frequency', value: 100_000 });
    expect(parseQuantity('1e-7 deg')).to.include({ dimension: 'angle', value: 1e-7 });
    expect(parseQuantity('3.6 arcsec').value).to.equal(0.001);
    expect(parseQuantity('12.5cm').value).to.equal(0.125);
  });

  it('tells millihertz from megahertz', () => {
    expect(parseQuantity('5 mHz').value).to.equal(0.005);
    expect(parseQuantity('5 MHz').value).to.equal(5e6);
  });

  it('reads durations as whole nanoseconds', () => {
    expect(parseDurationNs('1.5 ms')).to.equal(1_500_000);
    expect(parseDurationNs('0.1 us')).to.equal(100);
    expect(parseDurationNs('1 h')).to.equal(3600e9);
  });

  for (const text of [
    '',
    '5',
    's',
    '5 parsecs',
    '1e999 s',
    'five s',
    '5 s s',
    '0x10 s',
    'NaN s',
    '5 constructor',
    '- 5 s',
  ])
    it(`refuses "${text}" and names it`, () => {
      expect(() => parseQuantity(text))
        .to.throw(RigError)
        .that.includes({ code: 'RIG_PLAN', where: text });
    });

  it('refuses another dimension, a negative value and a duration too long to count', () => {
    expect(() => parseAs('time', '5 Hz')).to.throw('"5 Hz" is not a quantity this place can take: a time is needed');
    expect(() => parseAs('ratio', '-5 ppm')).to.throw('must not be negative');
    expect(() => parseDurationNs('100000 h')).to.throw('104 days');
  });
});
