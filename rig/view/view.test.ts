/** Checks what views select, and where their times come from. */

import { expect } from 'chai';
import { RigError } from '../errors.js';
import type { GuestReport, RunResult } from '../run/run-types.js';
import { fakeRun } from '../test-support/fake-run.js';
import { RunView } from './run-view.js';

function withoutCause({ causeNs: _, ...report }: GuestReport): GuestReport {
  return report;
}

describe('channel view', () => {
  const fix = new RunView(fakeRun({ seconds: 10, repeated: [4] })).channel('fix');

  it('filters by fields or by function, and keeps the continuity of the whole channel', () => {
    expect(fix.count).to.equal(11);
    expect(fix.where({ source: 1 }).count).to.equal(11);
    expect(fix.where({ source: 2 }).count).to.equal(0);
    const even = fix.where((report) => report.sequence % 2 === 0);
    expect(even.count).to.equal(6);
    expect(even.continuity).to.include({ count: 11, lost: 0 });
  });

  it('takes one report a epoch', () => {
    expect(fix.epochs.count).to.equal(10);
  });

  it('takes times from the rig, the guest or the wire', () => {
    const [first] = fix.reports;
    expect(fix.times[0]).to.equal(first.reportedAtNs);
    expect(fix.by('guest').times[0]).to.equal(first.guestTimeNs);
    expect(fix.by('wire').times[0]).to.equal(first.causeNs);
    expect(fix.by('guest').where({ source: 1 }).times[0]).to.equal(first.guestTimeNs);
    expect(fix.by('guest').stampContext.resolutionNs).to.equal(100);
    expect(fix.stampContext.resolutionNs).to.equal(1);
  });

  it('bounds no latency from above while some reports name no cause', () => {
    const uncaused = (result: RunResult): RunResult => {
      const [guest] = result.guests;
      const reports = guest.reports.map((r, i) => (i % 2 === 0 ? r : withoutCause(r)));
      return { ...result, guests: [{ ...guest, reports }] };
    };
    const { latency } = new RunView(fakeRun({ seconds: 10, change: uncaused })).channel('fix');
    const { estimate } = latency.max;
    expect(estimate).to.include({ count: 5, high: Number.POSITIVE_INFINITY, remark: '5 more could not be measured' });
    expect(latency.max.judge({ max: 1e9, text: 'at most 1 s' }).outcome).to.equal('inconclusive');
    expect(latency.max.judge({ max: 1, text: 'at most 1 ns' }).outcome).to.equal('fail');
    expect(fix.latency.max.estimate).to.not.have.property('remark');
  });

  it('gives a field as numbers', () => {
    expect(fix.field('satellites')).to.deep.equal(Array(11).fill(8));
  });

  it('measures the time interval error against the straight line', () => {
    expect(fix.epochs.timeIntervalError.max.value).to.be.below(1);
  });
});

describe('run view', () => {
  it('shows each guest, and names them where there are several', () => {
    const two = (result: RunResult): RunResult => ({
      ...result,
      guests: [result.guests[0], { ...result.guests[0], name: 'second', instret: 7 }],
    });
    const run = new RunView(fakeRun({ change: two }));
    expect(run.guest(1).instret).to.equal(7);
    expect(run.guest(1).channel('fix').subject).to.equal('second fix');
    expect(() => run.guest(2)).to.throw(RigError, 'there is no guest 2');
  });

  it('refuses a channel that the guest does not have, and shows an empty one that it has', () => {
    const run = new RunView(fakeRun(), 0, ['fix', 'satellites']);
    expect(() => run.channel('fxi'))
      .to.throw(RigError, 'no channel named "fxi"')
      .that.deep.include({ code: 'RIG_PLAN', hint: 'its channels are: fix, satellites, counters' });
    expect(run.channel('satellites').count).to.equal(0);
    expect(run.guest(0).channel('satellites').count).to.equal(0);
    expect(() => new RunView(fakeRun()).channel('fxi')).to.throw('no channel named "fxi"');
  });

  it('reads the last counters, and says which there are not', () => {
    const run = new RunView(fakeRun({ checksumErrors: 3 }));
    expect(run.counter('nmeaChecksumErrors')).to.equal(3);
    expect(() => run.counter('nmea')).to.throw('no counter named "nmea"');
    expect(run.channelNames).to.deep.equal(['fix', 'counters']);
  });
});
