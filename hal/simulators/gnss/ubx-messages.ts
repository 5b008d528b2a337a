/** The UBX navigation messages of a u-blox M8 (UBX-13003221, UBX protocol, class NAV), made from a navigation solution. */

import { type Constellation, SATELLITE_SYSTEMS } from './constellation.js';
import { type EarthCentred, setEarthCentred, setEarthCentredVector } from './geodesy.js';
import type { MessageBuffer } from './message-buffer.js';
import type { NavigationSolution } from './navigation-solution.js';
import { UbxWriter } from './ubx-writer.js';

const NAV = 0x01;
const NAV_POSLLH = 0x02;
const NAV_SOL = 0x06;
const NAV_PVT = 0x07;
const NAV_TIMEUTC = 0x21;
const NAV_SAT = 0x35;

/** "Nothing is known of this": the largest accuracy estimate. */
const UNKNOWN_ACCURACY = 0xffff_ffff;
const TIME_ACCURACY_NS = 25;

/** Writes messages of one epoch into a buffer; nothing allocates. */
export class UbxMessages {
  readonly #writer: UbxWriter;
  readonly #ecef: EarthCentred = { x: 0, y: 0, z: 0 };

  constructor(
    buffer: MessageBuffer,
    readonly solution: NavigationSolution,
    readonly sky: Constellation,
  ) {
    this.#writer = new UbxWriter(buffer);
  }

  navPvt(): void {
    const { solution, sky } = this;
    const w = this.#writer;
    const known = solution.positionKnown;
    w.begin(NAV, NAV_PVT);
    w.u4(this.#timeOfWeekMs());
    this.#dateAndTime();
    w.u1(solution.timeKnown ? 0x07 : 0);
    w.u4(this.#timeAccuracyNs());
    w.u4(this.#nanoseconds());
    w.u1(known ? 3 : 0);
    w.u1(known ? 0x01 : 0);
    w.u1(solution.timeKnown ? 0xe0 : 0);
    w.u1(sky.usedCount);
    this.#geodetic();
    w.u4(known ? solution.northMmps : 0);
    w.u4(known ? solution.eastMmps : 0);
    w.u4(known ? solution.downMmps : 0);
    w.u4(known ? solution.groundSpeedMmps : 0);
    w.u4(known ? solution.headingE5 : 0);
    w.u4(known ? solution.speedAccuracyMmps : UNKNOWN_ACCURACY);
    w.u4(known ? 500_000 : 18_000_000);
    w.u2(sky.pdopE2);
    w.zeros(6);
    w.u4(0);
    w.u2(0);
    w.u2(0);
    w.end();
  }

  navPosllh(): void {
    const w = this.#writer;
    w.begin(NAV, NAV_POSLLH);
    w.u4(this.#timeOfWeekMs());
    this.#geodetic();
    w.end();
  }

  navSol(): void {
    const { solution, sky } = this;
    const w = this.#writer;
    const known = solution.positionKnown;
    w.begin(NAV, NAV_SOL);
    w.u4(this.#timeOfWeekMs());
    w.u4(0);
    w.u2(solution.timeKnown ? solution.time.gpsWeek : 0);
    w.u1(known ? 3 : 0);
    w.u1((known ? 0x01 : 0) | (solution.timeKnown ? 0x0c : 0));
    const latDeg = solution.latE9 / 1e9;
    const lonDeg = solution.lonE9 / 1e9;
    setEarthCentred(this.#ecef, latDeg, lonDeg, (solution.altMm + solution.geoidSeparationMm) / 1000);
    this.#centimetres(known, 100);
    w.u4(known ? Math.round(solution.horizontalAccuracyMm / 10) : UNKNOWN_ACCURACY);
    const { northMmps, eastMmps, downMmps } = solution;
    setEarthCentredVector(this.#ecef, latDeg, lonDeg, northMmps, eastMmps, downMmps);
    this.#centimetres(known, 0.1);
    w.u4(known ? Math.round(solution.speedAccuracyMmps / 10) : UNKNOWN_ACCURACY);
    w.u2(sky.pdopE2);
    w.u1(0);
    w.u1(sky.usedCount);
    w.u4(0);
    w.end();
  }

  navTimeUtc(): void {
    const w = this.#writer;
    w.begin(NAV, NAV_TIMEUTC);
    w.u4(this.#timeOfWeekMs());
    w.u4(this.#timeAccuracyNs());
    w.u4(this.#nanoseconds());
    this.#dateAndTime();
    w.u1(this.solution.timeKnown ? 0x07 : 0);
    w.end();
  }

  navSat(): void {
    const { sky } = this;
    const w = this.#writer;
    let count = 0;
    for (let i = 0; i < sky.count; i++) count += sky.inView[i];
    w.begin(NAV, NAV_SAT);
    w.u4(this.#timeOfWeekMs());
    w.u1(1);
    w.u1(count);
    w.u2(0);
    for (let i = 0; i < sky.count; i++) {
      if (sky.inView[i] === 0) continue;
      w.u1(SATELLITE_SYSTEMS[sky.system[i]].gnssId);
      w.u1(sky.number[i]);
      w.u1(sky.signalDb[i]);
      w.u1(sky.elevationDeg[i]);
      w.u2(sky.azimuthDeg[i]);
      w.u2(0);
      const quality = sky.signalDb[i] === 0 ? 1 : sky.used[i] === 1 ? 7 : 4;
      // Healthy (bits 4..5 = 1), orbit from ephemeris (bits 8..10 = 1), ephemeris available (bit 11).
      w.u4(quality | (sky.used[i] << 3) | (1 << 4) | (1 << 8) | (1 << 11));
    }
    w.end();
  }

  /** Without the time, a receiver counts from power-on. */
  #timeOfWeekMs(): number {
    return this.solution.timeKnown ? this.solution.time.timeOfWeekMs : this.solution.uptimeMs;
  }

  #timeAccuracyNs(): number {
    return this.solution.timeKnown ? TIME_ACCURACY_NS : UNKNOWN_ACCURACY;
  }

  #nanoseconds(): number {
    return this.solution.timeKnown ? this.solution.time.millisecond * 1_000_000 : 0;
  }

  #dateAndTime(): void {
    const { time, timeKnown } = this.solution;
    const w = this.#writer;
    w.u2(timeKnown ? time.year : 1980);
    w.u1(timeKnown ? time.month : 1);
    w.u1(timeKnown ? time.day : 6);
    w.u1(timeKnown ? time.hour : 0);
    w.u1(timeKnown ? time.minute : 0);
    w.u1(timeKnown ? time.second : 0);
  }

  /** Longitude, latitude (1e-7 degrees), both heights and their accuracies (mm): the same in NAV-PVT and NAV-POSLLH. */
  #geodetic(): void {
    const { solution } = this;
    const w = this.#writer;
    const known = solution.positionKnown;
    w.u4(known ? Math.round(solution.lonE9 / 100) : 0);
    w.u4(known ? Math.round(solution.latE9 / 100) : 0);
    w.u4(known ? solution.altMm + solution.geoidSeparationMm : 0);
    w.u4(known ? solution.altMm : 0);
    w.u4(known ? solution.horizontalAccuracyMm : UNKNOWN_ACCURACY);
    w.u4(known ? solution.verticalAccuracyMm : UNKNOWN_ACCURACY);
  }

  #centimetres(known: boolean, perUnit: number): void {
    this.#writer.u4(known ? Math.round(this.#ecef.x * perUnit) : 0);
    this.#writer.u4(known ? Math.round(this.#ecef.y * perUnit) : 0);
    this.#writer.u4(known ? Math.round(this.#ecef.z * perUnit) : 0);
  }
}
