import { expect } from 'chai';
import { CyclicSchedule } from './cyclic-schedule.js';

describe('CyclicSchedule', () => {
  const schedule = new CyclicSchedule(1000, [
    { owner: 'a', offsetNs: 0, durationNs: 200 },
    { owner: 'b', offsetNs: 250, durationNs: 400 },
    { owner: 'a', offsetNs: 700, durationNs: 100 },
  ]);

  it('says until when the owner of a window may run, in every frame', () => {
    for (const frame of [0, 1, 7]) {
      const at = (ns: number) => schedule.ownedUntilNs('a', frame * 1000 + ns) - frame * 1000;
      expect([at(0), at(199), at(200), at(699), at(700), at(800)]).to.deep.equal([200, 200, 200, 699, 800, 800]);
    }
  });

  it('says when an owner runs next', () => {
    expect(schedule.nextStartNs('a', 100)).to.equal(100);
    expect(schedule.nextStartNs('a', 200)).to.equal(700);
    expect(schedule.nextStartNs('a', 5800)).to.equal(6000);
    expect(schedule.nextStartNs('b', 0)).to.equal(250);
    expect(schedule.nextStartNs('b', 999)).to.equal(1250);
    expect(schedule.nextStartNs('c', 0)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('knows the longest absence of each owner', () => {
    expect(schedule.longestAbsenceNs('a')).to.equal(500);
    expect(schedule.longestAbsenceNs('b')).to.equal(600);
    expect(schedule.longestAbsenceNs('c')).to.equal(Number.POSITIVE_INFINITY);
    expect(new CyclicSchedule(10, [{ owner: 'x', offsetNs: 0, durationNs: 10 }]).longestAbsenceNs('x')).to.equal(0);
  });

  it('shares a frame evenly', () => {
    expect(CyclicSchedule.equal(1000, ['a', 'b', 'c']).windows.map(({ offsetNs }) => offsetNs)).to.deep.equal([
      0, 333, 666,
    ]);
  });

  const cases: readonly [string, number, [string, number, number][], RegExp][] = [
    ['a frame that is none', 0, [['a', 0, 1]], /frame of 0 ns/],
    ['no window at all', 10, [], /lets nobody run/],
    ['a window of no length', 10, [['a', 0, 0]], /window of a at 0 ns for 0 ns/],
    [
      'windows that overlap',
      10,
      [
        ['a', 0, 5],
        ['b', 4, 2],
      ],
      /window of b begins at 4 ns/,
    ],
    ['a window beyond the frame', 10, [['a', 8, 3]], /ends at 11 ns/],
  ];
  for (const [what, frameNs, windows, sentence] of cases)
    it(`refuses ${what}`, () => {
      const made = windows.map(([owner, offsetNs, durationNs]) => ({ owner, offsetNs, durationNs }));
      expect(() => new CyclicSchedule(frameNs, made)).to.throw(RangeError, sentence);
    });
});
