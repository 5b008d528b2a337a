/** One station of the I/O path in virtual time: bytes enter in order and leave in order, later by what the calibration says. */

import { type Clock, Timer } from '../../base/index.js';
import type { DelaySource } from './calibration.js';

/** Where a station hands on to: everything before `position` (a free-running byte count) has arrived. */
export interface StationOutput {
  arrive(position: number): void;
}

/** How a station meets bytes that come while others still wait in it. */
export type Gathering =
  /** They leave together with those that wait: a reader that wakes up takes all that is there. */
  | 'gather'
  /** They form a batch of their own behind those that wait. */
  | 'separate';

const BATCHES = 1024;

/** One delay that a batch meets: how long, and who is told. */
export interface StationDelay {
  readonly model: DelaySource;
  readonly spent: (delayNs: number) => void;
}

/**
 * Moves positions in one byte stream, not the bytes: those stay where the first station put them. Several delays in a
 * row are served as so many stations, each in order, but with one timer. Offering and firing allocate nothing.
 */
export class Station implements StationOutput {
  readonly #timer: Timer;
  readonly #positions = new Float64Array(BATCHES);
  readonly #dueNs = new Float64Array(BATCHES);
  /** When the last batch leaves each of the delays. */
  readonly #lastDueNs: Float64Array;
  #head = 0;
  #count = 0;

  constructor(
    private readonly clock: Clock,
    private readonly delays: readonly StationDelay[],
    private readonly gathering: Gathering,
    private readonly next: StationOutput,
  ) {
    this.#lastDueNs = new Float64Array(delays.length);
    this.#timer = new Timer(() => this.#leave());
  }

  arrive(position: number): void {
    const waiting = this.#count > 0;
    if (waiting && (this.gathering === 'gather' || this.#count === BATCHES)) {
      this.#positions[(this.#head + this.#count - 1) % BATCHES] = position;
      return;
    }
    const dueNs = this.#serve(this.clock.now());
    const slot = (this.#head + this.#count) % BATCHES;
    this.#positions[slot] = position;
    this.#dueNs[slot] = dueNs;
    this.#count++;
    if (!waiting) this.clock.schedule(this.#timer, dueNs);
  }

  /** When a batch that enters at `nowNs` has passed every delay. */
  #serve(nowNs: number): number {
    let atNs = nowNs;
    for (let i = 0; i < this.delays.length; i++) {
      const { model, spent } = this.delays[i];
      const dueNs = Math.max(this.#lastDueNs[i], atNs + model.draw());
      spent(dueNs - atNs);
      this.#lastDueNs[i] = dueNs;
      atNs = dueNs;
    }
    return atNs;
  }

  #leave(): void {
    const slot = this.#head;
    this.#head = (this.#head + 1) % BATCHES;
    this.#count--;
    if (this.#count > 0) this.clock.schedule(this.#timer, this.#dueNs[this.#head]);
    this.next.arrive(this.#positions[slot]);
  }
}
