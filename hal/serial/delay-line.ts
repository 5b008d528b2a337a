/** Characters on hold: each is let go at its time, in the order they came. */

import { type Clock, Timer } from '../../base/index.js';

const CAPACITY = 1 << 16;

/**
 * A bounded queue of characters with due times, for injected delays and stalls. A delay shifts what follows and keeps its
 * spacing until a pause in the traffic absorbs it; a stall holds everything and lets it go at once.
 * Its memory is taken when it is first needed; then nothing is allocated.
 */
export class DelayLine {
  readonly #clock: Clock;
  readonly #release: (byte: number, status: number) => void;
  readonly #timer = new Timer(() => this.#run());
  #dueNs: Float64Array | undefined;
  readonly #bytes = new Uint8Array(CAPACITY);
  readonly #status = new Uint8Array(CAPACITY);
  #head = 0;
  #length = 0;
  #shiftNs = 0;
  /** A delay was asked for and no character has felt it yet. */
  #fresh = false;
  #stallUntilNs = 0;
  #lastDueNs = 0;

  constructor(clock: Clock, release: (byte: number, status: number) => void) {
    this.#clock = clock;
    this.#release = release;
  }

  /** The next character taken, and those behind it, come later by `durationNs`. */
  delay(durationNs: number): void {
    this.#settle();
    this.#fresh = true;
    this.#shiftNs = Math.max(this.#shiftNs, Math.floor(durationNs));
  }

  /** Nothing is let go for `durationNs` from now. */
  stall(durationNs: number): void {
    this.#stallUntilNs = Math.max(this.#stallUntilNs, this.#clock.now() + Math.floor(durationNs));
  }

  /** `passed`: nothing holds the character up, and the caller hands it on itself. `full`: it is lost. */
  take(byte: number, status: number): 'passed' | 'held' | 'full' {
    const nowNs = this.#clock.now();
    if (!this.#fresh) this.#settle();
    this.#fresh = false;
    const dueNs = Math.max(nowNs + this.#shiftNs, this.#stallUntilNs, this.#lastDueNs);
    if (this.#length === 0 && dueNs <= nowNs) return 'passed';
    if (this.#length === CAPACITY) return 'full';
    this.#dueNs ??= new Float64Array(CAPACITY);
    const tail = (this.#head + this.#length) & (CAPACITY - 1);
    this.#dueNs[tail] = dueNs;
    this.#bytes[tail] = byte;
    this.#status[tail] = status;
    this.#lastDueNs = dueNs;
    if (this.#length++ === 0) this.#clock.schedule(this.#timer, dueNs);
    return 'held';
  }

  stop(): void {
    this.#clock.cancel(this.#timer);
    this.#length = 0;
  }

  /** A pause has absorbed the delay: everything held is gone, and nothing came since. */
  #settle(): void {
    if (this.#length === 0 && this.#lastDueNs <= this.#clock.now()) this.#shiftNs = 0;
  }

  #run(): void {
    const nowNs = this.#clock.now();
    while (this.#length > 0 && this.#dueNs !== undefined && this.#dueNs[this.#head] <= nowNs) {
      const at = this.#head;
      this.#head = (at + 1) & (CAPACITY - 1);
      this.#length--;
      this.#release(this.#bytes[at], this.#status[at]);
    }
    if (this.#length > 0 && this.#dueNs !== undefined) this.#clock.schedule(this.#timer, this.#dueNs[this.#head]);
  }
}
