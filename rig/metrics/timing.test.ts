/** Checks rate, jitter, latency and clock error on streams whose truth is known. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import type { StampContext } from './statistic.js';
import { allanStability, clockError, cycleToCycleJitter, eventRate, latency, periodJitter } from './timing.js';

const CONTEXT: StampContext = {
  subject: 'test',
  mode: { clockDomain: 'virtual', binding: 'sim', pacing: 'modelled' },
  resolutionNs: 1,
  ppm: 0,
};

function stream(count: number, periodNs: number, noiseNs: number, seed = 'stream'): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length: count }, (_, i) => Math.round(1e9 + i * periodNs + random.gaussian() * noiseNs));
}

describe('rate', () => {
  it('is exact for an exact stream, and as uncertain as its stamps', () => {
    const { estimate } = eventRate(stream(61, 1e9, 0), CONTEXT);
    expect(estimate.value).to.equal(1);
    // Two stamps of 1 ns over 60 s.
    expect(estimate.high - estimate.value).to.be.closeTo(2 / 60e9, 1e-14);
  });

  it('holds the true rate in its interval and narrows with more events', () => {
    const few = eventRate(stream(30, 1e8 * (1 + 20e-6), 1e5), CONTEXT).estimate;
    const many = eventRate(stream(3000, 1e8 * (1 + 20e-6), 1e5), CONTEXT).estimate;
    const truth = 10 / (1 + 20e-6);
    for (const { low, high } of [few, many]) expect(truth).to.be.within(low, high);
    expect(many.high - many.low).to.be.below((few.high - few.low) / 100);
  });

  it('adds what the stamping clock may be off', () => {
    const { estimate } = eventRate(stream(61, 1e9, 0), { ...CONTEXT, ppm: 50 });
    expect(estimate.high).to.be.closeTo(1 + 50e-6, 1e-9);
    expect(estimate.low).to.be.closeTo(1 - 50e-6, 1e-9);
  });

  it('is unknown with fewer than two events and unbounded with two', () => {
    expect(eventRate([], CONTEXT).value).to.be.NaN;
    expect(eventRate([5], CONTEXT).value).to.be.NaN;
    expect(eventRate([0, 1e9], CONTEXT).estimate).to.include({ value: 1, high: Number.POSITIVE_INFINITY });
    expect(eventRate([7, 7, 7], CONTEXT).value, 'events all at one time').to.be.NaN;
  });
});

describe('jitter', () => {
  it('measures rms, peak-to-peak and percentiles of an alternating stream', () => {
    // Intervals alternate 1 s + 2 ms and 1 s - 2 ms.
    const times = Float64Array.from({ length: 101 }, (_, i) => i * 1e9 + (i % 2) * 2e6);
    const jitter = periodJitter(times, CONTEXT);
    expect(jitter.count).to.equal(100);
    expect(jitter.rms.value).to.be.closeTo(2e6, 1);
    expect(jitter.peakToPeak.value).to.equal(4e6);
    expect(jitter.p90.value).to.be.closeTo(2e6, 200);
    expect(jitter.max.value).to.equal(2e6);
    expect(jitter.mean.value).to.be.closeTo(0, 1e-3);
    expect(cycleToCycleJitter(times, CONTEXT).max.value).to.equal(4e6);
  });

  it('measures against a known period as well', () => {
    const jitter = periodJitter([0, 1.1e9, 2.2e9, 3.3e9], CONTEXT, 1e9);
    expect(jitter.rms.value).to.be.closeTo(1e8, 1e-3);
    expect(jitter.peakToPeak.value).to.equal(0);
  });

  it('leaves p99.9 open with 60 samples, and bounds it with 3,000', () => {
    const few = periodJitter(stream(61, 1e9, 1e5), CONTEXT).p99_9.estimate;
    expect(few.high).to.equal(Number.POSITIVE_INFINITY);
    expect(few.remark).to.contain('too few samples');
    const many = periodJitter(stream(3001, 1e9, 1e5), CONTEXT).p99_9.estimate;
    expect(many.high).to.be.below(1e6);
    expect(many.low).to.be.at.most(many.value);
  });

  it('means nothing in a log without stamps', () => {
    expect(periodJitter([0, 1, 2], CONTEXT).rms.estimate.validity.pacings).to.not.include('reconstructed');
  });
});

describe('latency', () => {
  it('is delivery minus cause', () => {
    const causes = Float64Array.from({ length: 400 }, (_, i) => i * 1e8);
    const delivered = causes.map((t, i) => t + 1000 * (i + 1));
    const values = latency(causes, delivered, CONTEXT);
    expect(values.min.value).to.equal(1000);
    expect(values.max.value).to.equal(400_000);
    expect(values.p50.value).to.be.closeTo(200_000, 20);
    expect(values.p99.value).to.be.closeTo(396_000, 40);
    expect(values.p99.estimate.high).to.be.within(396_000, 400_100);
  });

  it('fills in what a stalled source left out', () => {
    // 100 events of 1 us at 1 ms, then one of 100 ms: 99 more would have waited in it.
    const causes = Float64Array.from({ length: 101 }, (_, i) => i * 1e6);
    const delivered = causes.map((t, i) => t + (i === 100 ? 1e8 : 1e3));
    const plain = latency(causes, delivered, CONTEXT);
    expect(plain.p90.value).to.be.closeTo(1000, 1);
    const corrected = plain.correctedFor(1e6);
    expect(corrected.p90.value).to.be.within(7.5e7, 8.5e7);
    expect(corrected.p90.estimate.remark).to.contain('coordinated omission');
  });

  it('knows nothing of no samples', () => {
    const nothing = latency([], [], CONTEXT);
    for (const statistic of [nothing.p99, nothing.max, nothing.rms, nothing.mean]) {
      expect(statistic.value).to.be.NaN;
      expect(statistic.judge({ max: 1, text: 'at most 1' }).outcome).to.equal('inconclusive');
    }
  });
});

describe('clock error', () => {
  it('finds the rate error of a clock', () => {
    const observed = stream(600, 1e9, 0);
    const claimed = observed.map((_, i) => i * 1e9 * (1 + 20e-6));
    const { estimate } = clockError(claimed, observed, CONTEXT);
    expect(estimate.value).to.be.closeTo(20, 1e-4);
    expect(20).to.be.within(estimate.low, estimate.high);
  });

  it('is not misled by one-sided delays when it uses the envelope', () => {
    const random = createRandom('delays');
    const claimed = Float64Array.from({ length: 600 }, (_, i) => i * 1e9);
    // Delays grow on average, as when a host gets busier; a few still come through at once.
    const observed = claimed.map((t, i) => t * (1 + 10e-6) + (i % 10 === 0 ? 0 : random.float() * i * 1e5));
    const plain = clockError(claimed, observed, CONTEXT).estimate;
    const envelope = clockError(claimed, observed, CONTEXT, true).estimate;
    expect(envelope.value).to.be.closeTo(-10, 0.01);
    expect(Math.abs(plain.value + 10)).to.be.above(5);
    expect(-10).to.be.within(envelope.low, envelope.high);
  });
});

describe('Allan stability of a stream', () => {
  it('is that of white phase noise: sqrt(3) sigma / tau', () => {
    const { value } = allanStability(stream(4000, 1e9, 1e4), 1e9, CONTEXT);
    expect(value).to.be.closeTo((Math.sqrt(3) * 1e4) / 1e9, 1e-6);
  });

  it('is unbounded when a term or two is all there is', () => {
    expect(allanStability(stream(5, 1e9, 1e4), 2e9, CONTEXT).estimate.high).to.equal(Number.POSITIVE_INFINITY);
    expect(allanStability([], 1e9, CONTEXT).value).to.be.NaN;
  });
});
