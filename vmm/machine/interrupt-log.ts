/** How long interrupts wait: from the device's event to the first instruction of the guest's handler, without a change to the guest. */

import type { GuestMemory } from '../cpu/guest-memory.js';
import { INTERRUPT, STATE } from '../cpu/state-layout.js';

/** Measured interrupts by name, as their bit of `mip`. */
export const INTERRUPT_NAMES = {
  software: INTERRUPT.msip,
  timer: INTERRUPT.mtip,
  external: INTERRUPT.meip,
  doorbell: INTERRUPT.doorbell,
  sharedMemory: INTERRUPT.sharedMemory,
} as const;
export type InterruptName = keyof typeof INTERRUPT_NAMES;

/** Latencies kept one by one; count and maximum go on behind them. */
const MOST_SAMPLES = 1 << 18;
const FIRST_SAMPLES = 1 << 10;
const BITS = 32;
const NEVER = -1;

/** What is known of one interrupt. */
export interface InterruptLatencies {
  /** Interrupts that became pending and were taken as a trap. */
  readonly count: number;
  /** NaN when there was none. */
  readonly maxNs: number;
  /** Retired instructions when the one that waited longest was taken. */
  readonly maxInstret: number;
  /** The first 262,144, in their order, in nanoseconds of the machine's clock. */
  readonly samples: Float64Array;
}

/** Latencies by the name of the interrupt. */
export type MeasuredInterrupts = Readonly<Partial<Record<InterruptName, InterruptLatencies>>>;

class Series {
  /** The guest has enabled it once; what waits before is not late, because nobody serves it yet. */
  isServed = false;
  pendingNs = NEVER;
  count = 0;
  maxNs = Number.NaN;
  maxInstret = 0;
  samples: Float64Array;

  constructor(room: number) {
    this.samples = new Float64Array(room);
  }
}

/**
 * From when the guest has first enabled it in `mie`, an interrupt is counted when its bit of `mip` goes from clear to set, and is over when its trap is taken. What becomes
 * pending again before that is the same interrupt; what the guest clears without a trap is none. Both stamps are those of
 * the instruction boundary, so every engine gives the same ones.
 */
export class InterruptLog {
  readonly #mip: Int32Array;
  readonly #mie: Int32Array;
  readonly #series: (Series | undefined)[];

  constructor(
    memory: GuestMemory,
    readonly bits: number,
    /** Room for all samples is made at once: on a wall clock, nothing may grow while the guest runs. */
    isWhole = false,
  ) {
    this.#mip = new Int32Array(memory.memory.buffer, STATE.mip, 1);
    this.#mie = new Int32Array(memory.memory.buffer, STATE.mie, 1);
    this.#series = Array.from({ length: BITS }, (_, bit) => {
      if (((bits >>> bit) & 1) === 0) return undefined;
      return new Series(isWhole ? MOST_SAMPLES : FIRST_SAMPLES);
    });
  }

  /** A device is about to set bits of `mip`, by an event at `atNs`. */
  raised(bits: number, atNs: number): void {
    const fresh = bits & this.bits & ~Atomics.load(this.#mip, 0);
    for (let rest = fresh; rest !== 0; rest &= rest - 1) {
      const bit = rest & -rest;
      const series = this.#series[31 - Math.clz32(bit)];
      if (series === undefined) continue;
      series.isServed ||= (this.#mie[0] & bit) !== 0;
      if (series.isServed) series.pendingNs = atNs;
    }
  }

  /** Bits that are set, and whose interrupt has been taken, stand for another event, at `atNs`. */
  raisedAgain(bits: number, atNs: number): void {
    for (let rest = bits & this.bits; rest !== 0; rest &= rest - 1) {
      const bit = rest & -rest;
      const series = this.#series[31 - Math.clz32(bit)];
      if (series === undefined || series.pendingNs !== NEVER) continue;
      series.isServed ||= (this.#mie[0] & bit) !== 0;
      if (series.isServed) series.pendingNs = atNs;
    }
  }

  /** The hart enters the handler of `number`. */
  taken(number: number, atNs: number, instret: number): void {
    const series = this.#series[number];
    if (series === undefined || series.pendingNs === NEVER) return;
    const ns = atNs - series.pendingNs;
    series.pendingNs = NEVER;
    if (series.count < MOST_SAMPLES) {
      if (series.count === series.samples.length) series.samples = grown(series.samples);
      series.samples[series.count] = ns;
    }
    series.count++;
    if (ns <= series.maxNs) return;
    series.maxNs = ns;
    series.maxInstret = instret;
  }

  /** Of every interrupt that is measured, by name: what another thread can be given. */
  all(): MeasuredInterrupts {
    const measured: Partial<Record<InterruptName, InterruptLatencies>> = {};
    for (const name of Object.keys(INTERRUPT_NAMES) as InterruptName[]) {
      const latencies = this.of(name);
      if (latencies !== undefined) measured[name] = latencies;
    }
    return measured;
  }

  /** Of the interrupt with that name; undefined when it is not measured. */
  of(name: InterruptName): InterruptLatencies | undefined {
    const series = this.#series[31 - Math.clz32(INTERRUPT_NAMES[name])];
    if (series === undefined) return undefined;
    const { count, maxNs, maxInstret, samples } = series;
    return { count, maxNs, maxInstret, samples: samples.slice(0, Math.min(count, MOST_SAMPLES)) };
  }
}

function grown(samples: Float64Array): Float64Array {
  const larger = new Float64Array(2 * samples.length);
  larger.set(samples);
  return larger;
}
