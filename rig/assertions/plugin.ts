/** The chai plugin: `expect(run)…` and `expect(run.channel('fix'))…`. */

import type { ClockDomain } from '../../base/index.js';
import { RigError } from '../errors.js';
import type { Distribution } from '../metrics/distribution.js';
import { type Estimate, judge, type Limit, type Measurement } from '../metrics/measurement.js';
import type { Statistic } from '../metrics/statistic.js';
import { parseDurationNs, parseQuantity } from '../plan/quantity.js';
import { currentEvidence } from '../verdict/evidence.js';
import type { RunView } from '../view/run-view.js';
import { conclude, exactly } from './conclude.js';
import {
  type CountKind,
  certified,
  checksumErrors,
  countSamples,
  lostCharacters,
  unaccountedCharacters,
} from './integrity.js';
import { type PendingRate, pendingRate, rateLimit } from './rate.js';
import { is, need } from './subjects.js';
import { truthMeasurements } from './truth.js';
import type { TruthTolerance } from './types.js';

const STATISTICS = [
  'p50',
  'p90',
  'p95',
  'p99',
  'p99_9',
  'p99_99',
  'max',
  'min',
  'mean',
  'rms',
  'peakToPeak',
] as const satisfies readonly (keyof Distribution)[];

const COMPARISONS: readonly (readonly [method: string, end: 'min' | 'max', word: string])[] = [
  ...['below', 'lt', 'lessThan', 'most', 'lte', 'lessThanOrEqual'].map((m) => [m, 'max', 'at most'] as const),
  ...['above', 'gt', 'greaterThan', 'least', 'gte', 'greaterThanOrEqual'].map((m) => [m, 'min', 'at least'] as const),
];

const INSTALLED = Symbol.for('rigvisor.assertions');
const RATE = 'rigvisor.rate';
const COUNT = 'rigvisor.count';
const DEFAULT_ALLOWANCE_NS = 50e6;

/** Installs the assertions; a second call, also from another copy of this module, does nothing. */
export function rigAssertions(chai: Chai.ChaiStatic, utils: Chai.ChaiUtils): void {
  const prototype = chai.Assertion.prototype as unknown as { [INSTALLED]?: boolean };
  if (prototype[INSTALLED]) return;
  prototype[INSTALLED] = true;
  countExpectations(chai);
  addStatistics(chai, utils);
  addComparisons(chai, utils);
  addRate(chai, utils);
  addIntegrity(chai, utils);
  addTruth(chai, utils);
  addBound(chai, utils);
}

/** Every plain chai check made inside a test of a plan is evidence. */
function countExpectations(chai: Chai.ChaiStatic): void {
  const prototype = chai.Assertion.prototype as unknown as { assert: (...args: unknown[]) => void };
  const check = prototype.assert;
  prototype.assert = function (this: unknown, ...args: unknown[]): void {
    const evidence = currentEvidence();
    if (evidence !== undefined) evidence.expectations++;
    check.apply(this, args);
  };
}

function subjectOf(utils: Chai.ChaiUtils, assertion: object): unknown {
  return utils.flag(assertion, 'object');
}

/** An outcome has three ways to end, and "not" would turn an undecided one into a pass. */
function refuseNegation(utils: Chai.ChaiUtils, assertion: object, name: string): void {
  if (utils.flag(assertion, 'negate') === true)
    throw new RigError('RIG_PLAN', `"${name}" of a measurement cannot be negated`, {
      hint: 'say what must hold: .above instead of .not.below',
    });
}

function addStatistics(chai: Chai.ChaiStatic, utils: Chai.ChaiUtils): void {
  for (const name of ['jitter', 'latency'] as const)
    chai.Assertion.addProperty(name, function (this: Chai.AssertionStatic) {
      utils.flag(this, 'object', need('rigvisor.channel', subjectOf(utils, this), name)[name]);
    });
  for (const name of STATISTICS)
    chai.Assertion.addProperty(name, function (this: Chai.AssertionStatic) {
      utils.flag(this, 'object', need('rigvisor.distribution', subjectOf(utils, this), name)[name]);
    });
}

function addComparisons(chai: Chai.ChaiStatic, utils: Chai.ChaiUtils): void {
  for (const [method, end, word] of COMPARISONS)
    chai.Assertion.overwriteMethod(
      method,
      (plain: (...args: unknown[]) => void) =>
        function (this: Chai.AssertionStatic, ...args: unknown[]) {
          const subject = subjectOf(utils, this);
          if (!is('rigvisor.statistic', subject)) return plain.apply(this, args);
          refuseNegation(utils, this, method);
          const value = limitValue(subject, args[0]);
          conclude(subject.judge({ [end]: value, text: `${word} ${String(args[0])}` }));
        },
    );
}

const DIMENSION_UNITS: Readonly<Record<string, string>> = {
  time: 'ns',
  frequency: 'Hz',
  ratio: 'ppm',
  angle: 'deg',
  length: 'm',
};

/** A limit in the statistic's own unit: a text with a unit, or a bare number where the statistic has none. */
function limitValue(statistic: Statistic, limit: unknown): number {
  const { unit, name } = statistic.estimate;
  if (typeof limit === 'number' && (unit === 'count' || unit === '1') && Number.isFinite(limit)) return limit;
  const quantity = typeof limit === 'string' ? parseQuantity(limit) : undefined;
  if (quantity !== undefined && DIMENSION_UNITS[quantity.dimension] === unit) return quantity.value;
  if (quantity?.dimension === 'ratio' && unit === '1') return quantity.value * 1e-6;
  throw new RigError('RIG_PLAN', `the limit ${String(limit)} does not fit ${name}, which is in ${unit}`, {
    where: String(limit),
    hint: `write it with a unit, like '40 ms', '50 ppm' or '1 Hz'`,
  });
}

function addRate(chai: Chai.ChaiStatic, utils: Chai.ChaiUtils): void {
  chai.Assertion.addMethod('rate', function (this: Chai.AssertionStatic, nominal: string) {
    refuseNegation(utils, this, 'rate');
    const pending = pendingRate(need('rigvisor.channel', subjectOf(utils, this), 'rate'), nominal);
    currentEvidence()?.begin(pending.description);
    utils.flag(this, RATE, pending);
  });
  chai.Assertion.overwriteMethod(
    'within',
    (plain: (...args: unknown[]) => void) =>
      function (this: Chai.AssertionStatic, ...args: unknown[]) {
        const pending = utils.flag(this, RATE) as PendingRate | undefined;
        if (pending !== undefined) {
          const limit = rateLimit(pending, String(args[0]), pending.channel.declaredClocks);
          currentEvidence()?.finish(pending.description);
          return conclude(pending.channel.rate.judge(limit));
        }
        const subject = subjectOf(utils, this);
        if (!is('rigvisor.statistic', subject)) return plain.apply(this, args);
        refuseNegation(utils, this, 'within');
        const limit: Limit = {
          min: limitValue(subject, args[0]),
          max: limitValue(subject, args[1]),
          text: `between ${String(args[0])} and ${String(args[1])}`,
        };
        conclude(subject.judge(limit));
      },
  );
}

function concludeZero(run: RunView, estimate: Estimate): void {
  conclude(judge(estimate, exactly(0, 'none'), run.mode));
}

function addIntegrity(chai: Chai.ChaiStatic, utils: Chai.ChaiUtils): void {
  const kinds: Readonly<Record<string, CountKind>> = {
    lostNo: 'lost',
    duplicatedNo: 'duplicated',
    reorderedNo: 'reordered',
  };
  for (const [property, kind] of Object.entries(kinds))
    chai.Assertion.addProperty(property, function (this: Chai.AssertionStatic) {
      refuseNegation(utils, this, property);
      need('rigvisor.run', subjectOf(utils, this), property);
      utils.flag(this, COUNT, kind);
    });
  chai.Assertion.addProperty('samples', function (this: Chai.AssertionStatic) {
    const run = need('rigvisor.run', subjectOf(utils, this), 'samples');
    concludeZero(run, countSamples(run, countKind(utils, this, 'samples')));
  });
  chai.Assertion.addProperty('characters', function (this: Chai.AssertionStatic) {
    const run = need('rigvisor.run', subjectOf(utils, this), 'characters');
    if (countKind(utils, this, 'characters') !== 'lost')
      throw new RigError('RIG_PLAN', 'characters have no identity: only their loss can be counted', {
        hint: 'use .lostNo.characters',
      });
    concludeZero(run, lostCharacters(run));
  });
  chai.Assertion.addMethod('checksumErrors', function (this: Chai.AssertionStatic, count: number) {
    refuseNegation(utils, this, 'checksumErrors');
    const run = need('rigvisor.run', subjectOf(utils, this), 'checksumErrors');
    conclude(judge(checksumErrors(run), exactly(count), run.mode));
  });
  chai.Assertion.addMethod('conserved', function (this: Chai.AssertionStatic, allowance?: string) {
    refuseNegation(utils, this, 'conserved');
    const run = need('rigvisor.run', subjectOf(utils, this), 'conserved');
    const allowanceNs = allowance === undefined ? DEFAULT_ALLOWANCE_NS : parseDurationNs(allowance);
    concludeZero(run, unaccountedCharacters(run, allowanceNs));
  });
  chai.Assertion.addProperty('certified', function (this: Chai.AssertionStatic) {
    refuseNegation(utils, this, 'certified');
    const run = need('rigvisor.run', subjectOf(utils, this), 'certified');
    concludeZero(run, certified(run));
  });
}

function countKind(utils: Chai.ChaiUtils, assertion: object, name: string): CountKind {
  const kind = utils.flag(assertion, COUNT) as CountKind | undefined;
  if (kind === undefined)
    throw new RigError('RIG_PLAN', `"${name}" needs lostNo, duplicatedNo or reorderedNo before it`, { where: name });
  return kind;
}

function addTruth(chai: Chai.ChaiStatic, utils: Chai.ChaiUtils): void {
  const prototype = chai.Assertion.prototype as unknown as { match: (...args: unknown[]) => void };
  const plainMatch = prototype.match;
  // The plain method becomes one that can also be continued, `match.truth(…)`, and does the same when it is called.
  chai.Assertion.addChainableMethod('match', function (this: Chai.AssertionStatic, ...args: unknown[]) {
    plainMatch.apply(this, args);
  });
  chai.Assertion.addMethod('truth', function (this: Chai.AssertionStatic, tolerance: TruthTolerance) {
    refuseNegation(utils, this, 'truth');
    const channel = need('rigvisor.channel', subjectOf(utils, this), 'match.truth');
    for (const measurement of truthMeasurements(channel, channel.truth, tolerance)) conclude(measurement);
  });
}

/** The bound is that of a machine whose instructions take their time; a host that schedules as it likes has none. */
function boundedIn(domain: ClockDomain, measurement: Measurement): Measurement {
  if (domain === 'virtual') return measurement;
  const sentence = `${measurement.sentence}: the bound is that of virtual time, and the host of a run in wall time gives none`;
  return { ...measurement, outcome: 'inconclusive', sentence };
}

function addBound(chai: Chai.ChaiStatic, utils: Chai.ChaiUtils): void {
  chai.Assertion.addProperty('stayWithin', function (this: Chai.AssertionStatic) {
    refuseNegation(utils, this, 'stayWithin');
  });
  chai.Assertion.addProperty('bound', function (this: Chai.AssertionStatic) {
    refuseNegation(utils, this, 'bound');
    const { bound, max } = need('rigvisor.distribution', subjectOf(utils, this), 'stayWithin.bound');
    if (bound === undefined)
      throw new RigError('RIG_PLAN', 'no bound of this latency was computed', {
        where: 'stayWithin.bound',
        hint: 'only interrupts of a guest on the real-time kernel of the SDK have one',
      });
    const text = `at most ${bound.ns} ns, computed (${bound.composition.join('; ')})`;
    conclude(boundedIn(max.mode.clockDomain, max.judge({ max: bound.ns, text })));
  });
}
