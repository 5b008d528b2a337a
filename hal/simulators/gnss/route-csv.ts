/** A route given as a table: rows of time, latitude, longitude and altitude, linear in between. */

import { HalError } from '../../errors.js';
import { cos, DEGREE } from '../portable-math.js';
import { EARTH_RADIUS_M } from './geodesy.js';
import type { Route, RoutePoint } from './route.js';

/** Longest table, in rows. */
export const ROUTE_CSV_MAX_ROWS = 200_000;

/** The rows of a table in columns; `timeMs` begins at 0 and increases strictly. */
export interface RouteTable {
  readonly timeMs: Float64Array;
  readonly latDeg: Float64Array;
  readonly lonDeg: Float64Array;
  readonly altM: Float64Array;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;

/**
 * Reads `time,lat,lon[,alt]` in seconds, degrees and metres. Empty lines, lines beginning with `#` and one heading line are
 * skipped; times count from the first row. Throws `HAL_INVALID` naming the line.
 */
export function parseRouteCsv(text: string): RouteTable {
  const rows: number[][] = [];
  let firstS = 0;
  let lastS = Number.NEGATIVE_INFINITY;
  let headingAllowed = true;
  let lineNumber = 0;
  for (const line of text.split(/\r\n|\n|\r/)) {
    lineNumber++;
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const fields = trimmed.split(',').map((field) => field.trim());
    const isHeading = headingAllowed && /^[A-Za-z_"]/.test(fields[0]);
    headingAllowed = false;
    if (isHeading) continue;
    const row = readRow(fields, lineNumber);
    if (rows.length === 0) firstS = row[0];
    if (row[0] <= lastS) throw invalid(lineNumber, `its time ${fields[0]} is not after the row before`);
    lastS = row[0];
    if (rows.length === ROUTE_CSV_MAX_ROWS) throw invalid(lineNumber, `a route has at most ${ROUTE_CSV_MAX_ROWS} rows`);
    rows.push(row);
  }
  if (rows.length === 0) throw new HalError('HAL_INVALID', 'the route table has no row of time,lat,lon,alt');
  return {
    timeMs: Float64Array.from(rows, (row) => (row[0] - firstS) * 1000),
    latDeg: Float64Array.from(rows, (row) => row[1]),
    lonDeg: Float64Array.from(rows, (row) => row[2]),
    altM: Float64Array.from(rows, (row) => row[3]),
  };
}

function invalid(line: number, what: string): HalError {
  return new HalError('HAL_INVALID', `line ${line} of the route table: ${what}`, {
    hint: 'Each row holds seconds, latitude and longitude in degrees, and altitude in metres, separated by commas.',
  });
}

function readRow(fields: readonly string[], line: number): number[] {
  if (fields.length < 3 || fields.length > 4)
    throw invalid(line, `expected time,lat,lon,alt but found ${fields.length} columns`);
  const limits = [1e7, 90, 180, 1e6];
  const names = ['time', 'latitude', 'longitude', 'altitude'];
  const row = [0, 0, 0, 0];
  for (let i = 0; i < fields.length; i++) {
    const value = NUMBER.test(fields[i]) ? Number(fields[i]) : Number.NaN;
    if (!(Math.abs(value) <= limits[i]))
      throw invalid(line, `${names[i]} "${fields[i].slice(0, 40)}" is not a number within ±${limits[i]}`);
    row[i] = value;
  }
  return row;
}

/** Longitude step the short way round, degrees. */
function lonStep(fromDeg: number, toDeg: number): number {
  const step = toDeg - fromDeg;
  return step > 180 ? step - 360 : step < -180 ? step + 360 : step;
}

/** After the last row it stays there (`stop`) or begins again at the first (`loop`). */
export function createTableRoute(table: RouteTable, end: 'stop' | 'loop'): Route {
  return new TableRoute(table, end);
}

class TableRoute implements Route {
  readonly #durationMs: number;

  constructor(
    readonly table: RouteTable,
    readonly end: 'stop' | 'loop',
  ) {
    this.#durationMs = table.timeMs[table.timeMs.length - 1];
  }

  at(elapsedMs: number, point: RoutePoint): void {
    const { timeMs, latDeg, lonDeg, altM } = this.table;
    const last = timeMs.length - 1;
    const loops = this.end === 'loop' && this.#durationMs > 0;
    const inTableMs = loops ? elapsedMs % this.#durationMs : Math.min(elapsedMs, this.#durationMs);
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (timeMs[middle] <= inTableMs) low = middle;
      else high = middle - 1;
    }
    point.latDeg = latDeg[low];
    point.lonDeg = lonDeg[low];
    point.altM = altM[low];
    point.northMps = 0;
    point.eastMps = 0;
    point.downMps = 0;
    if (low === last) return;
    const spanMs = timeMs[low + 1] - timeMs[low];
    const part = (inTableMs - timeMs[low]) / spanMs;
    const latStepDeg = latDeg[low + 1] - latDeg[low];
    const lonStepDeg = lonStep(lonDeg[low], lonDeg[low + 1]);
    const lon = lonDeg[low] + lonStepDeg * part;
    point.latDeg += latStepDeg * part;
    point.lonDeg = lon > 180 ? lon - 360 : lon <= -180 ? lon + 360 : lon;
    point.altM += (altM[low + 1] - altM[low]) * part;
    const metresPerDegree = EARTH_RADIUS_M * DEGREE;
    point.northMps = (latStepDeg * metresPerDegree * 1000) / spanMs;
    point.eastMps = (lonStepDeg * metresPerDegree * cos(point.latDeg * DEGREE) * 1000) / spanMs;
    point.downMps = (-(altM[low + 1] - altM[low]) * 1000) / spanMs;
  }
}
