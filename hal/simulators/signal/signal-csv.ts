/** A signal from rows of time and value. */

import { HalError } from '../../errors.js';

const MOST_ROWS = 1_000_000;

/** Linear between the rows; before the first and, without `loop`, behind the last it keeps their values. */
export function parseSignalCsv(text: string, loop: boolean): (timeNs: number) => number {
  const times: number[] = [];
  const values: number[] = [];
  let row = 0;
  for (const line of text.split('\n')) {
    row++;
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const [time, value] = trimmed.split(',').map((part) => Number(part.trim() === '' ? Number.NaN : part));
    if (times.length === 0 && Number.isNaN(time)) continue;
    const timeNs = time * 1e9;
    if (!Number.isFinite(timeNs) || !Number.isFinite(value) || timeNs < 0)
      throw refuse(row, `expected "seconds,value", not "${trimmed.slice(0, 40)}"`);
    if (times.length > 0 && timeNs <= times[times.length - 1])
      throw refuse(row, 'its time is not behind the one before');
    if (times.length === MOST_ROWS) throw refuse(row, `more than ${MOST_ROWS} rows`);
    times.push(timeNs);
    values.push(value);
  }
  if (times.length === 0) throw refuse(row, 'there is no row with a value');
  return interpolation(times, values, loop);
}

function refuse(row: number, why: string): HalError {
  return new HalError('HAL_INVALID', `row ${row} of the signal: ${why}`, { where: `row ${row}` });
}

function interpolation(times: readonly number[], values: readonly number[], loop: boolean): (timeNs: number) => number {
  const last = times.length - 1;
  const endNs = times[last];
  return (at) => {
    const timeNs = loop && endNs > 0 ? at % endNs : at;
    if (timeNs <= times[0]) return values[0];
    if (timeNs >= endNs) return values[last];
    let low = 0;
    let high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= timeNs) low = middle;
      else high = middle;
    }
    const share = (timeNs - times[low]) / (times[high] - times[low]);
    return values[low] + share * (values[high] - values[low]);
  };
}
