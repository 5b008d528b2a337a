/** Tests of the test finisher. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { randomAccess } from './device-test-kit.js';
import { type FinisherOutcome, TestFinisher } from './test-finisher.js';

function outcomesOf(writes: readonly (readonly [offset: number, size: number, value: number])[]): FinisherOutcome[] {
  const outcomes: FinisherOutcome[] = [];
  const finisher = new TestFinisher({ finish: (outcome) => outcomes.push(outcome) });
  for (const [offset, size, value] of writes) finisher.write(offset, size, value);
  return outcomes;
}

describe('TestFinisher', () => {
  it('tells pass, fail with its code, and reset', () => {
    expect(
      outcomesOf([
        [0, 4, 0x5555],
        [0, 4, 0xffff_3333],
        [0, 2, 0x3333],
        [0, 4, 0x7777],
      ]),
    ).to.deep.equal([
      { kind: 'pass', code: 0 },
      { kind: 'fail', code: 0xffff },
      { kind: 'fail', code: 0 },
      { kind: 'reset', code: 0 },
    ]);
  });

  it('ignores other values, offsets and single bytes', () => {
    expect(
      outcomesOf([
        [0, 4, 0],
        [0, 4, 0x1111],
        [4, 4, 0x5555],
        [0, 1, 0x55],
      ]),
    ).to.deep.equal([]);
  });

  it('bears 100,000 random accesses', () => {
    const random = createRandom('finisher');
    let finished = 0;
    const finisher = new TestFinisher({ finish: () => finished++ });
    for (let i = 0; i < 100_000; i++) randomAccess(random, finisher, 0x1000, [0]);
    finisher.write(0, 4, 0x5555);
    expect(finished).to.be.above(0);
  });
});
