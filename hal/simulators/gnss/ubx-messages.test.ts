import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { setCalendarTime } from './calendar.js';
import { Constellation } from './constellation.js';
import { MessageBuffer } from './message-buffer.js';
import { createNavigationSolution, type NavigationSolution } from './navigation-solution.js';
import { UbxMessages } from './ubx-messages.js';
import { ubxChecksum } from './ubx-writer.js';

const SKY = { gps: 8, glonass: 6, galileo: 0, beidou: 0, elevationMaskDeg: 5 };

function solutionAt(latE9: number, lonE9: number): NavigationSolution {
  const solution = createNavigationSolution();
  setCalendarTime(solution.time, Date.UTC(2026, 5, 15, 12, 34, 56, 800));
  solution.timeKnown = true;
  solution.positionKnown = true;
  solution.latE9 = latE9;
  solution.lonE9 = lonE9;
  solution.altMm = 34_567;
  solution.geoidSeparationMm = 39_000;
  solution.northMmps = -3000;
  solution.eastMmps = 4000;
  solution.groundSpeedMmps = 5000;
  solution.headingE5 = 12_686_990;
  solution.horizontalAccuracyMm = 1500;
  return solution;
}

/** The payload of the one frame written, after its envelope has been checked. */
function payload(solution: NavigationSolution, write: (messages: UbxMessages) => void): DataView {
  const buffer = new MessageBuffer(2000);
  const sky = new Constellation(SKY, createRandom(4));
  sky.update(0, solution.positionKnown ? 'tracking' : 'searching');
  write(new UbxMessages(buffer, solution, sky));
  const view = new DataView(buffer.bytes.buffer, 0, buffer.length);
  expect(view.getUint16(0)).to.equal(0xb562);
  expect(view.getUint16(4, true)).to.equal(buffer.length - 8);
  expect(view.getUint16(buffer.length - 2, true)).to.equal(ubxChecksum(buffer.bytes, 2, buffer.length - 2));
  return new DataView(buffer.bytes.buffer, 6, buffer.length - 8);
}

describe('UBX messages', () => {
  it('puts every field of NAV-PVT at its offset', () => {
    const view = payload(solutionAt(52_519_999_951, -13_405_000_049), (m) => m.navPvt());
    expect(view.byteLength).to.equal(92);
    expect(view.getUint32(0, true)).to.equal(86_400_000 + (12 * 3600 + 34 * 60 + 56 + 18) * 1000 + 800);
    expect(view.getUint16(4, true)).to.equal(2026);
    expect([6, 7, 8, 9, 10, 11].map((i) => view.getUint8(i))).to.deep.equal([6, 15, 12, 34, 56, 7]);
    expect(view.getInt32(16, true)).to.equal(800_000_000);
    expect([20, 21, 22, 23].map((i) => view.getUint8(i))).to.deep.equal([3, 1, 0xe0, 14]);
    expect(view.getInt32(24, true)).to.equal(-134_050_000);
    expect(view.getInt32(28, true)).to.equal(525_200_000);
    expect(view.getInt32(32, true)).to.equal(73_567);
    expect(view.getInt32(36, true)).to.equal(34_567);
    expect(view.getUint32(40, true)).to.equal(1500);
    expect([48, 52, 56, 60, 64].map((i) => view.getInt32(i, true))).to.deep.equal([-3000, 4000, 0, 5000, 12_686_990]);
    expect(view.getUint16(76, true)).to.be.within(80, 1000);
  });

  it('says in NAV-PVT that nothing is known', () => {
    const view = payload(createNavigationSolution(), (m) => m.navPvt());
    expect([11, 20, 21, 22, 23].map((i) => view.getUint8(i))).to.deep.equal([0, 0, 0, 0, 0]);
    expect(view.getUint32(40, true)).to.equal(0xffff_ffff);
    expect(view.getUint16(76, true)).to.equal(9999);
  });

  it('gives NAV-POSLLH the same position', () => {
    const view = payload(solutionAt(-1_500, 180_000_000_000), (m) => m.navPosllh());
    expect(view.byteLength).to.equal(28);
    expect(view.getInt32(4, true)).to.equal(1_800_000_000);
    expect(view.getInt32(8, true)).to.equal(-15);
    expect(view.getInt32(16, true)).to.equal(34_567);
  });

  it('gives NAV-SOL in earth-centred centimetres with the GPS week', () => {
    const view = payload(solutionAt(0, 0), (m) => m.navSol());
    expect(view.byteLength).to.equal(52);
    expect(view.getInt16(8, true)).to.equal(2423);
    expect([10, 11].map((i) => view.getUint8(i))).to.deep.equal([3, 0x0d]);
    expect([12, 16, 20].map((i) => view.getInt32(i, true))).to.deep.equal([637_821_057, 0, 0]);
    expect([28, 32, 36].map((i) => view.getInt32(i, true))).to.deep.equal([0, 400, -300]);
    expect(view.getUint8(47)).to.equal(14);
  });

  it('gives the time in NAV-TIMEUTC', () => {
    const view = payload(solutionAt(0, 0), (m) => m.navTimeUtc());
    expect(view.byteLength).to.equal(20);
    expect(view.getInt32(8, true)).to.equal(800_000_000);
    expect(view.getUint16(12, true)).to.equal(2026);
    expect([14, 15, 16, 17, 18, 19].map((i) => view.getUint8(i))).to.deep.equal([6, 15, 12, 34, 56, 7]);
  });

  it('lists every satellite in view in NAV-SAT', () => {
    const view = payload(solutionAt(0, 0), (m) => m.navSat());
    const count = view.getUint8(5);
    expect(count).to.equal(14);
    expect(view.byteLength).to.equal(8 + 12 * count);
    const systems = new Set<number>();
    for (let i = 0; i < count; i++) {
      systems.add(view.getUint8(8 + 12 * i));
      expect(view.getInt16(8 + 12 * i + 4, true)).to.be.within(0, 359);
      expect(view.getUint32(8 + 12 * i + 8, true) & 0x30).to.equal(0x10);
    }
    expect([...systems]).to.deep.equal([0, 6]);
  });
});
