/** A retransmission timer that doubles its delay each time nothing came back, and gives up in the end (RFC 6298, section 5). */

import { type Clock, NS_PER_MS, NS_PER_SECOND, Timer } from '../../base/index.js';

/** The cable is as fast as the guest; this is time for a guest that is busy elsewhere. */
export const FIRST_DELAY_NS = 500 * NS_PER_MS;
export const LONGEST_DELAY_NS = 60 * NS_PER_SECOND;
/** After the ninth retransmission without an answer, some three minutes, the tenth time-out gives up (RFC 1122, section 4.2.3.5). */
export const MAX_ATTEMPTS = 9;

export class BackoffTimer {
  readonly #clock: Clock;
  readonly #timer: Timer;
  #delayNs = FIRST_DELAY_NS;
  #attempts = 0;

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock;
    this.#timer = new Timer(fire);
  }

  /** Arms it unless it is armed. */
  start(): void {
    if (!this.#timer.armed) this.#clock.schedule(this.#timer, this.#clock.now() + this.#delayNs);
  }

  stop(): void {
    this.#clock.cancel(this.#timer);
  }

  /** The guest has done what was waited for: the next delay is the first one again. */
  answered(): void {
    this.#delayNs = FIRST_DELAY_NS;
    this.#attempts = 0;
  }

  /** The guest has answered, but not what it was asked: it is there, and is asked as seldom as before. */
  alive(): void {
    this.#attempts = 0;
  }

  /** It fired, and what it waited for is tried again; false when that has been done often enough. */
  retry(): boolean {
    if (this.#attempts === MAX_ATTEMPTS) return false;
    this.#attempts++;
    this.#delayNs = Math.min(2 * this.#delayNs, LONGEST_DELAY_NS);
    return true;
  }
}
