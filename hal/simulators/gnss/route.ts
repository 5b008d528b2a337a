/** Where a simulated receiver is at any time after power-on: fixed, on a line, along waypoints, on a circle, or as a table says. */

import { HalError } from '../../errors.js';
import { cos, DEGREE, sin } from '../portable-math.js';
import { GreatCircle, greatCircleBetween, type PathPoint, turnDeg } from './geodesy.js';
import { createTableRoute, parseRouteCsv } from './route-csv.js';

/** Position in degrees and metres above mean sea level, velocity in metres per second. Filled in place. */
export interface RoutePoint {
  latDeg: number;
  lonDeg: number;
  altM: number;
  northMps: number;
  eastMps: number;
  downMps: number;
}

export interface Route {
  /** Writes the place at `elapsedMs` (integer, from power-on) into `point`. Pure: any order of calls gives the same places. */
  at(elapsedMs: number, point: RoutePoint): void;
}

interface Place {
  readonly latDeg: number;
  readonly lonDeg: number;
  readonly altM: number;
}

/** The five kinds of route. Speeds are over ground, on a sphere of the earth's mean radius. */
export type RouteParameters =
  | ({ readonly kind: 'fixed' } & Place)
  /** The great circle that leaves the start with this heading. */
  | ({
      readonly kind: 'line';
      readonly speedMps: number;
      readonly headingDeg: number;
      readonly climbMps: number;
    } & Place)
  /** Great circles from point to point; after the last one it stays, or goes back to the first. */
  | {
      readonly kind: 'waypoints';
      readonly points: readonly Place[];
      readonly speedMps: number;
      readonly end: 'stop' | 'loop';
    }
  /** Round a centre, beginning north of it. */
  | ({
      readonly kind: 'circle';
      readonly radiusM: number;
      readonly speedMps: number;
      readonly turn: 'clockwise' | 'anticlockwise';
    } & Place)
  /** Rows `time,lat,lon,alt` (seconds, degrees, degrees, metres), linear in between. */
  | { readonly kind: 'csv'; readonly text: string; readonly end: 'stop' | 'loop' };

export function createRoutePoint(): RoutePoint {
  return { latDeg: 0, lonDeg: 0, altM: 0, northMps: 0, eastMps: 0, downMps: 0 };
}

/** Throws `HAL_INVALID` for a table that cannot be read and for waypoints without a way. */
export function createRoute(parameters: RouteParameters): Route {
  switch (parameters.kind) {
    case 'fixed':
      return new FixedRoute(parameters);
    case 'line':
      return new LineRoute(parameters, parameters.speedMps, parameters.headingDeg, parameters.climbMps);
    case 'waypoints':
      return new WaypointRoute(parameters.points, parameters.speedMps, parameters.end);
    case 'circle':
      return new CircleRoute(parameters, parameters.radiusM, parameters.speedMps, parameters.turn);
    case 'csv':
      return createTableRoute(parseRouteCsv(parameters.text), parameters.end);
  }
}

function setVelocity(point: RoutePoint, speedMps: number, headingDeg: number, climbMps: number): void {
  point.northMps = speedMps * cos(headingDeg * DEGREE);
  point.eastMps = speedMps * sin(headingDeg * DEGREE);
  point.downMps = -climbMps;
}

class FixedRoute implements Route {
  constructor(readonly place: Place) {}

  at(_elapsedMs: number, point: RoutePoint): void {
    point.latDeg = this.place.latDeg;
    point.lonDeg = this.place.lonDeg;
    point.altM = this.place.altM;
    setVelocity(point, 0, 0, 0);
  }
}

class LineRoute implements Route {
  readonly #path: GreatCircle;
  readonly #point: PathPoint = { latDeg: 0, lonDeg: 0, headingDeg: 0 };

  constructor(
    readonly start: Place,
    readonly speedMps: number,
    headingDeg: number,
    readonly climbMps: number,
  ) {
    this.#path = new GreatCircle(start.latDeg, start.lonDeg, headingDeg);
  }

  at(elapsedMs: number, point: RoutePoint): void {
    this.#path.at((this.speedMps * elapsedMs) / 1000, this.#point);
    point.latDeg = this.#point.latDeg;
    point.lonDeg = this.#point.lonDeg;
    point.altM = this.start.altM + (this.climbMps * elapsedMs) / 1000;
    setVelocity(point, this.speedMps, this.#point.headingDeg, this.climbMps);
  }
}

interface Leg {
  readonly path: GreatCircle;
  readonly startM: number;
  readonly lengthM: number;
  readonly startAltM: number;
  readonly climbPerM: number;
}

class WaypointRoute implements Route {
  readonly #legs: Leg[] = [];
  readonly #totalM: number;
  readonly #point: PathPoint = { latDeg: 0, lonDeg: 0, headingDeg: 0 };

  constructor(
    points: readonly Place[],
    readonly speedMps: number,
    readonly end: 'stop' | 'loop',
  ) {
    const stops = end === 'loop' ? [...points, points[0]] : points;
    let startM = 0;
    for (let i = 1; i < stops.length; i++) {
      const { latDeg, lonDeg, altM } = stops[i - 1];
      const { distanceM, headingDeg } = greatCircleBetween(latDeg, lonDeg, stops[i].latDeg, stops[i].lonDeg);
      if (distanceM < 0.001) continue;
      const climbPerM = (stops[i].altM - altM) / distanceM;
      const path = new GreatCircle(latDeg, lonDeg, headingDeg);
      this.#legs.push({ path, startM, lengthM: distanceM, startAltM: altM, climbPerM });
      startM += distanceM;
    }
    if (this.#legs.length === 0) throw new HalError('HAL_INVALID', 'a route of waypoints needs two different points');
    this.#totalM = startM;
  }

  at(elapsedMs: number, point: RoutePoint): void {
    const walkedM = (this.speedMps * elapsedMs) / 1000;
    const arrived = this.end === 'stop' && walkedM >= this.#totalM;
    const alongM = arrived ? this.#totalM : walkedM - this.#totalM * Math.floor(walkedM / this.#totalM);
    let index = this.#legs.length - 1;
    while (index > 0 && this.#legs[index].startM > alongM) index--;
    const leg = this.#legs[index];
    const legM = Math.min(alongM - leg.startM, leg.lengthM);
    leg.path.at(legM, this.#point);
    point.latDeg = this.#point.latDeg;
    point.lonDeg = this.#point.lonDeg;
    point.altM = leg.startAltM + leg.climbPerM * legM;
    const speedMps = arrived ? 0 : this.speedMps;
    setVelocity(point, speedMps, this.#point.headingDeg, leg.climbPerM * speedMps);
  }
}

class CircleRoute implements Route {
  readonly #point: PathPoint = { latDeg: 0, lonDeg: 0, headingDeg: 0 };
  readonly #degreesPerMs: number;

  constructor(
    readonly centre: Place,
    readonly radiusM: number,
    readonly speedMps: number,
    turn: 'clockwise' | 'anticlockwise',
  ) {
    this.#degreesPerMs = ((turn === 'clockwise' ? 1 : -1) * speedMps) / radiusM / DEGREE / 1000;
  }

  at(elapsedMs: number, point: RoutePoint): void {
    const bearingDeg = turnDeg(this.#degreesPerMs * elapsedMs);
    new GreatCircle(this.centre.latDeg, this.centre.lonDeg, bearingDeg).at(this.radiusM, this.#point);
    point.latDeg = this.#point.latDeg;
    point.lonDeg = this.#point.lonDeg;
    point.altM = this.centre.altM;
    setVelocity(point, this.speedMps, this.#point.headingDeg + (this.#degreesPerMs > 0 ? 90 : -90), 0);
  }
}
