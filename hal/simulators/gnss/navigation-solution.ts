/** What a receiver knows at one epoch, in the integer units that messages are made from. */

import { atan2, cos, DEGREE } from '../portable-math.js';
import type { CalendarTime } from './calendar.js';
import { createCalendarTime } from './calendar.js';
import { EARTH_RADIUS_M } from './geodesy.js';
import type { RoutePoint } from './route.js';

/** Filled in place at every epoch. Positions and velocities mean something only while `positionKnown`. */
export interface NavigationSolution {
  readonly time: CalendarTime;
  timeKnown: boolean;
  positionKnown: boolean;
  /** Milliseconds since power-on, by the receiver's own time. */
  uptimeMs: number;
  latE9: number;
  /** -180e9 < lonE9 <= 180e9 */
  lonE9: number;
  /** Above mean sea level. */
  altMm: number;
  /** Mean sea level above the ellipsoid. */
  geoidSeparationMm: number;
  northMmps: number;
  eastMmps: number;
  downMmps: number;
  groundSpeedMmps: number;
  /** Course over ground, 0 <= headingE5 < 360e5; the last one known while standing still. */
  headingE5: number;
  horizontalAccuracyMm: number;
  verticalAccuracyMm: number;
  speedAccuracyMmps: number;
}

export function createNavigationSolution(): NavigationSolution {
  return {
    time: createCalendarTime(),
    timeKnown: false,
    positionKnown: false,
    uptimeMs: 0,
    latE9: 0,
    lonE9: 0,
    altMm: 0,
    geoidSeparationMm: 0,
    northMmps: 0,
    eastMmps: 0,
    downMmps: 0,
    groundSpeedMmps: 0,
    headingE5: 0,
    horizontalAccuracyMm: 0,
    verticalAccuracyMm: 0,
    speedAccuracyMmps: 0,
  };
}

const METRES_PER_DEGREE = EARTH_RADIUS_M * DEGREE;

/** Nothing moves slower than this for a receiver: it reports no course then, mm/s. */
export const SLOWEST_COURSE_MMPS = 100;

/** Sets position and velocity to `point`, displaced by an error in metres. */
export function setPosition(
  solution: NavigationSolution,
  point: RoutePoint,
  northM: number,
  eastM: number,
  upM: number,
): void {
  const latDeg = point.latDeg + northM / METRES_PER_DEGREE;
  // A displacement at a pole has no meaningful longitude; the bound keeps it finite.
  const narrowing = Math.max(cos(point.latDeg * DEGREE), 1e-6);
  const lonDeg = point.lonDeg + eastM / (METRES_PER_DEGREE * narrowing);
  solution.latE9 = Math.max(-90e9, Math.min(90e9, Math.round(latDeg * 1e9)));
  solution.lonE9 = wrapLongitude(Math.round(lonDeg * 1e9));
  solution.altMm = Math.round((point.altM + upM) * 1000);
  solution.northMmps = Math.round(point.northMps * 1000);
  solution.eastMmps = Math.round(point.eastMps * 1000);
  solution.downMmps = Math.round(point.downMps * 1000);
  const speedMps = Math.sqrt(point.northMps * point.northMps + point.eastMps * point.eastMps);
  solution.groundSpeedMmps = Math.round(speedMps * 1000);
  if (solution.groundSpeedMmps >= SLOWEST_COURSE_MMPS) {
    const headingE5 = Math.round((atan2(point.eastMps, point.northMps) / DEGREE) * 1e5);
    solution.headingE5 = headingE5 < 0 ? headingE5 + 360e5 : headingE5;
  }
}

function wrapLongitude(lonE9: number): number {
  if (lonE9 > 180e9) return lonE9 - 360e9;
  return lonE9 <= -180e9 ? lonE9 + 360e9 : lonE9;
}
