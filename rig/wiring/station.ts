/** One station of the I/O path in virtual time: bytes enter in order and leave in order, later by what the calibration says. */

import { type Clock, Timer } from '../../base/index.js';
import type { DelayModel } from './calibration.js';

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

/**
 * Moves positions in one byte stream, not the bytes: those stay where the first station put them.
 * Offering and firing allocate nothing.
 */
export class Station implements StationOutput {
  readonly #timer: Timer;
  readonly #positions = new Float64Array(BATCHES);
  readonly #dueNs = new Float64Array(BATCHES);
  readonly #enteredNs = new Float64Array(BATCHES);
  #head = 0;
  #count = 0;
  #lastDueNs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly delay: DelayModel,
    private readonly gathering: Gathering,
    private readonly next: StationOutput,
    private readonly spent: (delayNs: number) => void,
  ) {
    this.#timer = new Timer(() => this.#leave());
  }

  arrive(position: number): void {
    const waiting = this.#count > 0;
    if (waiting && (this.gathering === 'gather' || this.#count === BATCHES)) {
      this.#positions[(this.#head + this.#count - 1) % BATCHES] = position;
      return;
    }
    const nowNs = this.clock.now();
    const dueNs = Math.max(this.#lastDueNs, nowNs + this.delay.draw());
    const slot = (this.#head + this.#count) % BATCHES;
    this.#positions[slot] = position;
    this.#dueNs[slot] = dueNs;
    this.#enteredNs[slot] = nowNs;
    this.#lastDueNs = dueNs;
    this.#count++;
    if (!waiting) this.clock.schedule(this.#timer, dueNs);
  }

  #leave(): void {
    const slot = this.#head;
    this.#head = (this.#head + 1) % BATCHES;
    this.#count--;
    if (this.#count > 0) this.clock.schedule(this.#timer, this.#dueNs[this.#head]);
    this.spent(this.#dueNs[slot] - this.#enteredNs[slot]);
    this.next.arrive(this.#positions[slot]);
  }
}
