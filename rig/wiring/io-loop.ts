/** The loop of the thread that owns a run's device, in wall time: looks after the guests' rings and channels, and sleeps when nothing is to be done. */

import { Timer, type WallClock } from '../../base/index.js';
import type { ThreadGuest } from './thread-guest.js';

/** Why `run` resolved. */
export type LoopStop = 'target' | 'ended' | 'aborted';

/**
 * How long the loop sleeps between two looks into the rings of a guest that runs. Shorter than any timer of the event loop,
 * and long enough for a thread of high priority to leave its core to others.
 */
const LOOK_MS = 0.05;
/** Host timers are late by a millisecond or two: what is due sooner is awaited by looking. */
const NEAR_NS = 2_000_000;

/** What else than guests has something to be taken. */
export interface Watched {
  /** Answers how much was taken. */
  poll(): number;
  /** `news` is to be called once, with the next thing to poll. */
  listen(): void;
}

export class IoLoop {
  /** A guest has something to be looked at. */
  readonly news = (): void => {
    this.#isTold = true;
    this.#wake?.();
  };
  readonly #clock: WallClock;
  /** Whether guests put things into rings of which nothing but looking tells. */
  readonly #hasRings: boolean;
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));
  #guests: readonly ThreadGuest[] = [];
  #deciding: readonly ThreadGuest[] = [];
  #wake: (() => void) | undefined;
  /** Whether guests share memory, whose turns and interrupts come at intervals too short for a timer of the host. */
  #shares = false;
  #channel: Watched | undefined;
  #isTold = false;

  constructor(clock: WallClock, hasRings: boolean) {
    this.#clock = clock;
    this.#hasRings = hasRings;
  }

  /** This is looked after too; before `start`. */
  watch(channel: Watched): void {
    this.#channel = channel;
  }

  /** From here on these are looked after; their threads run. The loop ends with those of them that `decides` is true of. */
  start(guests: readonly ThreadGuest[], decides: (guest: ThreadGuest) => boolean = () => true): void {
    this.#guests = guests;
    this.#deciding = guests.filter(decides);
    this.#shares = guests.some(({ sharedMemory }) => sharedMemory !== undefined);
    for (const guest of guests) guest.run();
  }

  /** Until the clock stands at `untilNs` or there is a reason to stop before. Rejects with what a guest's thread failed of. */
  async run(untilNs: number, signal?: AbortSignal): Promise<LoopStop> {
    const atTarget = new Timer(this.news);
    signal?.addEventListener('abort', this.news);
    try {
      for (;;) {
        this.#isTold = false;
        this.#clock.runDue();
        const moved = this.#poll();
        if (signal?.aborted === true) return 'aborted';
        if (this.#clock.now() >= untilNs) return 'target';
        if (this.#haveEnded()) return 'ended';
        if (moved || this.#mustLook()) {
          if (!moved) Atomics.wait(this.#sleeper, 0, 0, LOOK_MS);
          await turn();
          continue;
        }
        this.#clock.schedule(atTarget, untilNs);
        await this.#rest();
      }
    } finally {
      this.#clock.cancel(atTarget);
      signal?.removeEventListener('abort', this.news);
    }
  }

  #poll(): boolean {
    let moved = this.#channel?.poll() ?? 0;
    for (const guest of this.#guests) moved += guest.poll();
    return moved > 0;
  }

  #mustLook(): boolean {
    if (this.#shares && this.#clock.nextDueNs() < this.#clock.now() + NEAR_NS) return true;
    return this.#hasRings && this.#guests.some((guest) => guest.activity === 'running');
  }

  #haveEnded(): boolean {
    for (const guest of this.#guests) if (guest.lost !== undefined) throw guest.lost;
    return this.#deciding.every((guest) => guest.activity === 'ended' && guest.end !== undefined);
  }

  /** Until somebody tells of news; what came while the guests were asked to tell is looked at first. */
  async #rest(): Promise<void> {
    for (const guest of this.#guests) guest.listen();
    this.#channel?.listen();
    if (this.#poll() || this.#mustLook() || this.#isTold) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}

/** Lets the event loop run once. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
