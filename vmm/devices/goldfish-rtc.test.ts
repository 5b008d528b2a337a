/** Tests of the Goldfish RTC: the time in halves, setting it, and the alarm at exactly its nanosecond. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { TestLine } from './device-test-kit.js';
import { DEFAULT_EPOCH_MS, GOLDFISH_RTC, GoldfishRtc } from './goldfish-rtc.js';

const { TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, IRQ_ENABLED, CLEAR_ALARM, ALARM_STATUS, CLEAR_INTERRUPT } =
  GOLDFISH_RTC;
const EPOCH_NS = BigInt(DEFAULT_EPOCH_MS) * 1_000_000n;

class Setup {
  readonly clock = new VirtualClock();
  readonly line = new TestLine();
  readonly rtc: GoldfishRtc;

  constructor(epochMs?: number) {
    this.rtc = new GoldfishRtc({
      clock: this.clock,
      line: this.line,
      ...(epochMs === undefined ? {} : { epochMs }),
    });
  }

  read(register: number): number {
    return this.rtc.read(register, 4);
  }

  write(register: number, value: number): void {
    this.rtc.write(register, 4, value);
  }

  /** As Linux reads it: low half first. */
  get time(): bigint {
    const low = BigInt(this.read(TIME_LOW));
    return (BigInt(this.read(TIME_HIGH)) << 32n) | low;
  }

  /** As Linux writes both pairs: high half first. */
  writePair(high: number, low: number, value: bigint): void {
    this.write(high, Number((value >> 32n) & 0xffff_ffffn));
    this.write(low, Number(value & 0xffff_ffffn));
  }

  setAlarm(time: bigint): void {
    this.writePair(ALARM_HIGH, ALARM_LOW, time);
    this.write(IRQ_ENABLED, 1);
  }
}

describe('GoldfishRtc', () => {
  it('begins at the start of 2026 and goes on with the clock, to the nanosecond', () => {
    expect(new Date(DEFAULT_EPOCH_MS).toISOString()).to.equal('2026-01-01T00:00:00.000Z');
    const s = new Setup();
    expect(s.time).to.equal(EPOCH_NS);
    for (const now of [1, 4_294_967_295, 4_294_967_296, 3_600_000_000_007, Number.MAX_SAFE_INTEGER]) {
      s.clock.advanceTo(now);
      expect(s.time).to.equal(EPOCH_NS + BigInt(now));
    }
  });

  it('begins at an injected time, before 1970 too', () => {
    expect(new Setup(1_000).time).to.equal(1_000_000_000n);
    expect(BigInt.asIntN(64, new Setup(-1).time)).to.equal(-1_000_000n);
  });

  it('answers TIME_HIGH as it was when TIME_LOW was read', () => {
    const s = new Setup(0);
    s.clock.advanceTo(0xffff_ffff);
    expect(s.read(TIME_LOW)).to.equal(0xffff_ffff);
    s.clock.advanceTo(0x1_0000_0005);
    expect(s.read(TIME_HIGH)).to.equal(0);
    expect([s.read(TIME_LOW), s.read(TIME_HIGH)]).to.deep.equal([5, 1]);
  });

  it('takes a new time, in either order of its halves', () => {
    const s = new Setup();
    s.clock.advanceTo(123_456_789_012);
    const wanted = 0x18a5_0000_ffff_fff0n;
    s.writePair(TIME_HIGH, TIME_LOW, wanted);
    expect(s.time).to.equal(wanted);
    s.clock.advanceTo(123_456_789_012 + 0x20);
    expect(s.time).to.equal(wanted + 0x20n);
    s.write(TIME_LOW, 7);
    s.write(TIME_HIGH, 3);
    expect(s.time).to.equal((3n << 32n) | 7n);
  });

  it('agrees with 64-bit arithmetic through 20,000 random settings', () => {
    const random = createRandom('goldfish time');
    const s = new Setup();
    let offset = EPOCH_NS;
    for (let i = 0; i < 20_000; i++) {
      s.clock.advanceTo(s.clock.now() + random.below(2 ** 38));
      const now = BigInt(s.clock.now());
      const time = BigInt.asUintN(64, now + offset);
      expect(s.time).to.equal(time);
      const half = random.below(4) === 0 ? [0, 0xffff_ffff][random.below(2)] : random.uint32();
      const [high, low] = [time >> 32n, time & 0xffff_ffffn];
      const isLow = random.below(2) === 0;
      s.write(isLow ? TIME_LOW : TIME_HIGH, half);
      const written = isLow ? (high << 32n) | BigInt(half) : (BigInt(half) << 32n) | low;
      offset = written - now;
    }
  });

  it('raises its line at the nanosecond of the alarm, and CLEAR_INTERRUPT lowers it', () => {
    const s = new Setup();
    s.setAlarm(EPOCH_NS + 5_000_000_000n);
    expect([s.read(ALARM_STATUS), s.read(IRQ_ENABLED)]).to.deep.equal([1, 1]);
    s.clock.advanceTo(4_999_999_999);
    expect(s.line.level).to.equal(false);
    s.clock.advanceTo(5_000_000_000);
    expect(s.line.level).to.equal(true);
    expect(s.read(ALARM_STATUS)).to.equal(0);
    s.write(CLEAR_INTERRUPT, 1);
    expect(s.line.level).to.equal(false);
    s.clock.advanceTo(60_000_000_000);
    expect(s.line.rises).to.equal(1);
  });

  it('tells the alarm time that was written', () => {
    const s = new Setup();
    s.writePair(ALARM_HIGH, ALARM_LOW, 0xffff_fffe_8000_0001n);
    expect([s.read(ALARM_HIGH), s.read(ALARM_LOW)]).to.deep.equal([0xffff_fffe, 0x8000_0001]);
  });

  it('goes off at once for a time that is not in the future', () => {
    for (const past of [0n, 1n, EPOCH_NS]) {
      const s = new Setup();
      s.setAlarm(past);
      expect([s.line.level, s.read(ALARM_STATUS)]).to.deep.equal([true, 0]);
    }
  });

  it('does not interrupt after CLEAR_ALARM', () => {
    const s = new Setup();
    s.setAlarm(EPOCH_NS + 100n);
    s.write(CLEAR_ALARM, 1);
    expect(s.read(ALARM_STATUS)).to.equal(0);
    s.clock.advanceTo(1000);
    expect(s.line.level).to.equal(false);
  });

  it('keeps an interrupt pending until it is enabled', () => {
    const s = new Setup();
    s.writePair(ALARM_HIGH, ALARM_LOW, EPOCH_NS + 100n);
    s.clock.advanceTo(1000);
    expect(s.line.level).to.equal(false);
    s.write(IRQ_ENABLED, 1);
    expect(s.line.level).to.equal(true);
    s.write(IRQ_ENABLED, 0);
    expect(s.line.level).to.equal(false);
  });

  it('waits for ever for an alarm beyond the clock, without a timer', () => {
    const s = new Setup();
    s.setAlarm(2n ** 64n - 1n);
    expect(s.read(ALARM_STATUS)).to.equal(1);
    expect(s.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
  });

  it('moves a running alarm with the time', () => {
    const s = new Setup();
    s.setAlarm(EPOCH_NS + 10_000n);
    s.writePair(TIME_HIGH, TIME_LOW, EPOCH_NS + 9_000n);
    s.clock.advanceTo(999);
    expect(s.line.level).to.equal(false);
    s.clock.advanceTo(1000);
    expect(s.line.level).to.equal(true);
  });

  it('answers aligned 32-bit accesses alone', () => {
    const s = new Setup();
    s.rtc.write(IRQ_ENABLED, 1, 1);
    expect([s.read(IRQ_ENABLED), s.rtc.read(TIME_LOW, 2), s.read(0x02), s.read(0x20)]).to.deep.equal([0, 0, 0, 0]);
  });
});
