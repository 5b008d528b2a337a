/** Compares reported fixes with what the simulated receiver knows: time exactly, position to the digits that were sent. */

import type { GuestReport, TruthEpoch } from '../run/run-types.js';

/** `source` values of a fix whose `digits` count fractional digits of degrees; the others count those of minutes. */
const DIGITS_OF_DEGREES = new Set([3, 4, 5]);
/** A guest that claims fewer would excuse its own errors: no receiver sends so few. */
const LEAST_DIGITS_OF_MINUTES = 4;
const LEAST_DIGITS_OF_DEGREES = 7;
/** `altMm` of a message that says nothing of the altitude. */
const ALTITUDE_UNKNOWN = -(2 ** 31);

type Fields = GuestReport['fields'];

export interface TruthComparison {
  /** Fixes whose time is that of an epoch. */
  readonly matched: number;
  /**
   * Fixes that claim a time at which there was no epoch, or a position at an epoch without one; and fixes without a date
   * (negative here) whose position is that of no epoch.
   */
  readonly foreign: readonly number[];
  /** Fixes without a known date; their position may be that of any epoch, their time cannot be compared. */
  readonly undated: number;
  /** Fixes compared by position (2D or 3D). */
  readonly positions: number;
  /** Greatest error of latitude or longitude, in degrees, beyond half a unit of the last digit sent. */
  readonly worstBeyondDigitsDeg: number;
  /** Greatest plain error, in degrees. */
  readonly worstDeg: number;
  /** Fixes that claim fewer digits than any receiver sends; forgiven only half a unit of the fewest that one sends. */
  readonly coarse: number;
  /** Fixes compared by altitude: those that give one at an epoch with a 3D fix. */
  readonly altitudes: number;
  readonly worstAltitudeMm: number;
  /** Epochs with a fix, sent to the end by `untilNs`, that no report names. */
  readonly missing: readonly number[];
}

export function compareWithTruth(
  reports: readonly GuestReport[],
  truth: readonly TruthEpoch[],
  untilNs: number,
): TruthComparison {
  const epochs = new Map(truth.map((epoch) => [epoch.utcMs, epoch]));
  const seen = new Set<number>();
  const foreign: number[] = [];
  let undated = 0;
  let positions = 0;
  let worstDeg = 0;
  let worstBeyondDigitsDeg = 0;
  let coarse = 0;
  let altitudes = 0;
  let worstAltitudeMm = 0;
  const compare = (fields: Fields, epoch: TruthEpoch): void => {
    positions++;
    const error = distanceDeg(fields, epoch);
    worstDeg = Math.max(worstDeg, error);
    worstBeyondDigitsDeg = Math.max(worstBeyondDigitsDeg, error - halfLastDigitDeg(fields));
    if (fields.digits < leastDigits(fields)) coarse++;
    if (epoch.mode < 3 || fields.altMm === undefined || fields.altMm === ALTITUDE_UNKNOWN) return;
    altitudes++;
    worstAltitudeMm = Math.max(worstAltitudeMm, Math.abs(fields.altMm - epoch.altMm));
  };
  for (const { fields } of reports) {
    const isDated = fields.utcMs >= 0;
    if (!isDated) undated++;
    const epoch = isDated ? epochs.get(fields.utcMs) : nearest(fields, truth);
    if (isDated && epoch !== undefined) seen.add(fields.utcMs);
    if (isDated && epoch === undefined) foreign.push(fields.utcMs);
    else if (fields.mode >= 2) {
      const elsewhere = epoch === undefined || epoch.mode < 2 || (!isDated && !isThere(fields, epoch));
      if (elsewhere) foreign.push(isDated ? fields.utcMs : -1);
      else compare(fields, epoch);
    }
  }
  const missing = truth
    .filter((e) => e.mode >= 2 && e.sentNs !== undefined && e.sentNs <= untilNs && !seen.has(e.utcMs))
    .map((e) => e.utcMs);
  const worst = { worstBeyondDigitsDeg, worstDeg, worstAltitudeMm };
  return { matched: seen.size, foreign, undated, positions, altitudes, coarse, ...worst, missing };
}

/** The epoch with a fix that lies nearest to a fix without a date. */
function nearest(fields: Fields, truth: readonly TruthEpoch[]): TruthEpoch | undefined {
  let found: TruthEpoch | undefined;
  let least = Number.POSITIVE_INFINITY;
  if (!(fields.mode >= 2)) return undefined;
  for (const epoch of truth) {
    if (epoch.mode < 2) continue;
    const distance = distanceDeg(fields, epoch);
    if (distance >= least) continue;
    least = distance;
    found = epoch;
  }
  return found;
}

/** As near as the digits sent and the unit of a report, 1e-9 degrees, allow. */
function isThere(fields: Fields, epoch: TruthEpoch): boolean {
  return distanceDeg(fields, epoch) - halfLastDigitDeg(fields) <= 1e-9;
}

function distanceDeg(fields: Fields, epoch: TruthEpoch): number {
  return Math.max(Math.abs(fields.latE9 - epoch.latE9), longitudeDistanceE9(fields.lonE9, epoch.lonE9)) / 1e9;
}

/** Half a unit of the last digit that the sentence had; what rounding alone explains. */
function halfLastDigitDeg(fields: Fields): number {
  if (fields.digits === undefined) return 0;
  const unit = Number(`1e-${Math.max(fields.digits, leastDigits(fields))}`);
  return (DIGITS_OF_DEGREES.has(fields.source) ? unit : unit / 60) / 2;
}

function leastDigits({ source }: Fields): number {
  return DIGITS_OF_DEGREES.has(source) ? LEAST_DIGITS_OF_DEGREES : LEAST_DIGITS_OF_MINUTES;
}

function longitudeDistanceE9(a: number, b: number): number {
  const apart = Math.abs(a - b) % 360e9;
  return Math.min(apart, 360e9 - apart);
}
