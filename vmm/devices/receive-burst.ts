/** Gathers received characters into one delivery: one DMA write and one interrupt for each burst, not for each byte. */

import { type Clock, Timer } from '../../base/index.js';

/**
 * The end of a burst. Whoever delivers characters says when a burst is complete (`end`); if nobody does, a timer that
 * is due at once ends it as soon as the clock runs timers again, before the guest's next instruction in virtual time.
 */
export class ReceiveBurst {
  readonly #clock: Clock;
  readonly #deliver: () => void;
  readonly #timer: Timer;

  constructor(clock: Clock, deliver: () => void) {
    this.#clock = clock;
    this.#deliver = deliver;
    this.#timer = new Timer(deliver);
  }

  /** Something waits to be delivered. */
  begin(): void {
    if (!this.#timer.armed) this.#clock.schedule(this.#timer, this.#clock.now());
  }

  /** Delivers now what waits; does nothing when nothing does. */
  end(): void {
    if (!this.#timer.armed) return;
    this.#clock.cancel(this.#timer);
    this.#deliver();
  }
}
