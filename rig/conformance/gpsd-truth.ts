/** Compares the fixes of a guest with what gpsd decoded from the same log, by the rules of `docs/gnss-conformance.md`. */

import { readFileSync } from 'node:fs';
import type { GuestReport } from '../run/run-types.js';

/** A position that gpsd printed. */
export interface Tpv {
  /** Unix time in ms, -1 when the line has none. */
  readonly utcMs: number;
  readonly latDeg: number;
  readonly lonDeg: number;
  readonly altMslM: number | undefined;
  readonly mode: number;
}

/** Rules M1 to M6; each lists what breaks it. */
export interface Conformance {
  readonly fixes: number;
  readonly timedFixes: number;
  readonly timedTpvs: number;
  readonly untimedTpvs: number;
  readonly broken: Readonly<Record<'M1' | 'M2' | 'M3' | 'M4' | 'M5' | 'M6', readonly string[]>>;
  /** Largest difference of latitude or longitude within rule M1, in degrees. */
  readonly worstDeg: number;
}

const TOLERANCE_DEG = 1e-7;
/** Tolerance plus what a double loses at 180 degrees. */
const LIMIT_DEG = TOLERANCE_DEG + 1e-12;
const WEEK_MS = 604_800_000;
/** gpsd takes an old date for a wrapped week counter and adds so many weeks. */
const ROLL_OVER_MS = 1024 * WEEK_MS;

/** The TPV lines of a `.chk` file that hold a position. `rolledOver`: gpsd has moved the dates by 1,024 weeks. */
export function readTpvs(path: string, rolledOver: boolean): Tpv[] {
  const tpvs: Tpv[] = [];
  for (const line of readFileSync(path, 'latin1').split('\n')) {
    if (!line.startsWith('{') || !line.includes('"class":"TPV"')) continue;
    const tpv = JSON.parse(line) as { mode: number; lat?: number; lon?: number; time?: string; altMSL?: number };
    if (tpv.mode < 2 || tpv.lat === undefined || tpv.lon === undefined) continue;
    const utcMs = tpv.time === undefined ? -1 : Date.parse(tpv.time) - (rolledOver ? ROLL_OVER_MS : 0);
    tpvs.push({ utcMs, latDeg: tpv.lat, lonDeg: tpv.lon, altMslM: tpv.altMSL, mode: tpv.mode });
  }
  return tpvs;
}

export function compareWithGpsd(reports: readonly GuestReport[], tpvs: readonly Tpv[]): Conformance {
  const fixes = reports.filter((report) => report.channel === 'fix').map((report) => report.fields);
  const timed = fixes.filter((fix) => fix.utcMs >= 0);
  const timedTpvs = tpvs.filter((tpv) => tpv.utcMs >= 0);
  const at = (utcMs: number) => timedTpvs.filter((tpv) => tpv.utcMs === utcMs);
  const agreeing = timed.filter((fix) => at(fix.utcMs).some((tpv) => distanceDeg(fix, tpv) <= LIMIT_DEG));
  return {
    fixes: fixes.length,
    timedFixes: timed.length,
    timedTpvs: timedTpvs.length,
    untimedTpvs: tpvs.length - timedTpvs.length,
    worstDeg: Math.max(0, ...agreeing.map((fix) => Math.min(...at(fix.utcMs).map((tpv) => distanceDeg(fix, tpv))))),
    broken: {
      M1: timed.filter((fix) => !agreeing.includes(fix)).map(nameOf),
      M2: timedTpvs
        .filter((tpv) => !timed.some((fix) => fix.utcMs === tpv.utcMs && distanceDeg(fix, tpv) <= LIMIT_DEG))
        .map(nameOf),
      M3: fixes.filter((fix) => fix.utcMs < 0 && !tpvs.some((tpv) => distanceDeg(fix, tpv) <= LIMIT_DEG)).map(nameOf),
      M4: tpvs.filter((tpv) => tpv.utcMs < 0 && !fixes.some((fix) => distanceDeg(fix, tpv) <= LIMIT_DEG)).map(nameOf),
      M5: timed
        .filter((fix) => fix.altMm !== UNKNOWN_ALTITUDE && !at(fix.utcMs).some((tpv) => sameAltitude(fix.altMm, tpv)))
        .map(nameOf),
      M6: timed.filter((fix) => !at(fix.utcMs).some((tpv) => tpv.mode === fix.mode)).map(nameOf),
    },
  };
}

const UNKNOWN_ALTITUDE = -(2 ** 31);

function sameAltitude(altMm: number, tpv: Tpv): boolean {
  return tpv.altMslM !== undefined && Math.abs(altMm - tpv.altMslM * 1000) <= 1 + 1e-6;
}

function distanceDeg(fix: GuestReport['fields'], tpv: Tpv): number {
  return Math.max(Math.abs(fix.latE9 / 1e9 - tpv.latDeg), Math.abs(fix.lonE9 / 1e9 - tpv.lonDeg));
}

/** What an exception is listed under: its time, or its position when it has none. */
function nameOf(item: Tpv | GuestReport['fields']): string {
  if (item.utcMs >= 0) return String(item.utcMs);
  const [lat, lon] = 'latDeg' in item ? [item.latDeg, item.lonDeg] : [item.latE9 / 1e9, item.lonE9 / 1e9];
  return `${Number(lat).toFixed(9)},${Number(lon).toFixed(9)}`;
}
