/** How a suite lets time go on, in virtual time without waiting and in wall time with a deadline. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { Timer, type VirtualClock, WallClock } from '../../base/index.js';

export interface PassingTime {
  /** Lets time go on until `promise` settles and answers as it does; rejects when it never will. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** Lets so much time pass. */
  pass(durationNs: number): Promise<void>;
}

/** Turns of the event loop after which nothing in virtual time can still be under way. */
const IDLE_TURNS = 50;
const WALL_DEADLINE_NS = 10_000_000_000;

export function virtualTime(clock: VirtualClock): PassingTime {
  return {
    async settle(promise) {
      const state = watch(promise);
      for (let idleTurns = 0; !state.settled && idleTurns < IDLE_TURNS; ) {
        await nextTurn();
        if (state.settled) break;
        const dueNs = clock.nextDueNs();
        if (dueNs === Number.POSITIVE_INFINITY) idleTurns++;
        else clock.advanceTo(dueNs);
      }
      if (!state.settled) throw new Error('the call never settles: nothing is due any more');
      return promise;
    },
    async pass(durationNs) {
      const endNs = clock.now() + durationNs;
      // What was begun before must be under way before time moves.
      await nextTurn();
      while (clock.nextDueNs() <= endNs) {
        clock.advanceTo(clock.nextDueNs());
        await nextTurn();
      }
      clock.advanceTo(endNs);
      await nextTurn();
    },
  };
}

export function wallTime(clock = new WallClock()): PassingTime {
  const after = (durationNs: number): { elapsed: Promise<void>; cancel(): void } => {
    const wait: { resolve?: () => void } = {};
    const timer = new Timer(() => wait.resolve?.());
    const elapsed = new Promise<void>((resolve) => {
      wait.resolve = resolve;
    });
    clock.schedule(timer, clock.now() + durationNs);
    return { elapsed, cancel: () => clock.cancel(timer) };
  };
  return {
    async settle(promise) {
      const state = watch(promise);
      const deadline = after(WALL_DEADLINE_NS);
      await Promise.race([state.done, deadline.elapsed]);
      deadline.cancel();
      if (!state.settled) throw new Error(`the call did not settle within ${WALL_DEADLINE_NS / 1e9} s`);
      return promise;
    },
    pass: (durationNs) => after(durationNs).elapsed,
  };
}

function watch(promise: Promise<unknown>): { settled: boolean; done: Promise<void> } {
  const state = { settled: false, done: Promise.resolve() };
  const mark = () => {
    state.settled = true;
  };
  state.done = promise.then(mark, mark);
  return state;
}
