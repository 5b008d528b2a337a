import { expect } from 'chai';
import { createCalendarTime, leapSeconds, setCalendarTime } from './calendar.js';

describe('calendar time', () => {
  it('agrees with the host calendar from 1980 to 2099, at every time of day', () => {
    const time = createCalendarTime();
    for (let utcMs = Date.UTC(1980, 0, 6); utcMs < Date.UTC(2100, 0, 1); utcMs += 86_400_000 * 3 + 3_723_457) {
      setCalendarTime(time, utcMs);
      const { year, month, day, hour, minute, second, millisecond } = time;
      expect(Date.UTC(year, month - 1, day, hour, minute, second, millisecond)).to.equal(utcMs);
    }
  });

  it('keeps the leap day', () => {
    const time = createCalendarTime();
    setCalendarTime(time, Date.UTC(2024, 1, 29, 23, 59, 59, 999));
    expect(time).to.include({ year: 2024, month: 2, day: 29, hour: 23, minute: 59, second: 59, millisecond: 999 });
  });

  it('counts leap seconds from the day they take effect', () => {
    expect(leapSeconds(Date.UTC(1980, 0, 6))).to.equal(0);
    expect(leapSeconds(Date.UTC(2016, 11, 31, 23, 59, 59, 999))).to.equal(17);
    expect(leapSeconds(Date.UTC(2017, 0, 1))).to.equal(18);
  });

  it('gives GPS week and time of week', () => {
    const time = createCalendarTime();
    // The second week number roll-over: week 2048 begins 2019-04-07T00:00:00 GPS, 18 s earlier in UTC.
    setCalendarTime(time, Date.UTC(2019, 3, 6, 23, 59, 42));
    expect(time).to.include({ gpsWeek: 2048, timeOfWeekMs: 0 });
    setCalendarTime(time, Date.UTC(2019, 3, 6, 23, 59, 41, 800));
    expect(time).to.include({ gpsWeek: 2047, timeOfWeekMs: 604_799_800 });
  });
});
