/** Checks how estimates are compared with limits, and how it is said. */

import { expect } from 'chai';
import { type Estimate, formatValue, judge, type RunMode, VALID_WITH_DEVICE_TIMES } from './measurement.js';

const MODE: RunMode = { clockDomain: 'virtual', binding: 'sim', pacing: 'modelled' };

function estimate(value: number, low: number, high: number): Estimate {
  return {
    name: 'latency p99',
    subject: 'fix',
    unit: 'ns',
    value,
    low,
    high,
    count: 300,
    clockDomain: 'virtual',
    validity: VALID_WITH_DEVICE_TIMES,
  };
}

const BELOW = { max: 100, text: 'at most 100 ns' };

describe('judgement', () => {
  it('passes when the whole interval is inside, ends included', () => {
    expect(judge(estimate(90, 80, 100), BELOW, MODE).outcome).to.equal('pass');
  });

  it('fails when the whole interval is outside', () => {
    expect(judge(estimate(110, 101, 120), BELOW, MODE).outcome).to.equal('fail');
  });

  it('does not decide when the margin is smaller than the uncertainty, on either side', () => {
    expect(judge(estimate(95, 80, 101), BELOW, MODE).outcome).to.equal('inconclusive');
    expect(judge(estimate(105, 99, 120), BELOW, MODE).outcome).to.equal('inconclusive');
  });

  it('does not pass what is unbounded or unknown, and fails what is certainly beyond', () => {
    const open = Number.POSITIVE_INFINITY;
    expect(judge(estimate(10, 5, open), BELOW, MODE).outcome).to.equal('inconclusive');
    expect(judge(estimate(10, 5, open), { max: open, text: 'anything' }, MODE).outcome).to.equal('inconclusive');
    expect(judge(estimate(Number.NaN, Number.NaN, Number.NaN), BELOW, MODE).outcome).to.equal('inconclusive');
    expect(judge(estimate(200, 150, open), BELOW, MODE).outcome).to.equal('fail');
    expect(judge(estimate(10, 5, open), { min: 3, text: 'at least 3 ns' }, MODE).outcome).to.equal('pass');
  });

  it('decides nothing in a mode where the measurement means nothing', () => {
    const result = judge(estimate(500, 500, 500), BELOW, { ...MODE, binding: 'replay', pacing: 'reconstructed' });
    expect(result.outcome).to.equal('not-applicable');
    expect(result.sentence).to.equal(
      'latency p99 of fix means nothing with binding replay, reconstructed pacing and virtual time',
    );
  });

  it('says what was found, how surely, from how much, and what was wanted', () => {
    expect(judge(estimate(95, 80, 101), BELOW, MODE).sentence).to.equal(
      'latency p99 of fix is 95 ns (between 80 ns and 101 ns) from 300 samples; required: at most 100 ns, which this does not decide',
    );
  });
});

describe('values for people', () => {
  it('have a fitting unit and as many digits as they are worth', () => {
    expect(formatValue(1_234_567, 'ns')).to.equal('1.23457 ms');
    expect(formatValue(999, 'ns')).to.equal('999 ns');
    expect(formatValue(-2.5e9, 'ns')).to.equal('-2.5 s');
    expect(formatValue(1 / 3, 'Hz')).to.equal('0.333333333 Hz');
    expect(formatValue(12345678901, 'count')).to.equal('12345678901');
    expect(formatValue(Number.POSITIVE_INFINITY, 'ns')).to.equal('unbounded');
    expect(formatValue(Number.NaN, 'ppm')).to.equal('unknown');
  });
});
