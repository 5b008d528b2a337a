/** Checks every assertion of the plugin: when it passes, fails, does not decide, and is used wrongly. */

import { AssertionError } from 'chai';
import { RigError } from '../errors.js';
import type { Measurement } from '../metrics/measurement.js';
import type { RunResult } from '../run/run-types.js';
import { FAKE_CELL, type FakeRunOptions, fakeRun } from '../test-support/fake-run.js';
import { currentEvidence, Evidence, setCurrentEvidence } from '../verdict/evidence.js';
import { InconclusiveError } from '../verdict/inconclusive-error.js';
import { RunView } from '../view/run-view.js';
import { type CountedThings, expect } from './index.js';

function view(options: FakeRunOptions = {}): RunView {
  return new RunView(fakeRun(options));
}

/** What `assertion` throws, and what it records as evidence; checked outside of the evidence it makes. */
function judged(assertion: () => unknown): { thrown: unknown; measurements: Measurement[]; expectations: number } {
  const outer = currentEvidence();
  const evidence = new Evidence();
  setCurrentEvidence(evidence);
  let thrown: unknown;
  try {
    assertion();
  } catch (error) {
    thrown = error;
  } finally {
    setCurrentEvidence(outer);
  }
  return { thrown, measurements: evidence.measurements, expectations: evidence.expectations };
}

function expectOutcome(assertion: () => unknown, outcome: Measurement['outcome']): Measurement {
  const { thrown, measurements } = judged(assertion);
  const classes = {
    pass: undefined,
    fail: AssertionError,
    inconclusive: InconclusiveError,
    'not-applicable': undefined,
  };
  const wanted = classes[outcome];
  if (wanted === undefined) expect(thrown).to.equal(undefined);
  else expect(thrown).to.be.instanceOf(wanted);
  const last = measurements.at(-1);
  if (last === undefined) throw new Error('the assertion recorded no measurement');
  expect(last.outcome).to.equal(outcome);
  return last;
}

function expectMisuse(assertion: () => unknown, text: string): void {
  const { thrown } = judged(assertion);
  expect(thrown).to.be.instanceOf(RigError);
  expect((thrown as RigError).message).to.contain(text);
}

describe('expect(channel).rate', () => {
  it('passes, fails and does not decide by ppm', () => {
    expectOutcome(() => expect(view().channel('fix')).to.have.rate('1 Hz').within('50 ppm'), 'pass');
    expectOutcome(
      () =>
        expect(view({ ppm: 100 }).channel('fix'))
          .to.have.rate('1 Hz')
          .within('50 ppm'),
      'fail',
    );
    const noisy = { jitterNs: 8_000_000, ppm: 40 };
    expectOutcome(() => expect(view(noisy).channel('fix')).to.have.rate('1 Hz').within('50 ppm'), 'inconclusive');
  });

  it('derives its limit from the declared clocks: ppm and one quantum of each over the span', () => {
    const good = expectOutcome(
      () =>
        expect(view({ ppm: 2 }).channel('fix'))
          .to.have.rate('1 Hz')
          .within('declared'),
      'pass',
    );
    const ppm = 2 + (1_041_667 / 59e9) * 1e6 + (1 / 59e9) * 1e6;
    expect(good.limit.max).to.be.closeTo(1 + ppm * 1e-6, 1e-12);
    expectOutcome(
      () =>
        expect(view({ ppm: 60 }).channel('fix'))
          .to.have.rate('1 Hz')
          .within('declared'),
      'fail',
    );
    const undeclared = (result: RunResult): RunResult => ({ ...result, clocks: [] });
    const channel = view({ change: undeclared }).channel('fix');
    expectMisuse(() => expect(channel).to.have.rate('1 Hz').within('declared'), 'no clock of the device is declared');
  });

  it('does not decide on a channel that is silent, and refuses one that does not exist', () => {
    const silent = new RunView(fakeRun(), 0, ['satellites']).channel('satellites');
    expectOutcome(() => expect(silent).to.have.rate('1 Hz').within('50 ppm'), 'inconclusive');
    expectMisuse(() => expect(view().channel('fiks')).to.have.rate('1 Hz').within('50 ppm'), 'no channel named "fiks"');
  });

  it('stays open, and is found out, without a limit', () => {
    const evidence = new Evidence();
    setCurrentEvidence(evidence);
    expect(view().channel('fix')).to.have.rate('1 Hz');
    setCurrentEvidence(undefined);
    expect(() => evidence.conclude()).to.throw(`the assertion rate('1 Hz') of fix has no limit`);
  });

  it('leaves plain within alone', () => {
    expect(5).to.be.within(4, 6);
    expect(() => expect(5).to.be.within(6, 7)).to.throw(AssertionError);
  });
});

describe('expect(channel).latency and jitter', () => {
  const five = (options: FakeRunOptions = {}): RunView => view({ seconds: 300, ...options });

  it('judges a percentile against a time', () => {
    expectOutcome(() => expect(five().channel('fix').latency).p99.to.be.below('1 ms'), 'pass');
    expectOutcome(() => expect(five().channel('fix')).to.have.latency.p99.below('100 us'), 'fail');
    expectOutcome(() => expect(five().channel('fix').latency).p99_9.to.be.below('40 ms'), 'inconclusive');
    expectOutcome(() => expect(five().channel('fix').latency).max.to.be.below('40 ms'), 'pass');
    expectOutcome(() => expect(five().channel('fix').latency.p50).to.be.above('150 us'), 'pass');
    expectOutcome(() => expect(five().channel('fix').latency.p50).to.be.within('150 us', '250 us'), 'pass');
  });

  it('judges jitter, by the chain of the design', () => {
    const jittery = five({ jitterNs: 2_000_000 });
    expectOutcome(() => expect(jittery.channel('fix')).jitter.p90.below('3 ms'), 'pass');
    expectOutcome(() => expect(jittery.channel('fix')).jitter.p90.below('1 ms'), 'fail');
    expectOutcome(() => expect(jittery.channel('fix').jitter).peakToPeak.to.be.at.most('4 ms'), 'inconclusive');
    expectOutcome(() => expect(jittery.channel('fix').jitter).peakToPeak.to.be.at.most('4.1 ms'), 'pass');
  });

  it('holds interrupt latency against its computed bound', () => {
    const bounded = (ns: number, clockDomain: 'virtual' | 'wall' = 'virtual'): RunView =>
      view({
        change: (result) => {
          const [first, ...others] = result.guests;
          const bound = { ns, composition: [`${ns} ns: 42 instructions with interrupts off`] };
          return { ...result, clockDomain, guests: [{ ...first, interruptBounds: { serial: bound } }, ...others] };
        },
      });
    const passed = expectOutcome(
      () => expect(bounded(2_000_000).interrupt('serial').latency).to.stayWithin.bound,
      'pass',
    );
    expect(passed.sentence).to.contain('42 instructions with interrupts off');
    expectOutcome(() => expect(bounded(10).interrupt('serial').latency).to.stayWithin.bound, 'fail');
    const wall = expectOutcome(
      () => expect(bounded(2_000_000, 'wall').interrupt('serial').latency).to.stayWithin.bound,
      'inconclusive',
    );
    expect(wall.sentence).to.contain('the bound is that of virtual time');
    expectMisuse(() => expect(view().interrupt('serial').latency).to.stayWithin.bound, 'no bound of this latency');
    expectMisuse(() => expect(bounded(10).interrupt('serial').latency).not.to.stayWithin.bound, 'cannot be negated');
  });

  it('judges interrupt latency, clocks and stability', () => {
    expectOutcome(() => expect(view().interrupt('serial').latency).max.to.be.below('2 us'), 'pass');
    expectMisuse(() => view().interrupt('dac'), 'no latency of an interrupt named "dac"');
    const fast = view({ ppm: 30 }).channel('fix');
    expectOutcome(() => expect(fast.deviceClockError).to.be.within('25 ppm', '35 ppm'), 'pass');
    expectOutcome(() => expect(fast.guestClockError).to.be.below('1 ppm'), 'pass');
    expectOutcome(() => expect(view().channel('fix').allan('2 s')).to.be.below('1 ppb'), 'pass');
  });

  it('does not judge what a log without stamps cannot show', () => {
    const log = (result: RunResult): RunResult => ({
      ...result,
      pacing: 'reconstructed',
      cell: { ...FAKE_CELL, binding: 'replay' },
    });
    const measurement = expectOutcome(
      () => expect(view({ change: log }).channel('fix')).jitter.max.below('1 ns'),
      'not-applicable',
    );
    expect(measurement.sentence).to.contain('reconstructed');
  });

  it('refuses a limit of another dimension, a bare number and a negation', () => {
    const { latency } = five().channel('fix');
    expectMisuse(() => expect(latency).p99.to.be.below('40 Hz'), 'does not fit latency p99');
    expectMisuse(() => expect(latency).p99.to.be.below(40), 'does not fit');
    expectMisuse(() => expect(latency).p99.to.not.be.below('40 ms'), 'cannot be negated');
    expectMisuse(() => expect(five()).p99.to.be.below('40 ms'), 'needs a latency or jitter');
    expectMisuse(() => expect(5).to.have.latency.p99.below('1 ms'), 'needs a channel of a run');
  });

  it('leaves plain numbers alone', () => {
    expect(5).to.be.below(6);
    expect(() => expect(5).to.be.above(6)).to.throw(AssertionError);
    expect(view().exits.dataPath).to.equal(4200);
  });
});

describe('expect(run) on integrity', () => {
  it('finds lost epochs by the truth, also where the sequence has no gap', () => {
    expectOutcome(() => expect(view()).to.have.lostNo.samples, 'pass');
    const lost = expectOutcome(() => expect(view({ lost: [7, 8] })).to.have.lostNo.samples, 'fail');
    expect(lost.value).to.equal(2);
  });

  it('finds gaps in the sequence without any truth', () => {
    const gap = (result: RunResult): RunResult => {
      const { truth: _, ...rest } = result;
      const [guest] = result.guests;
      return { ...rest, guests: [{ ...guest, reports: guest.reports.filter((_report, i) => i !== 10) }] };
    };
    expect(expectOutcome(() => expect(view({ change: gap })).to.have.lostNo.samples, 'fail').value).to.equal(1);
  });

  it('counts reports that the guest dropped', () => {
    const dropped = (result: RunResult): RunResult => ({
      ...result,
      guests: [{ ...result.guests[0], reportsDropped: 3 }],
    });
    expect(expectOutcome(() => expect(view({ change: dropped })).to.have.lostNo.samples, 'fail').value).to.equal(3);
  });

  it('does not call a silent guest lossless', () => {
    const silent = (result: RunResult): RunResult => {
      const { truth: _, ...rest } = result;
      return { ...rest, guests: [{ ...result.guests[0], reports: [] }], wire: { ...result.wire, received: 0 } };
    };
    const run = view({ change: silent });
    expectMisuse(() => expect(run).to.have.lostNo.samples, 'no sample, so nothing shows that none was lost');
    expectMisuse(() => expect(run).to.have.duplicatedNo.samples, 'none was duplicated');
    expectOutcome(() => expect(run).to.have.lostNo.characters, 'inconclusive');
  });

  it('takes no other report for a sample', () => {
    const counting = (result: RunResult): RunResult => {
      const { truth: _, ...rest } = result;
      const [guest] = result.guests;
      return { ...rest, guests: [{ ...guest, reports: guest.reports.filter((r) => r.channel === 'counters') }] };
    };
    expectMisuse(() => expect(view({ change: counting })).to.have.lostNo.samples, 'no sample');
    const { count } = expectOutcome(() => expect(view()).to.have.lostNo.samples, 'pass');
    expect(count).to.equal(60);
  });

  it('finds a guest that falls silent before the input ends, with and without any truth', () => {
    const silentFrom = (epoch: number, known: boolean) =>
      view({
        change: (result) => {
          const { truth = [], ...rest } = result;
          const [guest] = result.guests;
          const reports = guest.reports.filter((r, i) => r.channel !== 'fix' || i < epoch);
          return { ...rest, ...(known ? { truth } : {}), guests: [{ ...guest, reports }] };
        },
      });
    for (const known of [true, false]) {
      const half = expectOutcome(() => expect(silentFrom(30, known)).to.have.lostNo.samples, 'fail');
      expect(half.value).to.equal(30);
      expect(half.sentence).to.contain('silent since 29.5');
    }
    expectOutcome(() => expect(silentFrom(57, false)).to.have.lostNo.samples, 'pass');
    expectOutcome(() => expect(silentFrom(56, false)).to.have.lostNo.samples, 'fail');
  });

  it('finds repeated and late samples', () => {
    expectOutcome(() => expect(view()).to.have.duplicatedNo.samples, 'pass');
    expectOutcome(() => expect(view({ repeated: [3] })).to.have.duplicatedNo.samples, 'fail');
    expectOutcome(() => expect(view()).to.have.reorderedNo.samples, 'pass');
    const swapped = (result: RunResult): RunResult => {
      const [guest] = result.guests;
      const [a, b, ...others] = guest.reports;
      return { ...result, guests: [{ ...guest, reports: [b, a, ...others] }] };
    };
    expectOutcome(() => expect(view({ change: swapped })).to.have.reorderedNo.samples, 'fail');
  });

  it('counts characters and checksum errors', () => {
    expectOutcome(() => expect(view()).to.have.lostNo.characters, 'pass');
    expectOutcome(() => expect(view({ overruns: 1 })).to.have.lostNo.characters, 'fail');
    expectOutcome(() => expect(view()).to.have.checksumErrors(0), 'pass');
    expectOutcome(() => expect(view({ checksumErrors: 2 })).to.have.checksumErrors(0), 'fail');
    expectOutcome(() => expect(view({ checksumErrors: 2 })).to.have.checksumErrors(2), 'pass');
  });

  it('refuses to count errors that nobody counted', () => {
    const mute = (result: RunResult): RunResult => ({
      ...result,
      guests: [{ ...result.guests[0], reports: result.guests[0].reports.filter((r) => r.channel === 'fix') }],
    });
    expectMisuse(() => expect(view({ change: mute })).to.have.checksumErrors(0), 'no counter of checksum errors');
    expectMisuse(() => expect(view({ change: mute })).to.be.conserved(), 'no counter of characters read');
  });

  it('accounts for every character', () => {
    expectOutcome(() => expect(view()).to.be.conserved(), 'pass');
    expectOutcome(() => expect(view({ overruns: 5 })).to.be.conserved(), 'pass');
    const short = (result: RunResult): RunResult => ({ ...result, wire: { ...result.wire, overruns: 0 } });
    const measurement = expectOutcome(() => expect(view({ overruns: 5, change: short })).to.be.conserved(), 'fail');
    expect(measurement.value).to.equal(5);
  });

  it('holds the run to its certification', () => {
    expectOutcome(() => expect(view()).to.be.certified, 'pass');
    const diverged = (result: RunResult): RunResult => ({
      ...result,
      certification: { ...result.certification, certified: false, sentence: 'instruction 12 differs' },
    });
    expect(expectOutcome(() => expect(view({ change: diverged })).to.be.certified, 'fail').sentence).to.contain(
      'instruction 12 differs',
    );
  });

  it('refuses what makes no sense', () => {
    expectMisuse(() => expect(view()).to.have.duplicatedNo.characters, 'characters have no identity');
    expectMisuse(() => (expect(view()).to as unknown as CountedThings).samples, 'needs lostNo');
    expectMisuse(() => expect(view().channel('fix')).to.have.lostNo.samples, 'needs a run');
    expectMisuse(() => expect(view()).to.not.be.certified, 'cannot be negated');
  });
});

describe('expect(channel).match.truth', () => {
  const tolerance = { position: '1e-7 deg', time: 'exact' } as const;

  it('passes a true channel and fails a false one', () => {
    expectOutcome(() => expect(view().channel('fix')).to.match.truth(tolerance), 'pass');
    const off = expectOutcome(
      () => expect(view({ latErrorE9: 1000 }).channel('fix')).to.match.truth(tolerance),
      'fail',
    );
    expect(off.unit).to.equal('deg');
    expect(off.value).to.be.closeTo(1e-6 - 0.5e-7 / 60, 1e-12);
  });

  const altered = (fields: Record<string, number>) =>
    view({
      change: (result) => {
        const [guest] = result.guests;
        const reports = guest.reports.map((r, i) => (i === 4 ? { ...r, fields: { ...r.fields, ...fields } } : r));
        return { ...result, guests: [{ ...guest, reports }] };
      },
    }).channel('fix');

  it('fails fixes that claim hardly any digits, and a false altitude', () => {
    const coarse = expectOutcome(() => expect(altered({ digits: 0 })).to.match.truth(tolerance), 'fail');
    expect(coarse.sentence).to.contain('fewer digits than any receiver sends');
    expectOutcome(() => expect(altered({ altMm: 545_450 })).to.match.truth(tolerance), 'pass');
    const high = expectOutcome(() => expect(altered({ altMm: 546_400 })).to.match.truth(tolerance), 'fail');
    expect(high).to.include({ unit: 'm', value: 1 });
  });

  it('fails a time that was never sent', () => {
    const late = (result: RunResult): RunResult => ({
      ...result,
      truth: result.truth?.filter((_, i) => i !== 5) ?? [],
    });
    expectOutcome(() => expect(view({ change: late }).channel('fix')).to.match.truth({ time: 'exact' }), 'fail');
  });

  it('does not decide without fixes, and is not applicable to a recording', () => {
    const silent = new RunView(fakeRun(), 0, ['satellites']).channel('satellites');
    expectOutcome(() => expect(silent).to.match.truth(tolerance), 'inconclusive');
    const replayed = (result: RunResult): RunResult => {
      const { truth: _, ...rest } = result;
      return { ...rest, cell: { ...FAKE_CELL, binding: 'replay' } };
    };
    expectOutcome(() => expect(view({ change: replayed }).channel('fix')).to.match.truth(tolerance), 'not-applicable');
  });

  it('is an error when a simulator knows no truth, or no tolerance is given', () => {
    const without = (result: RunResult): RunResult => {
      const { truth: _, ...rest } = result;
      return rest;
    };
    expectMisuse(() => expect(view({ change: without }).channel('fix')).to.match.truth(tolerance), 'gave no truth');
    expectMisuse(() => expect(view().channel('fix')).to.match.truth({}), 'needs a tolerance');
  });

  it('leaves plain match alone', () => {
    expect('rigvisor').to.match(/visor$/);
    expect('rigvisor').to.not.match(/^visor/);
    expect(() => expect('rigvisor').to.match(/^visor/)).to.throw(AssertionError);
  });
});

describe('evidence', () => {
  it('counts plain expectations, and keeps measurements that failed', () => {
    expect(judged(() => expect(1).to.equal(1)).expectations).to.equal(1);
    expect(judged(() => expect(1).to.equal(2)).expectations).to.equal(1);
    expect(judged(() => expect(view({ overruns: 1 })).to.have.lostNo.characters).measurements).to.have.length(1);
  });

  it('is missing where nothing was checked', () => {
    expect(() => new Evidence().conclude())
      .to.throw(RigError)
      .that.includes({ code: 'RIG_NO_EVIDENCE' });
  });
});
