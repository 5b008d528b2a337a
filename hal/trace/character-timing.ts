/** When each character of a recorded run was there: the one formula that recorder and replay share, and how its parameters are found. */

/** How the characters of one packet follow each other. */
export const SPACING = {
  /** At the character time of the line settings. */
  nominal: 0,
  /** All at the same time. */
  together: 1,
  /** At a character time of the packet's own: a crystal that is off, a peer with other settings. */
  explicit: 2,
} as const;

/** Nanoseconds from the end of character 0 to the end of character `index` of an uninterrupted run; the phase is a fraction of a nanosecond. */
export function nominalOffsetNs(index: number, bits: number, baudRate: number, phase: number): number {
  return Math.floor(phase + (index * bits * 1e9) / baudRate);
}

export function explicitOffsetNs(index: number, characterNs: number, phase: number): number {
  return Math.floor(phase + index * characterNs);
}

/** Phases are stored in 1/65536 ns; an interval of phases must be clearly wider than that, and than rounding errors. */
const MIN_PHASE_WIDTH = 4 / 65_536;
const SEARCH_STEPS = 48;
/** A spacing that leaves this much phase is good enough: runs of 256 rarely leave more, and it has ample margin. */
const GOOD_PHASE_WIDTH = 0.002;

/** Finds the parameters that reproduce a run of time stamps to the nanosecond. Reuse one: it allocates nothing. */
export class TimingSolver {
  spacing: number = SPACING.nominal;
  /** In 1/65536 ns. */
  phase = 0;
  /** `explicit`: nanoseconds per character. */
  characterNs = 0;
  /** The last explicit character time that fitted: crystals do not change between packets. */
  #lastNs = 0;
  #low = 0;
  #high = 0;

  /** Solves for `times[from..to)`, ascending; false when no even spacing reproduces them. */
  solve(times: Float64Array, from: number, to: number, bits: number, baudRate: number): boolean {
    this.spacing = SPACING.nominal;
    this.phase = 0;
    this.characterNs = 0;
    const count = to - from;
    if (count < 2) return true;
    const total = times[to - 1] - times[from];
    if (total === 0) {
      this.spacing = SPACING.together;
      return true;
    }
    this.#bound(times, from, to, 0, bits, baudRate);
    if (this.#choosePhase()) return true;
    this.spacing = SPACING.explicit;
    return (
      (this.#lastNs > 0 && this.#fits(times, from, to, this.#lastNs)) ||
      this.#fits(times, from, to, times[from + 1] - times[from]) ||
      this.#search(times, from, to, total)
    );
  }

  /** Bounds of the phase that a spacing leaves: `#low` inclusive, `#high` exclusive. */
  #bound(times: Float64Array, from: number, to: number, characterNs: number, bits: number, baudRate: number): void {
    let low = 0;
    let high = 1;
    const first = times[from];
    for (let k = 1; k < to - from; k++) {
      const rest = times[from + k] - first - (characterNs > 0 ? k * characterNs : (k * bits * 1e9) / baudRate);
      if (rest > low) low = rest;
      if (rest + 1 < high) high = rest + 1;
    }
    this.#low = low;
    this.#high = high;
  }

  #choosePhase(): boolean {
    // Phase 0 needs no margin: the bounds were compared with the very numbers that the formula rounds down.
    if (this.#low <= 0 && this.#high > 0) {
      this.phase = 0;
      return true;
    }
    if (this.#high - this.#low < MIN_PHASE_WIDTH) return false;
    this.phase = Math.min(65_535, Math.round(((this.#low + this.#high) / 2) * 65_536));
    return true;
  }

  #fits(times: Float64Array, from: number, to: number, characterNs: number): boolean {
    this.#bound(times, from, to, characterNs, 0, 0);
    if (!this.#choosePhase()) return false;
    this.characterNs = characterNs;
    this.#lastNs = characterNs;
    return true;
  }

  /** The width of the phase interval is a concave function of the spacing: a ternary search finds its top. */
  #search(times: Float64Array, from: number, to: number, total: number): boolean {
    const gaps = to - from - 1;
    let low = (total - 1) / gaps;
    let high = (total + 1) / gaps;
    for (let step = 0; step < SEARCH_STEPS; step++) {
      const a = low + (high - low) / 3;
      const b = high - (high - low) / 3;
      this.#bound(times, from, to, a, 0, 0);
      const widthA = this.#high - this.#low;
      if (widthA > GOOD_PHASE_WIDTH) return this.#fits(times, from, to, a);
      this.#bound(times, from, to, b, 0, 0);
      const widthB = this.#high - this.#low;
      if (widthB > GOOD_PHASE_WIDTH) return this.#fits(times, from, to, b);
      if (widthA < widthB) low = a;
      else high = b;
    }
    return this.#fits(times, from, to, (low + high) / 2);
  }
}
