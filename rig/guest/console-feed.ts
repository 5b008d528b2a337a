/** Types at a guest's console: one character at a time, each when the guest has taken the one before. */

import { type Clock, Timer } from '../../base/index.js';
import type { CharacterFrontend } from '../../vmm/index.js';

/** How often the feed looks whether the guest has taken a character: of the clock's time, so it is part of the run. */
const PERIOD_NS = 200_000;
/** What `room()` answers when an NS16550A holds no character: with FIFOs, and without. */
const EMPTY_ROOMS: readonly number[] = [16, 1];
/** Beyond so many characters that wait, whoever types is asked to pause. */
const MOST_WAITING = 4096;

export class ConsoleFeed {
  readonly #clock: Clock;
  readonly #frontend: CharacterFrontend;
  readonly #timer = new Timer(() => this.#feed());
  #waiting: Uint8Array[] = [];
  #offset = 0;
  #count = 0;

  constructor(clock: Clock, frontend: CharacterFrontend) {
    this.#clock = clock;
    this.#frontend = frontend;
  }

  /** Characters that the guest has not got yet. */
  get waiting(): number {
    return this.#count;
  }

  /** Whoever types should pause. */
  get isFull(): boolean {
    return this.#count >= MOST_WAITING;
  }

  /** Characters for the guest, from now on. The bytes are kept, not copied. */
  type(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#count === 0) this.#clock.schedule(this.#timer, this.#clock.now());
    this.#waiting.push(bytes);
    this.#count += bytes.length;
  }

  /** Nothing more reaches the guest. */
  stop(): void {
    this.#waiting = [];
    this.#count = 0;
    this.#clock.cancel(this.#timer);
  }

  #feed(): void {
    if (this.#count === 0) return;
    if (EMPTY_ROOMS.includes(this.#frontend.room()) && this.#frontend.receive(this.#waiting[0][this.#offset], 0)) {
      this.#offset++;
      this.#count--;
      if (this.#offset === this.#waiting[0].length) {
        this.#waiting.shift();
        this.#offset = 0;
      }
    }
    if (this.#count > 0) this.#clock.schedule(this.#timer, this.#clock.now() + PERIOD_NS);
  }
}
