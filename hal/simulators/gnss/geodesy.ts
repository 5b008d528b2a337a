/** Paths on a sphere and the conversion to earth-centred coordinates; the route of a simulated receiver is laid out with them. */

import { atan2, cos, DEGREE, sin } from '../portable-math.js';

/** Mean radius of the earth (IUGG), metres. Distances and speeds of routes are measured on this sphere. */
export const EARTH_RADIUS_M = 6_371_008.8;

/** WGS 84 ellipsoid: semi-major axis in metres, first eccentricity squared. */
const WGS84_A = 6_378_137;
const WGS84_E2 = 6.694379990141316e-3;

/** A point on a path: where, and which way the path goes there. Filled in place. */
export interface PathPoint {
  latDeg: number;
  /** -180 < lonDeg <= 180 */
  lonDeg: number;
  /** 0 <= headingDeg < 360, clockwise from north. */
  headingDeg: number;
}

/** An angle in degrees as 0 <= a < 360. */
export function turnDeg(angle: number): number {
  const rest = angle - 360 * Math.floor(angle / 360);
  return rest >= 360 ? 0 : rest;
}

/** A great circle through a start point, walked in one direction. Construction computes; walking allocates nothing. */
export class GreatCircle {
  readonly #x: number;
  readonly #y: number;
  readonly #z: number;
  readonly #dx: number;
  readonly #dy: number;
  readonly #dz: number;

  constructor(latDeg: number, lonDeg: number, headingDeg: number) {
    const sinLat = sin(latDeg * DEGREE);
    const cosLat = cos(latDeg * DEGREE);
    const sinLon = sin(lonDeg * DEGREE);
    const cosLon = cos(lonDeg * DEGREE);
    const north = cos(headingDeg * DEGREE);
    const east = sin(headingDeg * DEGREE);
    this.#x = cosLat * cosLon;
    this.#y = cosLat * sinLon;
    this.#z = sinLat;
    this.#dx = -north * sinLat * cosLon - east * sinLon;
    this.#dy = -north * sinLat * sinLon + east * cosLon;
    this.#dz = north * cosLat;
  }

  /** The point `distanceM` along the path, written into `point`. */
  at(distanceM: number, point: PathPoint): void {
    const s = sin(distanceM / EARTH_RADIUS_M);
    const c = cos(distanceM / EARTH_RADIUS_M);
    const x = this.#x * c + this.#dx * s;
    const y = this.#y * c + this.#dy * s;
    const z = this.#z * c + this.#dz * s;
    const tx = this.#dx * c - this.#x * s;
    const ty = this.#dy * c - this.#y * s;
    const tz = this.#dz * c - this.#z * s;
    const across = Math.sqrt(x * x + y * y);
    point.latDeg = atan2(z, across) / DEGREE;
    point.lonDeg = atan2(y, x) / DEGREE;
    if (across === 0) return;
    const east = (x * ty - y * tx) / across;
    const north = tz * across - (z * (x * tx + y * ty)) / across;
    point.headingDeg = turnDeg(atan2(east, north) / DEGREE);
  }
}

/** Length in metres and initial heading of the shorter great circle from one point to another. */
export function greatCircleBetween(
  fromLatDeg: number,
  fromLonDeg: number,
  toLatDeg: number,
  toLonDeg: number,
): { readonly distanceM: number; readonly headingDeg: number } {
  const sinFrom = sin(fromLatDeg * DEGREE);
  const cosFrom = cos(fromLatDeg * DEGREE);
  const sinTo = sin(toLatDeg * DEGREE);
  const cosTo = cos(toLatDeg * DEGREE);
  const sinStep = sin((toLonDeg - fromLonDeg) * DEGREE);
  const cosStep = cos((toLonDeg - fromLonDeg) * DEGREE);
  const east = cosTo * sinStep;
  const north = cosFrom * sinTo - sinFrom * cosTo * cosStep;
  const along = sinFrom * sinTo + cosFrom * cosTo * cosStep;
  return {
    distanceM: EARTH_RADIUS_M * atan2(Math.sqrt(east * east + north * north), along),
    headingDeg: turnDeg(atan2(east, north) / DEGREE),
  };
}

/** Earth-centred, earth-fixed coordinates in metres. Filled in place. */
export interface EarthCentred {
  x: number;
  y: number;
  z: number;
}

/** Position on the WGS 84 ellipsoid to earth-centred coordinates. */
export function setEarthCentred(target: EarthCentred, latDeg: number, lonDeg: number, heightM: number): void {
  const sinLat = sin(latDeg * DEGREE);
  const cosLat = cos(latDeg * DEGREE);
  const primeVertical = WGS84_A / Math.sqrt(1 - WGS84_E2 * sinLat * sinLat);
  target.x = (primeVertical + heightM) * cosLat * cos(lonDeg * DEGREE);
  target.y = (primeVertical + heightM) * cosLat * sin(lonDeg * DEGREE);
  target.z = (primeVertical * (1 - WGS84_E2) + heightM) * sinLat;
}

/** A north-east-down vector at a place, turned into earth-centred axes. */
export function setEarthCentredVector(
  target: EarthCentred,
  latDeg: number,
  lonDeg: number,
  north: number,
  east: number,
  down: number,
): void {
  const sinLat = sin(latDeg * DEGREE);
  const cosLat = cos(latDeg * DEGREE);
  const sinLon = sin(lonDeg * DEGREE);
  const cosLon = cos(lonDeg * DEGREE);
  const outward = -north * sinLat - down * cosLat;
  target.x = outward * cosLon - east * sinLon;
  target.y = outward * sinLon + east * cosLon;
  target.z = north * cosLat - down * sinLat;
}
