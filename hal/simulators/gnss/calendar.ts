/** Calendar date, GPS week and time of week of a Unix time, in exact integers. */

const MS_PER_DAY = 86_400_000;
const MS_PER_WEEK = 7 * MS_PER_DAY;
/** 1980-01-06T00:00:00Z, the origin of GPS time (IS-GPS-200, 3.3.4). */
const GPS_EPOCH_MS = 315_964_800_000;

/** First Unix day with one more leap second than the day before, since the origin of GPS time (IERS Bulletin C). */
const LEAP_SECOND_DAYS: readonly number[] = [
  '1981-07-01',
  '1982-07-01',
  '1983-07-01',
  '1985-07-01',
  '1988-01-01',
  '1990-01-01',
  '1991-01-01',
  '1992-07-01',
  '1993-07-01',
  '1994-07-01',
  '1996-01-01',
  '1997-07-01',
  '1999-01-01',
  '2006-01-01',
  '2009-01-01',
  '2012-07-01',
  '2015-07-01',
  '2017-01-01',
].map((day) => Date.parse(`${day}T00:00:00Z`) / MS_PER_DAY);

/** A moment in the fields that messages carry. Owned by its user and filled in place. */
export interface CalendarTime {
  utcMs: number;
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millisecond: number;
  gpsWeek: number;
  /** GPS time of week, ms; ahead of UTC by the leap seconds. */
  timeOfWeekMs: number;
}

export function createCalendarTime(): CalendarTime {
  return {
    utcMs: 0,
    year: 1970,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
    millisecond: 0,
    gpsWeek: 0,
    timeOfWeekMs: 0,
  };
}

/** GPS time minus UTC, in seconds. */
export function leapSeconds(utcMs: number): number {
  const day = Math.floor(utcMs / MS_PER_DAY);
  let count = 0;
  for (const first of LEAP_SECOND_DAYS) if (day >= first) count++;
  return count;
}

/** Fills `time` for the integer `utcMs`; allocates nothing. */
export function setCalendarTime(time: CalendarTime, utcMs: number): void {
  const days = Math.floor(utcMs / MS_PER_DAY);
  let rest = utcMs - days * MS_PER_DAY;
  time.utcMs = utcMs;
  time.hour = Math.floor(rest / 3_600_000);
  rest -= time.hour * 3_600_000;
  time.minute = Math.floor(rest / 60_000);
  rest -= time.minute * 60_000;
  time.second = Math.floor(rest / 1000);
  time.millisecond = rest - time.second * 1000;
  setDate(time, days);
  const gpsMs = utcMs - GPS_EPOCH_MS + leapSeconds(utcMs) * 1000;
  time.gpsWeek = Math.floor(gpsMs / MS_PER_WEEK);
  time.timeOfWeekMs = gpsMs - time.gpsWeek * MS_PER_WEEK;
}

/** The Gregorian date of a day number, counted in years that begin in March so that the leap day comes last. */
function setDate(time: CalendarTime, unixDays: number): void {
  const daysFromMarch0000 = unixDays + 719_468;
  const era = Math.floor(daysFromMarch0000 / 146_097);
  const dayOfEra = daysFromMarch0000 - era * 146_097;
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  time.day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  time.month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  time.year = yearOfEra + era * 400 + (time.month <= 2 ? 1 : 0);
}
