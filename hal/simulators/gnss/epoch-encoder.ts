/** Encodes any message of the catalogue from the present solution and sky. */

import type { Constellation } from './constellation.js';
import type { MessageBuffer } from './message-buffer.js';
import { CATALOGUE, type GnssMessageName } from './message-catalogue.js';
import type { NavigationSolution } from './navigation-solution.js';
import { NmeaSentences, type NmeaSettings } from './nmea-sentences.js';
import { UbxMessages } from './ubx-messages.js';

export class EpochEncoder {
  readonly #writers: readonly (() => void)[];

  constructor(
    readonly buffer: MessageBuffer,
    readonly solution: NavigationSolution,
    readonly sky: Constellation,
    settings: NmeaSettings,
  ) {
    const nmea = new NmeaSentences(buffer, solution, sky, settings);
    const ubx = new UbxMessages(buffer, solution, sky);
    const writers: Readonly<Record<GnssMessageName, () => void>> = {
      RMC: () => nmea.rmc(),
      VTG: () => nmea.vtg(),
      GGA: () => nmea.gga(),
      GSA: () => nmea.gsa(),
      GSV: () => nmea.gsv(),
      GLL: () => nmea.gll(),
      ZDA: () => nmea.zda(),
      'NAV-POSLLH': () => ubx.navPosllh(),
      'NAV-SOL': () => ubx.navSol(),
      'NAV-PVT': () => ubx.navPvt(),
      'NAV-TIMEUTC': () => ubx.navTimeUtc(),
      'NAV-SAT': () => ubx.navSat(),
    };
    this.#writers = CATALOGUE.map((entry) => writers[entry.name]);
  }

  /** Appends the message with this index in the catalogue to the buffer. */
  write(index: number): void {
    this.#writers[index]();
  }

  /**
   * Bytes of the longest epoch that the messages switched on in `rates` can make. Overwrites solution, sky and buffer, so it
   * is asked before the first epoch.
   */
  longestEpoch(rates: Uint8Array): number {
    const { solution } = this;
    solution.timeKnown = true;
    solution.positionKnown = true;
    solution.latE9 = -89_999_999_999;
    solution.lonE9 = -179_999_999_999;
    solution.altMm = -10_000_000;
    solution.geoidSeparationMm = -100_000;
    solution.groundSpeedMmps = 999_000;
    solution.headingE5 = 35_900_000;
    this.sky.setLongest();
    this.buffer.clear();
    for (let i = 0; i < rates.length; i++) if (rates[i] > 0) this.write(i);
    const length = this.buffer.length;
    this.buffer.clear();
    solution.headingE5 = 0;
    solution.timeKnown = false;
    solution.positionKnown = false;
    return length;
  }
}
