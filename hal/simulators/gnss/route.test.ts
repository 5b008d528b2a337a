import { expect } from 'chai';
import { greatCircleBetween } from './geodesy.js';
import { createRoute, createRoutePoint, type RouteParameters, type RoutePoint } from './route.js';

function placeAt(parameters: RouteParameters, elapsedMs: number): RoutePoint {
  const point = createRoutePoint();
  createRoute(parameters).at(elapsedMs, point);
  return point;
}

function speedOf(point: RoutePoint): number {
  return Math.hypot(point.northMps, point.eastMps);
}

describe('route', () => {
  const start = { latDeg: 52.5, lonDeg: 13.4, altM: 34 };

  it('stays at a fixed point, to the last digit', () => {
    const place = placeAt({ kind: 'fixed', ...start }, 3_600_000);
    expect(place).to.deep.equal({ ...start, northMps: 0, eastMps: 0, downMps: -0 });
  });

  it('follows a line at the speed and heading given', () => {
    const place = placeAt({ kind: 'line', ...start, speedMps: 20, headingDeg: 60, climbMps: 0.5 }, 100_000);
    const { distanceM, headingDeg } = greatCircleBetween(52.5, 13.4, place.latDeg, place.lonDeg);
    expect(distanceM).to.be.closeTo(2000, 1e-6);
    expect(headingDeg).to.be.closeTo(60, 1e-6);
    expect(place.altM).to.equal(84);
    expect(speedOf(place)).to.be.closeTo(20, 1e-12);
    expect(place.downMps).to.equal(-0.5);
  });

  it('passes every waypoint on time and stops at the last', () => {
    const points = [start, { latDeg: 52.51, lonDeg: 13.4, altM: 50 }, { latDeg: 52.51, lonDeg: 13.42, altM: 50 }];
    const parameters: RouteParameters = { kind: 'waypoints', points, speedMps: 10, end: 'stop' };
    const firstM = greatCircleBetween(52.5, 13.4, 52.51, 13.4).distanceM;
    const middle = placeAt(parameters, firstM * 100);
    expect(middle.latDeg).to.be.closeTo(52.51, 1e-9);
    expect(middle.altM).to.be.closeTo(50, 1e-6);
    const end = placeAt(parameters, 10_000_000);
    expect(end.latDeg).to.be.closeTo(52.51, 1e-11);
    expect(end.lonDeg).to.be.closeTo(13.42, 1e-11);
    expect(speedOf(end)).to.equal(0);
  });

  it('returns to the first waypoint in a loop', () => {
    const points = [start, { latDeg: 52.51, lonDeg: 13.4, altM: 50 }];
    const aroundMs = 2 * greatCircleBetween(52.5, 13.4, 52.51, 13.4).distanceM * 100;
    const place = placeAt({ kind: 'waypoints', points, speedMps: 10, end: 'loop' }, 3 * aroundMs);
    expect(place.latDeg).to.be.closeTo(52.5, 1e-9);
    expect(place.altM).to.be.closeTo(34, 1e-4);
  });

  it('refuses waypoints that are all one place', () => {
    expect(() => createRoute({ kind: 'waypoints', points: [start, start], speedMps: 1, end: 'stop' })).to.throw(
      'two different points',
    );
  });

  it('keeps the radius of a circle and moves across it', () => {
    const parameters: RouteParameters = { kind: 'circle', ...start, radiusM: 500, speedMps: 15, turn: 'clockwise' };
    for (const elapsedMs of [0, 12_345, 98_700]) {
      const place = placeAt(parameters, elapsedMs);
      expect(greatCircleBetween(52.5, 13.4, place.latDeg, place.lonDeg).distanceM).to.be.closeTo(500, 1e-6);
      expect(speedOf(place)).to.be.closeTo(15, 1e-12);
    }
    const first = placeAt(parameters, 0);
    expect(first.eastMps).to.be.closeTo(15, 1e-9);
    expect(placeAt({ ...parameters, turn: 'anticlockwise' }, 0).eastMps).to.be.closeTo(-15, 1e-9);
  });

  it('has the velocity that its own places show', () => {
    const parameters: RouteParameters = { kind: 'circle', ...start, radiusM: 500, speedMps: 15, turn: 'anticlockwise' };
    const before = placeAt(parameters, 40_000);
    const middle = placeAt(parameters, 40_050);
    const after = placeAt(parameters, 40_100);
    const northMps = ((after.latDeg - before.latDeg) * 111_195.08) / 0.1;
    expect(northMps).to.be.closeTo(middle.northMps, 1e-3);
  });
});
