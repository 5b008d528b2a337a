/** The satellites above a simulated receiver: slowly moving, with signal strengths and the dilution of precision they give. */

import type { Random } from '../../../base/index.js';
import { cos, DEGREE, sin } from '../portable-math.js';

/** How one satellite system is numbered. */
export interface SatelliteSystem {
  readonly name: 'gps' | 'glonass' | 'galileo' | 'beidou';
  /** NMEA talker of its GSV sentences. */
  readonly talker: string;
  /** NMEA 4.10 system id. */
  readonly nmeaId: number;
  /** UBX gnssId. */
  readonly gnssId: number;
  readonly highestSatellite: number;
  /** Added to the satellite number in NMEA sentences. */
  readonly nmeaOffset: number;
  /** Centre of the periods of revolution, hours. */
  readonly periodHours: number;
}

/** In the order in which receivers list them. UBX-13003221, appendix "Satellite numbering". */
export const SATELLITE_SYSTEMS: readonly SatelliteSystem[] = [
  { name: 'gps', talker: 'GP', nmeaId: 1, gnssId: 0, highestSatellite: 32, nmeaOffset: 0, periodHours: 11.97 },
  { name: 'glonass', talker: 'GL', nmeaId: 2, gnssId: 6, highestSatellite: 24, nmeaOffset: 64, periodHours: 11.26 },
  { name: 'galileo', talker: 'GA', nmeaId: 3, gnssId: 2, highestSatellite: 36, nmeaOffset: 0, periodHours: 14.08 },
  { name: 'beidou', talker: 'GB', nmeaId: 4, gnssId: 3, highestSatellite: 37, nmeaOffset: 0, periodHours: 12.89 },
];

/** Satellites in the sky, per system, and the elevation below which none is used. */
export interface ConstellationParameters {
  readonly gps: number;
  readonly glonass: number;
  readonly galileo: number;
  readonly beidou: number;
  readonly elevationMaskDeg: number;
}

/** What the receiver knows of the sky: `searching` nothing, `lost` where satellites are but not their signals. */
export type Tracking = 'searching' | 'lost' | 'tracking';

/** Value of a dilution of precision that nothing can be said about, in hundredths. */
export const UNKNOWN_DOP_E2 = 9999;

/** Fewest satellites in the sky for which a position can always be had. */
export const FEWEST_SATELLITES = 4;

/** These many satellites never sink to the mask, so that a constellation never fails by itself. */
const HIGH_SATELLITES = 6;
const HIGHEST_MASK_DEG = 15;

interface Orbit {
  readonly meanElevationDeg: number;
  readonly swingDeg: number;
  readonly phase: number;
  readonly startAzimuthDeg: number;
  readonly radiansPerMs: number;
  readonly degreesPerMs: number;
  readonly strengthDb: number;
}

/** Satellite tables are parallel arrays indexed 0..count-1, ordered by system and number. */
export class Constellation {
  readonly count: number;
  /** Index into `SATELLITE_SYSTEMS`. */
  readonly system: Uint8Array;
  /** Number within the system, from 1. */
  readonly number: Uint8Array;
  readonly azimuthDeg: Int16Array;
  readonly elevationDeg: Int8Array;
  /** Carrier to noise, dBHz; 0 = no signal. */
  readonly signalDb: Uint8Array;
  /** 1 where the receiver lists the satellite. */
  readonly inView: Uint8Array;
  /** 1 where it takes part in the fix. */
  readonly used: Uint8Array;
  usedCount = 0;
  gdopE2 = UNKNOWN_DOP_E2;
  pdopE2 = UNKNOWN_DOP_E2;
  hdopE2 = UNKNOWN_DOP_E2;
  vdopE2 = UNKNOWN_DOP_E2;
  tdopE2 = UNKNOWN_DOP_E2;
  readonly #orbits: Orbit[] = [];
  readonly #maskDeg: number;
  readonly #normal = new Float64Array(16);
  readonly #inverse = new Float64Array(16);

  constructor(parameters: ConstellationParameters, random: Random) {
    this.#maskDeg = Math.min(parameters.elevationMaskDeg, HIGHEST_MASK_DEG);
    const counts = SATELLITE_SYSTEMS.map((system) => Math.min(parameters[system.name], system.highestSatellite));
    this.count = counts.reduce((sum, count) => sum + count, 0);
    this.system = new Uint8Array(this.count);
    this.number = new Uint8Array(this.count);
    this.azimuthDeg = new Int16Array(this.count);
    this.elevationDeg = new Int8Array(this.count);
    this.signalDb = new Uint8Array(this.count);
    this.inView = new Uint8Array(this.count);
    this.used = new Uint8Array(this.count);
    let index = 0;
    counts.forEach((count, system) => {
      for (const number of pickNumbers(count, SATELLITE_SYSTEMS[system].highestSatellite, random)) {
        this.system[index] = system;
        this.number[index] = number;
        this.#orbits.push(createOrbit(index, this.count, SATELLITE_SYSTEMS[system].periodHours, random));
        index++;
      }
    });
  }

  /** Moves the satellites to where they are `elapsedMs` after power-on. Pure but for the tables; allocates nothing. */
  update(elapsedMs: number, tracking: Tracking): void {
    this.usedCount = 0;
    for (let i = 0; i < this.count; i++) {
      const orbit = this.#orbits[i];
      const elevation = orbit.meanElevationDeg + orbit.swingDeg * sin(orbit.phase + orbit.radiansPerMs * elapsedMs);
      const azimuth = orbit.startAzimuthDeg + orbit.degreesPerMs * elapsedMs;
      this.elevationDeg[i] = Math.round(elevation);
      this.azimuthDeg[i] = Math.floor(azimuth - 360 * Math.floor(azimuth / 360));
      this.inView[i] = tracking !== 'searching' && elevation >= 0 ? 1 : 0;
      const heard = tracking === 'tracking' && elevation >= 3;
      const ripple = 2 * sin(orbit.phase * 7 + elapsedMs * 2.1e-4);
      this.signalDb[i] = heard
        ? Math.round(24 + orbit.strengthDb + 20 * sin(Math.max(0, elevation) * DEGREE) + ripple)
        : 0;
      this.used[i] = heard && elevation >= this.#maskDeg ? 1 : 0;
      this.usedCount += this.used[i];
    }
    this.#updateDop();
  }

  /** Satellites the receiver lists, of one system. */
  inViewOf(system: number): number {
    let count = 0;
    for (let i = 0; i < this.count; i++) if (this.system[i] === system) count += this.inView[i];
    return count;
  }

  /** Sets every table to the values that take the most characters to print. */
  setLongest(): void {
    this.usedCount = this.count;
    this.azimuthDeg.fill(359);
    this.elevationDeg.fill(89);
    this.signalDb.fill(50);
    this.inView.fill(1);
    this.used.fill(1);
    this.#setDops(UNKNOWN_DOP_E2, UNKNOWN_DOP_E2, UNKNOWN_DOP_E2, UNKNOWN_DOP_E2, UNKNOWN_DOP_E2);
  }

  /** Dilution of precision from the lines of sight: the diagonal of the inverted normal matrix. */
  #updateDop(): void {
    const normal = this.#normal.fill(0);
    for (let i = 0; i < this.count; i++) {
      if (this.used[i] === 0) continue;
      const elevation = this.elevationDeg[i] * DEGREE;
      const azimuth = this.azimuthDeg[i] * DEGREE;
      const east = cos(elevation) * sin(azimuth);
      const north = cos(elevation) * cos(azimuth);
      addOuterProduct(normal, east, north, sin(elevation));
    }
    if (this.usedCount < FEWEST_SATELLITES || !invertSymmetric4(normal, this.#inverse)) {
      this.#setDops(UNKNOWN_DOP_E2, UNKNOWN_DOP_E2, UNKNOWN_DOP_E2, UNKNOWN_DOP_E2, UNKNOWN_DOP_E2);
      return;
    }
    const [east, north, up, time] = [this.#inverse[0], this.#inverse[5], this.#inverse[10], this.#inverse[15]];
    this.#setDops(toE2(east + north + up + time), toE2(east + north + up), toE2(east + north), toE2(up), toE2(time));
  }

  #setDops(g: number, p: number, h: number, v: number, t: number): void {
    this.gdopE2 = g;
    this.pdopE2 = p;
    this.hdopE2 = h;
    this.vdopE2 = v;
    this.tdopE2 = t;
  }
}

function toE2(variance: number): number {
  return Math.min(UNKNOWN_DOP_E2, Math.round(100 * Math.sqrt(variance)));
}

/** `count` different numbers of 1..highest, ascending. */
function pickNumbers(count: number, highest: number, random: Random): number[] {
  const numbers = Array.from({ length: highest }, (_, i) => i + 1);
  for (let i = 0; i < count; i++) {
    const other = i + random.below(highest - i);
    [numbers[i], numbers[other]] = [numbers[other], numbers[i]];
  }
  return numbers.slice(0, count).sort((a, b) => a - b);
}

/** Spreads the satellites evenly over the azimuths, the first ones safely above the mask. */
function createOrbit(index: number, count: number, periodHours: number, random: Random): Orbit {
  const height = random.float();
  const low = index < HIGH_SATELLITES ? HIGHEST_MASK_DEG + 11 : 2;
  const periodMs = periodHours * (0.9 + 0.2 * random.float()) * 3_600_000;
  return {
    meanElevationDeg: low + height * (78 - low),
    swingDeg: 4 + 6 * random.float(),
    phase: 2 * Math.PI * random.float(),
    startAzimuthDeg: (360 * (index + 0.8 * random.float())) / count,
    radiansPerMs: (2 * Math.PI) / periodMs,
    degreesPerMs: ((random.float() < 0.5 ? 1 : -1) * 360) / periodMs,
    strengthDb: 4 * random.float(),
  };
}

/** Adds v * v^T for v = (e, n, u, 1). */
function addOuterProduct(matrix: Float64Array, e: number, n: number, u: number): void {
  matrix[0] += e * e;
  matrix[1] += e * n;
  matrix[2] += e * u;
  matrix[3] += e;
  matrix[5] += n * n;
  matrix[6] += n * u;
  matrix[7] += n;
  matrix[10] += u * u;
  matrix[11] += u;
  matrix[15] += 1;
}

/**
 * Inverts the symmetric 4x4 matrix whose upper triangle is in `matrix` (destroyed), by Gauss and Jordan without pivots, which a
 * positive definite matrix does not need. False when it is singular.
 */
export function invertSymmetric4(matrix: Float64Array, inverse: Float64Array): boolean {
  inverse.fill(0);
  for (let i = 0; i < 4; i++) {
    inverse[i * 5] = 1;
    for (let j = 0; j < i; j++) matrix[i * 4 + j] = matrix[j * 4 + i];
  }
  for (let pivot = 0; pivot < 4; pivot++) {
    const divisor = matrix[pivot * 5];
    if (!(divisor > 1e-9)) return false;
    for (let j = 0; j < 4; j++) {
      matrix[pivot * 4 + j] /= divisor;
      inverse[pivot * 4 + j] /= divisor;
    }
    for (let row = 0; row < 4; row++) {
      const factor = matrix[row * 4 + pivot];
      if (row === pivot || factor === 0) continue;
      for (let j = 0; j < 4; j++) {
        matrix[row * 4 + j] -= factor * matrix[pivot * 4 + j];
        inverse[row * 4 + j] -= factor * inverse[pivot * 4 + j];
      }
    }
  }
  return true;
}
