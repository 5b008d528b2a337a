/** Checks what leads to which verdict, and how verdicts add up. */

import { AssertionError, expect } from 'chai';
import { HalError } from '../../hal/index.js';
import { RigError } from '../errors.js';
import { judge, VALID_EVERYWHERE } from '../metrics/measurement.js';
import { FAKE_CELL } from '../test-support/fake-run.js';
import { InconclusiveError } from './inconclusive-error.js';
import { type CellRecord, cellVerdict, type SessionRecord, sessionVerdict, type TestRecord } from './records.js';
import { aggregate, classify, GRAVITY, type Verdict } from './verdict.js';

describe('aggregation', () => {
  it('takes the gravest, in the order ABORTED, ERROR, TIMEOUT, FAIL, INCONCLUSIVE, PASS, SKIP', () => {
    for (let i = 0; i < GRAVITY.length - 1; i++)
      for (let j = i; j < GRAVITY.length; j++) {
        expect(aggregate([GRAVITY[i], GRAVITY[j]])).to.equal(GRAVITY[i]);
        expect(aggregate([GRAVITY[j], GRAVITY[i]])).to.equal(GRAVITY[i]);
      }
  });

  it('makes an ERROR of nothing, and of nothing but skips', () => {
    expect(aggregate([])).to.equal('ERROR');
    expect(aggregate(['SKIP', 'SKIP'])).to.equal('ERROR');
    expect(aggregate(['SKIP', 'PASS'])).to.equal('PASS');
  });
});

describe('classification', () => {
  const measurement = judge(
    {
      name: 'x',
      subject: 'y',
      unit: 'ns',
      value: Number.NaN,
      low: 0,
      high: 0,
      count: 0,
      clockDomain: 'virtual',
      validity: VALID_EVERYWHERE,
    },
    { max: 1, text: 'at most 1 ns' },
    { clockDomain: 'virtual', binding: 'sim', pacing: 'modelled' },
  );
  const verdicts: readonly (readonly [thrown: unknown, verdict: Verdict, layer: string, code: string])[] = [
    [new AssertionError('no'), 'FAIL', 'plan', 'AssertionError'],
    [new InconclusiveError(measurement), 'INCONCLUSIVE', 'plan', 'InconclusiveError'],
    [new HalError('HAL_DISCONNECTED', 'gone'), 'ERROR', 'hal', 'HAL_DISCONNECTED'],
    [new HalError('HAL_TIMEOUT', 'silent'), 'ERROR', 'hal', 'HAL_TIMEOUT'],
    [new RigError('RIG_NO_EVIDENCE', 'nothing'), 'ERROR', 'rig', 'RIG_NO_EVIDENCE'],
    [new RigError('RIG_TIMEOUT', 'late'), 'TIMEOUT', 'rig', 'RIG_TIMEOUT'],
    [new RigError('RIG_GUEST_ENDLESS', 'endless'), 'TIMEOUT', 'rig', 'RIG_GUEST_ENDLESS'],
    [Object.assign(new Error('mocha'), { code: 'ERR_MOCHA_TIMEOUT' }), 'TIMEOUT', 'plan', 'ERR_MOCHA_TIMEOUT'],
    [new RigError('RIG_ABORTED', 'stop'), 'ABORTED', 'rig', 'RIG_ABORTED'],
    [new TypeError('x is not a function'), 'ERROR', 'plan', 'TypeError'],
    ['a text', 'ERROR', 'plan', 'PLAN_THREW'],
    [undefined, 'ERROR', 'plan', 'PLAN_THREW'],
  ];
  for (const [thrown, verdict, layer, code] of verdicts)
    it(`makes ${verdict} of ${code}`, () => {
      expect(classify(thrown).verdict).to.equal(verdict);
      expect(classify(thrown).error).to.include({ layer, code });
    });

  it('names the first cause and its layer', () => {
    const first = new HalError('HAL_DENIED', 'no permission', { hint: 'join dialout' });
    const { verdict, error } = classify(
      new RigError('RIG_DEVICE_LOST', 'lost', { cause: new Error('x', { cause: first }) }),
    );
    expect(verdict).to.equal('ERROR');
    expect(error).to.include({ layer: 'hal', code: 'HAL_DENIED', hint: 'join dialout' });
  });

  it('survives a circle of causes', () => {
    const a = new Error('a');
    a.cause = new Error('b', { cause: a });
    expect(classify(a).verdict).to.equal('ERROR');
  });
});

describe('records', () => {
  const test = (verdict: Verdict): TestRecord => ({
    title: 't',
    verdict,
    measurements: [],
    expectations: 1,
    notes: [],
    attachments: [],
    attempts: 1,
    wallMs: 0,
  });
  const cell = (...verdicts: Verdict[]): CellRecord => ({
    cell: FAKE_CELL,
    tests: verdicts.map(test),
    runs: [],
    details: [],
    failures: [],
  });
  const session = (cells: CellRecord[], change: Partial<SessionRecord> = {}): SessionRecord => ({
    seed: '',
    cells,
    outside: [],
    failures: [],
    aborted: false,
    ...change,
  });
  const failure = { during: 'tear-down', verdict: 'ERROR', error: { layer: 'rig', code: 'X', message: 'm' } } as const;

  it('make an ERROR of a cell that skipped everything, whatever its neighbours did', () => {
    expect(cellVerdict(cell('SKIP', 'SKIP'))).to.equal('ERROR');
    expect(sessionVerdict(session([cell('PASS'), cell('SKIP')]))).to.equal('ERROR');
    expect(sessionVerdict(session([cell('PASS'), cell('SKIP', 'PASS')]))).to.equal('PASS');
    expect(sessionVerdict(session([]))).to.equal('ERROR');
  });

  it('hear of failures outside tests', () => {
    expect(cellVerdict({ ...cell('PASS'), failures: [failure] })).to.equal('ERROR');
    expect(sessionVerdict(session([cell('PASS')], { failures: [failure] }))).to.equal('ERROR');
    expect(sessionVerdict(session([cell('PASS')], { outside: [test('FAIL')] }))).to.equal('FAIL');
  });

  it('are ABORTED when the session was, even if all that ran passed', () => {
    expect(sessionVerdict(session([cell('PASS')], { aborted: true }))).to.equal('ABORTED');
  });
});
