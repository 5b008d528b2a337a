import { expect } from 'chai';
import {
  EARTH_RADIUS_M,
  GreatCircle,
  greatCircleBetween,
  type PathPoint,
  setEarthCentred,
  setEarthCentredVector,
  turnDeg,
} from './geodesy.js';

const QUARTER_M = (EARTH_RADIUS_M * Math.PI) / 2;

describe('geodesy', () => {
  const point: PathPoint = { latDeg: 0, lonDeg: 0, headingDeg: 0 };

  it('walks a quarter of the equator and of a meridian', () => {
    new GreatCircle(0, 10, 90).at(QUARTER_M, point);
    expect(point.latDeg).to.be.closeTo(0, 1e-12);
    expect(point.lonDeg).to.be.closeTo(100, 1e-12);
    expect(point.headingDeg).to.be.closeTo(90, 1e-12);
    new GreatCircle(0, 10, 0).at(QUARTER_M / 2, point);
    expect(point.latDeg).to.be.closeTo(45, 1e-12);
    expect(point.headingDeg % 360).to.be.closeTo(0, 1e-10);
  });

  it('crosses the date line and the pole', () => {
    new GreatCircle(0, 179.999, 90).at(1000, point);
    expect(point.lonDeg).to.be.below(-179.99);
    new GreatCircle(89.999, 20, 0).at(1000, point);
    expect(point.lonDeg).to.be.closeTo(-160, 1e-6);
    expect(point.headingDeg).to.be.closeTo(180, 1e-6);
  });

  it('arrives where distance and heading say', () => {
    const { distanceM, headingDeg } = greatCircleBetween(52.52, 13.405, -33.8688, 151.2093);
    new GreatCircle(52.52, 13.405, headingDeg).at(distanceM, point);
    expect(point.latDeg).to.be.closeTo(-33.8688, 1e-10);
    expect(point.lonDeg).to.be.closeTo(151.2093, 1e-10);
    expect(distanceM / 1000).to.be.closeTo(16_090, 15);
  });

  it('gives the earth-centred axes at their ends', () => {
    const p = { x: 0, y: 0, z: 0 };
    setEarthCentred(p, 0, 90, 100);
    expect(p.y).to.be.closeTo(6_378_237, 1e-6);
    setEarthCentred(p, 90, 0, 0);
    expect(p.z).to.be.closeTo(6_356_752.3142, 1e-4);
  });

  it('turns a velocity into earth-centred axes', () => {
    const v = { x: 0, y: 0, z: 0 };
    setEarthCentredVector(v, 0, 0, 1, 2, 3);
    expect([v.x, v.y, v.z]).to.deep.equal([-3, 2, 1]);
  });

  it('keeps an angle within one turn', () => {
    expect([turnDeg(-90), turnDeg(360), turnDeg(725), turnDeg(-1e-20)]).to.deep.equal([270, 0, 5, 0]);
  });
});
