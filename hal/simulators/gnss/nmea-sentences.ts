/** The NMEA sentences of a u-blox receiver (UBX-13003221, NMEA protocol, standard messages), field by field as such a receiver fills them. */

import { type Constellation, SATELLITE_SYSTEMS } from './constellation.js';
import type { MessageBuffer } from './message-buffer.js';
import { type NavigationSolution, SLOWEST_COURSE_MMPS } from './navigation-solution.js';
import { NmeaWriter, POWERS_OF_TEN } from './nmea-writer.js';

export interface NmeaSettings {
  readonly talker: 'GP' | 'GN';
  /** Fractional digits of the minutes of latitude and longitude, 1..7. */
  readonly minuteDigits: number;
  /** 4.10 adds the navigational status to RMC, the system id to GSA and the signal id to GSV. */
  readonly version: '4.0' | '4.10';
}

/** GSA has room for so many satellites, and before NMEA 4.10 GGA counts no further. */
const GSA_SATELLITES = 12;
const GSV_SATELLITES = 4;

/** Writes sentences of one epoch into a buffer; nothing allocates. */
export class NmeaSentences {
  readonly #writer: NmeaWriter;
  readonly #is410: boolean;
  readonly #minuteDigits: number;
  readonly #addresses: Readonly<Record<'GGA' | 'RMC' | 'GSA' | 'GLL' | 'VTG' | 'ZDA', string>>;
  readonly #gsvAddresses = SATELLITE_SYSTEMS.map((system) => `${system.talker}GSV`);

  constructor(
    buffer: MessageBuffer,
    readonly solution: NavigationSolution,
    readonly sky: Constellation,
    settings: NmeaSettings,
  ) {
    this.#writer = new NmeaWriter(buffer);
    this.#is410 = settings.version === '4.10';
    this.#minuteDigits = settings.minuteDigits;
    const t = settings.talker;
    this.#addresses = {
      GGA: `${t}GGA`,
      RMC: `${t}RMC`,
      GSA: `${t}GSA`,
      GLL: `${t}GLL`,
      VTG: `${t}VTG`,
      ZDA: `${t}ZDA`,
    };
  }

  gga(): void {
    const { solution, sky } = this;
    const w = this.#writer;
    w.begin(this.#addresses.GGA);
    this.#time();
    this.#position();
    w.text(solution.positionKnown ? '1' : '0');
    w.integer(this.#is410 ? sky.usedCount : Math.min(sky.usedCount, GSA_SATELLITES), 2);
    w.fixed(sky.hdopE2, 2);
    if (solution.positionKnown) {
      w.fixed(Math.round(solution.altMm / 100), 1);
      w.text('M');
      w.fixed(Math.round(solution.geoidSeparationMm / 100), 1);
      w.text('M');
      w.empty(2);
    } else w.empty(6);
    w.end();
  }

  rmc(): void {
    const { solution } = this;
    const w = this.#writer;
    w.begin(this.#addresses.RMC);
    this.#time();
    w.text(solution.positionKnown ? 'A' : 'V');
    this.#position();
    if (solution.positionKnown) {
      w.fixed(this.#thousandthKnots(), 3);
      this.#course();
    } else w.empty(2);
    if (solution.timeKnown) {
      w.integer(solution.time.day, 2);
      w.append(solution.time.month, 2);
      w.append(solution.time.year % 100, 2);
    } else w.empty();
    w.empty(2);
    w.text(solution.positionKnown ? 'A' : 'N');
    if (this.#is410) w.text('V');
    w.end();
  }

  gll(): void {
    const { solution } = this;
    const w = this.#writer;
    w.begin(this.#addresses.GLL);
    this.#position();
    this.#time();
    w.text(solution.positionKnown ? 'A' : 'V');
    w.text(solution.positionKnown ? 'A' : 'N');
    w.end();
  }

  vtg(): void {
    const { solution } = this;
    const w = this.#writer;
    w.begin(this.#addresses.VTG);
    if (solution.positionKnown) {
      this.#course();
      w.text('T');
      w.empty();
      w.text('M');
      w.fixed(this.#thousandthKnots(), 3);
      w.text('N');
      w.fixed(Math.round((solution.groundSpeedMmps * 18) / 5), 3);
      w.text('K');
      w.text('A');
    } else {
      w.empty(8);
      w.text('N');
    }
    w.end();
  }

  zda(): void {
    const { time, timeKnown } = this.solution;
    const w = this.#writer;
    w.begin(this.#addresses.ZDA);
    this.#time();
    if (timeKnown) {
      w.integer(time.day, 2);
      w.integer(time.month, 2);
      w.integer(time.year, 4);
    } else w.empty(3);
    w.text('00');
    w.text('00');
    w.end();
  }

  /** One sentence per satellite system that the receiver has. */
  gsa(): void {
    for (let system = 0; system < SATELLITE_SYSTEMS.length; system++) if (this.#has(system)) this.#gsaOf(system);
  }

  /** As many sentences per satellite system as its satellites in view need, at least one. */
  gsv(): void {
    for (let system = 0; system < SATELLITE_SYSTEMS.length; system++) if (this.#has(system)) this.#gsvOf(system);
  }

  #has(system: number): boolean {
    return this.sky.system.includes(system);
  }

  #gsaOf(system: number): void {
    const { solution, sky } = this;
    const w = this.#writer;
    w.begin(this.#addresses.GSA);
    w.text('A');
    w.text(solution.positionKnown ? '3' : '1');
    let listed = 0;
    for (let i = 0; i < sky.count && listed < GSA_SATELLITES; i++) {
      if (sky.system[i] !== system || sky.used[i] === 0) continue;
      w.integer(sky.number[i] + SATELLITE_SYSTEMS[system].nmeaOffset, 2);
      listed++;
    }
    w.empty(GSA_SATELLITES - listed);
    w.fixed(sky.pdopE2, 2);
    w.fixed(sky.hdopE2, 2);
    w.fixed(sky.vdopE2, 2);
    if (this.#is410) w.integer(SATELLITE_SYSTEMS[system].nmeaId);
    w.end();
  }

  #gsvOf(system: number): void {
    const { sky } = this;
    const inView = sky.inViewOf(system);
    const sentences = Math.max(1, Math.ceil(inView / GSV_SATELLITES));
    let next = 0;
    for (let sentence = 1; sentence <= sentences; sentence++) {
      const w = this.#writer;
      w.begin(this.#gsvAddresses[system]);
      w.integer(sentences);
      w.integer(sentence);
      w.integer(inView, 2);
      for (let listed = 0; listed < GSV_SATELLITES && next < sky.count; next++) {
        if (sky.system[next] !== system || sky.inView[next] === 0) continue;
        w.integer(sky.number[next] + SATELLITE_SYSTEMS[system].nmeaOffset, 2);
        w.integer(sky.elevationDeg[next], 2);
        w.integer(sky.azimuthDeg[next], 3);
        if (sky.signalDb[next] > 0) w.integer(sky.signalDb[next], 2);
        else w.empty();
        listed++;
      }
      if (this.#is410) w.text('0');
      w.end();
    }
  }

  #time(): void {
    const { time, timeKnown } = this.solution;
    const w = this.#writer;
    if (!timeKnown) {
      w.empty();
      return;
    }
    w.integer(time.hour, 2);
    w.append(time.minute, 2);
    w.append(time.second, 2);
    w.appendFraction(Math.floor(time.millisecond / 10), 2);
  }

  #position(): void {
    const { latE9, lonE9, positionKnown } = this.solution;
    if (!positionKnown) {
      this.#writer.empty(4);
      return;
    }
    this.#angle(latE9, 2);
    this.#writer.text(latE9 < 0 ? 'S' : 'N');
    this.#angle(lonE9, 3);
    this.#writer.text(lonE9 < 0 ? 'W' : 'E');
  }

  /** Degrees and minutes, rounded once: the product with 60 is an exact integer. */
  #angle(angleE9: number, degreeDigits: number): void {
    const unit = POWERS_OF_TEN[this.#minuteDigits];
    const magnitude = Math.abs(angleE9);
    let degrees = Math.floor(magnitude / 1e9);
    let minutes = Math.round(((magnitude - degrees * 1e9) * 60) / POWERS_OF_TEN[9 - this.#minuteDigits]);
    if (minutes >= 60 * unit) {
      minutes -= 60 * unit;
      degrees++;
    }
    const whole = Math.floor(minutes / unit);
    this.#writer.integer(degrees, degreeDigits);
    this.#writer.append(whole, 2);
    this.#writer.appendFraction(minutes - whole * unit, this.#minuteDigits);
  }

  #thousandthKnots(): number {
    return Math.round((this.solution.groundSpeedMmps * 3600) / 1852);
  }

  #course(): void {
    const { groundSpeedMmps, headingE5 } = this.solution;
    if (groundSpeedMmps < SLOWEST_COURSE_MMPS) this.#writer.empty();
    else this.#writer.fixed(Math.round(headingE5 / 1000) % 36000, 2);
  }
}
