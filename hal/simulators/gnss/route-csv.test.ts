import { expect } from 'chai';
import { createRoutePoint } from './route.js';
import { createTableRoute, parseRouteCsv, ROUTE_CSV_MAX_ROWS } from './route-csv.js';

describe('route table', () => {
  it('reads rows after comments and a heading, with times from the first row', () => {
    const table = parseRouteCsv('# bench\ntime,lat,lon,alt\r\n10,1,2,3\n\n 12.5 , -1 , +2.5 , 4\n20,0,0\n');
    expect([...table.timeMs]).to.deep.equal([0, 2500, 10_000]);
    expect([...table.latDeg]).to.deep.equal([1, -1, 0]);
    expect([...table.altM]).to.deep.equal([3, 4, 0]);
  });

  it('interpolates and stops at the last row', () => {
    const route = createTableRoute(parseRouteCsv('0,10,20,100\n10,10.001,20,200\n'), 'stop');
    const point = createRoutePoint();
    route.at(5000, point);
    expect(point.latDeg).to.be.closeTo(10.0005, 1e-12);
    expect(point.altM).to.equal(150);
    expect(point.northMps).to.be.closeTo(11.1195, 1e-4);
    expect(point.downMps).to.equal(-10);
    route.at(15_000, point);
    expect(point).to.deep.equal({ latDeg: 10.001, lonDeg: 20, altM: 200, northMps: 0, eastMps: 0, downMps: 0 });
  });

  it('begins again in a loop', () => {
    const route = createTableRoute(parseRouteCsv('0,0,0,0\n10,1,1,1\n'), 'loop');
    const point = createRoutePoint();
    route.at(25_000, point);
    expect(point.latDeg).to.equal(0.5);
  });

  it('takes the short way over the date line', () => {
    const route = createTableRoute(parseRouteCsv('0,0,179.9,0\n10,0,-179.9,0\n'), 'stop');
    const point = createRoutePoint();
    route.at(7500, point);
    expect(point.lonDeg).to.be.closeTo(-179.95, 1e-9);
    expect(point.eastMps).to.be.above(0);
  });

  it('names the line and the column that is wrong', () => {
    expect(() => parseRouteCsv('0,1,2,3\n1,91,2,3')).to.throw('line 2 of the route table: latitude "91"');
    expect(() => parseRouteCsv('0,1,2,3\n1,x,2,3')).to.throw('line 2 of the route table: latitude "x"');
    expect(() => parseRouteCsv('0,1,2,3\n0,1,2,3')).to.throw('line 2 of the route table: its time 0 is not after');
    expect(() => parseRouteCsv('0,1')).to.throw('found 2 columns');
    expect(() => parseRouteCsv('t,lat,lon\n')).to.throw('no row');
  });

  it('bounds the number of rows', () => {
    const rows: string[] = [];
    for (let i = 0; i <= ROUTE_CSV_MAX_ROWS; i++) rows.push(`${i},0,0`);
    expect(() => parseRouteCsv(rows.join('\n'))).to.throw('at most 200000 rows');
  });
});
