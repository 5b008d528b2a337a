/** The device of a latency prediction: what the echo peer is in wall time, on a virtual clock. */

import { type Clock, NS_PER_MS, type Random, Timer } from '../../base/index.js';
import { HalError, type SerialPort, type SerialSink } from '../../hal/index.js';

export interface VirtualTerminalOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly exchanges: number;
  readonly gapMs: readonly [number, number];
}

/** When the guest listens by then, for certain: it boots in virtual time. */
const FIRST_NS = 100 * NS_PER_MS;
/** A character whose echo takes longer is lost, and the next one goes. */
const LOST_NS = 2_000 * NS_PER_MS;
const CHARACTERS = 256;

/** A pseudo-terminal without a line: a character is there when it is sent, as on the host. Sends one, waits for its echo, pauses. */
export class VirtualTerminal implements SerialPort {
  readonly name = 'virtual-terminal';
  readonly roundTripNs: number[] = [];
  /** Characters without an echo. */
  lost = 0;
  readonly #options: VirtualTerminalOptions;
  readonly #next = new Timer(() => this.#send());
  readonly #limit = new Timer(() => this.#lose());
  #sink: SerialSink | undefined;
  #sentNs = 0;
  #sent = 0;
  #isWaiting = false;

  constructor(options: VirtualTerminalOptions) {
    this.#options = options;
  }

  /** Whether every character has been sent and has had its time. */
  get isDone(): boolean {
    return this.#sent === this.#options.exchanges && !this.#isWaiting;
  }

  attach(sink: SerialSink): void {
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has its host side already`, { where: this.name });
    this.#sink = sink;
    this.#options.clock.schedule(this.#next, FIRST_NS);
  }

  transmit(bytes: Uint8Array, offset: number, length: number): void {
    const { clock } = this.#options;
    for (let i = 0; i < length; i++) {
      if (!this.#isWaiting || bytes[offset + i] !== (this.#sent - 1) % CHARACTERS) continue;
      this.roundTripNs.push(clock.now() - this.#sentNs);
      clock.cancel(this.#limit);
      this.#pause();
    }
  }

  configure(): void {}

  modemControl(): void {}

  close(): void {
    this.#options.clock.cancel(this.#next);
    this.#options.clock.cancel(this.#limit);
  }

  #send(): void {
    const { clock } = this.#options;
    const character = this.#sent % CHARACTERS;
    this.#sent++;
    this.#isWaiting = true;
    this.#sentNs = clock.now();
    clock.schedule(this.#limit, this.#sentNs + LOST_NS);
    this.#sink?.receive(character, 0);
  }

  #lose(): void {
    this.lost++;
    this.#pause();
  }

  #pause(): void {
    const { clock, random, exchanges, gapMs } = this.#options;
    this.#isWaiting = false;
    if (this.#sent === exchanges) return;
    const pauseMs = gapMs[0] + random.float() * (gapMs[1] - gapMs[0]);
    clock.schedule(this.#next, clock.now() + Math.round(pauseMs * NS_PER_MS));
  }
}
