/** Looks at a line for a while and tells its settings and which level it rests at. */

import type { LineSettings } from '../../../serial/serial-port.js';
import { UartDecoder, type UartListener } from './uart-decoder.js';

const USUAL_RATES = [
  300, 600, 1200, 2400, 4800, 9600, 14_400, 19_200, 28_800, 31_250, 38_400, 57_600, 76_800, 115_200, 230_400, 250_000,
  460_800, 500_000, 921_600, 1_000_000, 1_500_000, 2_000_000, 3_000_000,
] as const;

/** Formats that are tried, the likeliest first. */
const FORMATS: readonly Omit<LineSettings, 'baudRate'>[] = [
  { dataBits: 8, parity: 'none', stopBits: 1 },
  { dataBits: 8, parity: 'even', stopBits: 1 },
  { dataBits: 8, parity: 'odd', stopBits: 1 },
  { dataBits: 7, parity: 'even', stopBits: 1 },
  { dataBits: 7, parity: 'odd', stopBits: 1 },
  { dataBits: 7, parity: 'none', stopBits: 1 },
];

const MAX_EDGES = 65_536;
/** Longer runs say nothing of the bit time: pauses. */
const MAX_BITS = 12;
const MIN_PULSES = 8;

/** What is known of a line beforehand; the rest is found out. */
export interface UartAssumptions {
  readonly baudRate?: number | undefined;
  readonly format?: Omit<LineSettings, 'baudRate'> | undefined;
  readonly inverted?: boolean | undefined;
}

export interface UartFinding {
  readonly line: LineSettings;
  /** Whether the line rests at the low level. */
  readonly inverted: boolean;
  /** What was not given but found out or, with too few edges, taken as usual: 9600, 8N1, not inverted. */
  readonly detected: readonly ('baudRate' | 'format' | 'inverted')[];
  /** Bits a second as the pulses tell, 0 when they are too few. */
  readonly measuredRate: number;
}

/** Gathers the first 65,536 edges of one line, and its longest rest. Bounded in memory. */
export class UartSurvey {
  readonly #samplesPerSecond: number;
  readonly #edges = new Float64Array(MAX_EDGES);
  #firstLevel = 1;
  #count = 0;
  #last = -1;
  #level = 1;
  #longest = -1;
  #restLevel = 1;

  constructor(samplesPerSecond: number) {
    this.#samplesPerSecond = samplesPerSecond;
  }

  /** Edges gathered. */
  get edges(): number {
    return this.#count;
  }

  /** From `sample` on the line has `level`; calls that change nothing are ignored. */
  edge(sample: number, level: number): void {
    if (this.#last >= 0 && level === this.#level) return;
    if (this.#last >= 0) this.#rest(sample);
    else this.#firstLevel = level;
    if (this.#count < MAX_EDGES) this.#edges[this.#count++] = sample;
    this.#last = sample;
    this.#level = level;
  }

  /** What the line is, given what is known; `sample`: where the recording ends. */
  finish(sample: number, known: UartAssumptions = {}): UartFinding {
    if (this.#last >= 0) this.#rest(sample);
    const detected: ('baudRate' | 'format' | 'inverted')[] = [];
    if (known.baudRate === undefined) detected.push('baudRate');
    if (known.format === undefined) detected.push('format');
    if (known.inverted === undefined) detected.push('inverted');
    const inverted = known.inverted ?? this.#restLevel === 0;
    const measuredRate = this.#measure();
    const baudRate = known.baudRate ?? usualRate(measuredRate);
    const format = known.format ?? this.#format(baudRate, inverted);
    return { line: { baudRate, ...format }, inverted, detected, measuredRate };
  }

  #rest(sample: number): void {
    if (sample - this.#last <= this.#longest) return;
    this.#longest = sample - this.#last;
    this.#restLevel = this.#level;
  }

  /** The shortest pulse that is no noise is one bit; then all pulses together make it exact. */
  #measure(): number {
    // What lies before the first change began before the recording: no pulse.
    const pulses = this.#count - 2;
    if (pulses < MIN_PULSES) return 0;
    const widths = new Float64Array(pulses);
    for (let i = 0; i < pulses; i++) widths[i] = this.#edges[i + 2] - this.#edges[i + 1];
    widths.sort();
    let bit = widths[Math.floor(pulses * 0.02)];
    for (let round = 0; round < 3; round++) {
      let samples = 0;
      let bits = 0;
      for (const width of widths) {
        const count = Math.round(width / bit);
        if (count < 1 || count > MAX_BITS || Math.abs(width / bit - count) > 0.2) continue;
        samples += width;
        bits += count;
      }
      if (bits === 0) return 0;
      bit = samples / bits;
    }
    return this.#samplesPerSecond / bit;
  }

  /** The first format under which the fewest characters have a wrong parity or stop bit. */
  #format(baudRate: number, inverted: boolean): Omit<LineSettings, 'baudRate'> {
    let best = FORMATS[0];
    let fewest = Number.POSITIVE_INFINITY;
    for (const format of FORMATS) {
      let wrong = 0;
      const listener: UartListener = {
        character: (_value, lineStatus) => {
          if (lineStatus !== 0) wrong++;
        },
      };
      const decoder = new UartDecoder({ baudRate, ...format }, this.#samplesPerSecond, listener, inverted);
      for (let i = 0, level = this.#firstLevel; i < this.#count; i++, level ^= 1) decoder.edge(this.#edges[i], level);
      if (wrong >= fewest) continue;
      best = format;
      fewest = wrong;
    }
    return best;
  }
}

/** A usual rate where one is within 3 %, the measured one otherwise; 9600 when nothing was measured. */
function usualRate(measured: number): number {
  if (measured === 0) return 9600;
  return USUAL_RATES.find((rate) => Math.abs(measured / rate - 1) < 0.03) ?? Math.max(1, Math.round(measured));
}
