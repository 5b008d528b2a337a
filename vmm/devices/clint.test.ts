/** Tests of the CLINT: registers, and the timer interrupt at exactly its time. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { INTERRUPT } from '../cpu/state-layout.js';
import { CLINT, Clint } from './clint.js';
import { randomAccess } from './device-test-kit.js';

class Setup {
  readonly clock = new VirtualClock();
  readonly events: string[] = [];
  readonly again: number[] = [];
  readonly dues: (number | undefined)[] = [];
  pending = 0;
  readonly clint = new Clint({
    clock: this.clock,
    setAgain: (_, dueNs) => this.again.push(dueNs),
    setPending: (bits, pending, dueNs) => {
      if (pending) this.dues.push(dueNs);
      this.pending = pending ? this.pending | bits : this.pending & ~bits;
      this.events.push(`${this.clock.now()} ${bits}${pending ? '+' : '-'}`);
    },
  });

  compare(high: number, low: number): void {
    this.clint.write(CLINT.mtimecmp, 4, low);
    this.clint.write(CLINT.mtimecmp + 4, 4, high);
  }
}

describe('Clint', () => {
  it('raises MTIP at the nanosecond of the compare value and not before', () => {
    const s = new Setup();
    s.compare(0, 1000);
    s.clock.advanceTo(99_999);
    expect(s.pending).to.equal(0);
    s.clock.advanceTo(200_000);
    expect(s.events).to.deep.equal([`100000 ${INTERRUPT.mtip}+`]);
  });

  it('drops MTIP when the compare value moves into the future, and raises it again there', () => {
    const s = new Setup();
    s.compare(0, 10);
    s.clock.advanceTo(1000);
    s.clint.write(CLINT.mtimecmp, 4, 25);
    expect(s.pending).to.equal(0);
    s.clock.advanceTo(5000);
    expect(s.events.map((e) => e.split(' ')[0])).to.deep.equal(['1000', '1000', '2500']);
  });

  it('raises MTIP at once for a compare value that is due', () => {
    const s = new Setup();
    s.clock.advanceTo(1099);
    s.compare(0, 10);
    expect(s.pending).to.equal(INTERRUPT.mtip);
    s.compare(0, 11);
    expect(s.pending).to.equal(0);
  });

  it('tells when the compare value was due, and of another one that is due while MTIP is set already', () => {
    const s = new Setup();
    s.clock.advanceTo(1099);
    s.compare(0, 7);
    expect(s.dues).to.deep.equal([700]);
    s.clint.write(CLINT.mtimecmp, 4, 10);
    expect(s.again).to.deep.equal([1000]);
    expect(s.events, 'changes of MTIP').to.have.length(1);
  });

  it('never raises MTIP at reset, and for values beyond the clock', () => {
    const s = new Setup();
    expect(s.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
    for (const [high, low] of [
      [0xffff_ffff, 0xffff_ffff],
      [0x8000_0000, 0],
      [0x0020_0000, 0],
      [0x0000_51eb, 0xffff_ffff],
    ]) {
      s.compare(high, low);
      expect(s.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
      expect(s.clint.read(CLINT.mtimecmp, 4)).to.equal(low);
      expect(s.clint.read(CLINT.mtimecmp + 4, 4)).to.equal(high);
    }
    s.compare(0x51eb, 0x851e_b000);
    expect(s.clock.nextDueNs()).to.equal((0x51eb * 2 ** 32 + 0x851e_b000) * 100);
  });

  it('is glitch-free when the low word is set to all ones first, as the manual advises on RV32', () => {
    const s = new Setup();
    s.clock.advanceTo(2 ** 32 * 100 + 500);
    s.compare(0xffff_ffff, 0xffff_ffff);
    s.clint.write(CLINT.mtimecmp + 4, 4, 1);
    s.clint.write(CLINT.mtimecmp, 4, 7);
    expect(s.events).to.deep.equal([]);
    s.clock.advanceTo(2 ** 32 * 100 + 1000);
    expect(s.events).to.deep.equal([`${2 ** 32 * 100 + 700} ${INTERRUPT.mtip}+`]);
  });

  it('reads mtime in ticks of 100 ns, high and low word', () => {
    const s = new Setup();
    s.clock.advanceTo((3 * 2 ** 32 + 17) * 100 + 99);
    expect(s.clint.read(CLINT.mtime, 4)).to.equal(17);
    expect(s.clint.read(CLINT.mtime + 4, 4)).to.equal(3);
    expect(s.clint.ticks).to.equal(3 * 2 ** 32 + 17);
  });

  it('ignores writes to mtime', () => {
    const s = new Setup();
    s.clock.advanceTo(1000);
    s.clint.write(CLINT.mtime, 4, 0);
    expect(s.clint.read(CLINT.mtime, 4)).to.equal(10);
  });

  it('sets and clears MSIP by bit 0 of msip, on changes only', () => {
    const s = new Setup();
    for (const value of [1, 3, 2, 0]) s.clint.write(CLINT.msip, 4, value);
    expect(s.events).to.deep.equal([`0 ${INTERRUPT.msip}+`, `0 ${INTERRUPT.msip}-`]);
    s.clint.write(CLINT.msip, 4, 0xffff_ffff);
    expect(s.clint.read(CLINT.msip, 4)).to.equal(1);
  });

  it('programs mtimecmp by setTimer', () => {
    const s = new Setup();
    s.clint.setTimer(5 * 2 ** 32 + 9);
    expect([s.clint.read(CLINT.mtimecmp, 4), s.clint.read(CLINT.mtimecmp + 4, 4)]).to.deep.equal([9, 5]);
    s.clint.setTimer(2 ** 64);
    expect([s.clint.read(CLINT.mtimecmp, 4), s.clint.read(CLINT.mtimecmp + 4, 4)]).to.deep.equal([
      0xffff_ffff, 0xffff_ffff,
    ]);
    expect(s.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
    s.clint.setTimer(0);
    expect(s.pending).to.equal(INTERRUPT.mtip);
  });

  it('has MTIP equal to mtime >= mtimecmp after 100,000 random accesses at random times', () => {
    const random = createRandom('clint');
    const s = new Setup();
    const favourites = [CLINT.msip, CLINT.mtimecmp, CLINT.mtimecmp + 4, CLINT.mtime, CLINT.mtime + 4];
    for (let i = 0; i < 100_000; i++) {
      randomAccess(random, s.clint, 0x1_0000, favourites);
      if (random.below(4) === 0) s.clint.write(CLINT.mtimecmp + 4, 4, 0);
      s.clock.advanceTo(s.clock.now() + random.below(10) ** 6);
      const compare = s.clint.read(CLINT.mtimecmp + 4, 4) * 2 ** 32 + s.clint.read(CLINT.mtimecmp, 4);
      expect((s.pending & INTERRUPT.mtip) !== 0).to.equal(s.clint.ticks >= compare);
    }
    expect(s.events.length).to.be.above(1000);
  });
});
