/** Runs machines in wall time on this thread, in slices between which the event loop delivers what devices send. */

import { Timer, type WallClock, type WallNs } from '../../base/index.js';
import { VmmError } from '../errors.js';
import type { Machine } from './machine.js';

/** Why `run` resolved. */
export type WallStop =
  | { readonly kind: 'target' }
  /** Every machine has ended. */
  | { readonly kind: 'ended' }
  /** `stop()` was called. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'aborted' }
  /** A machine used up its instructions, or retires nothing; the others can be run on. */
  | { readonly kind: 'limit'; readonly machine: string; readonly sentence: string };

/** Host time for which guests run before the event loop has its turn. */
const SLICE_NS = 1_000_000;
/** Instructions between two looks at the clock, 50 to 500 µs of host time. */
const CHUNK_INSTRUCTIONS = 20_000;
/** Exits between two looks at the clock. */
const CHUNK_EXITS = 64;
/** Host timers are late by up to a millisecond or two: a nearer event is awaited by turning the event loop. */
const NEAR_NS = 2_000_000;

/**
 * A guest in `wfi` sleeps until a timer of its machine fires or data arrive. An interrupt raised from the event loop
 * waits for the running slice, 1 ms of host time at most. Nothing here is deterministic; the journal makes it repeatable.
 */
export class WallRunner {
  readonly #machines: Machine[] = [];
  #wakeUp: (() => void) | undefined;
  #nextMachine = 0;
  /** Somebody called `wake` since the last look at the machines. */
  #isWoken = false;
  #stopRequested = false;

  constructor(readonly clock: WallClock) {}

  /** Throws `VMM_CONFIG` for a machine in virtual time. */
  add(machine: Machine): void {
    if (machine.pace !== undefined || machine.clock !== this.clock) {
      throw new VmmError('VMM_CONFIG', `Machine '${machine.name}' was not made with this wall clock.`, {
        where: machine.name,
      });
    }
    this.#machines.push(machine);
    machine.core.onWake = () => this.wake();
  }

  /** Something happened outside: a sleeping run looks again. Harmless at any time. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeUp?.();
  }

  /** Makes `run` resolve after the exit that is being handled, or at once when the guests wait. */
  stop(): void {
    this.#stopRequested = true;
    this.wake();
  }

  /** Runs until the clock stands at `untilNs` or there is a reason to stop before. One call at a time. */
  async run(untilNs: WallNs, signal?: AbortSignal): Promise<WallStop> {
    const onAbort = (): void => this.wake();
    const atTarget = new Timer(() => this.wake());
    signal?.addEventListener('abort', onAbort);
    this.#stopRequested = false;
    try {
      for (;;) {
        if (signal?.aborted === true) return { kind: 'aborted' };
        if (this.#stopRequested) return { kind: 'stopped' };
        this.#isWoken = false;
        this.clock.runDue();
        const nowNs = this.clock.now();
        if (nowNs >= untilNs) return { kind: 'target' };
        const stop = this.#slice(Math.min(nowNs + SLICE_NS, untilNs));
        if (stop !== undefined) return stop;
        if (this.#machines.every((machine) => machine.activity === 'ended')) return { kind: 'ended' };
        const dueNs = Math.min(this.clock.nextDueNs(), untilNs);
        if (this.#isWoken || this.#isBusy() || dueNs < this.clock.now() + NEAR_NS) {
          await turn();
        } else {
          this.clock.schedule(atTarget, untilNs);
          await new Promise<void>((resolve) => {
            this.#wakeUp = resolve;
          });
          this.#wakeUp = undefined;
        }
      }
    } finally {
      this.clock.cancel(atTarget);
      signal?.removeEventListener('abort', onAbort);
      this.#wakeUp = undefined;
    }
  }

  #isBusy(): boolean {
    return this.#machines.some((machine) => machine.activity === 'running');
  }

  /** Gives every running machine chunks in turn until `endNs`, or until none runs. */
  #slice(endNs: WallNs): WallStop | undefined {
    const count = this.#machines.length;
    for (let idle = 0; idle < count; ) {
      const machine = this.#machines[this.#nextMachine];
      this.#nextMachine = (this.#nextMachine + 1) % count;
      if (machine.activity !== 'running') {
        idle++;
        continue;
      }
      idle = 0;
      const stop = this.#chunk(machine);
      if (stop !== undefined) return stop;
      if (this.#stopRequested) return undefined;
      const nowNs = this.clock.now();
      if (nowNs >= endNs) return undefined;
      if (this.clock.nextDueNs() <= nowNs) this.clock.runDue();
    }
    return undefined;
  }

  #chunk(machine: Machine): WallStop | undefined {
    const { core } = machine;
    const most = machine.limits.instructions ?? Number.MAX_SAFE_INTEGER;
    const until = Math.min(core.vcpu.instret + CHUNK_INSTRUCTIONS, most, core.pauseInstret);
    for (let exits = 0; exits < CHUNK_EXITS && core.activity === 'running' && !this.#stopRequested; exits++) {
      if (core.vcpu.instret >= until) break;
      core.step(until);
    }
    if (core.vcpu.instret >= core.pauseInstret) core.pause();
    if (core.activity === 'running' && core.vcpu.instret >= most) {
      core.finish('limit', 0, `${core.subject} was stopped after its limit of ${most} instructions.`);
    }
    const { end } = core;
    if (end === undefined || (end.kind !== 'limit' && end.kind !== 'stuck')) return undefined;
    return { kind: 'limit', machine: machine.name, sentence: end.sentence };
  }
}

/** Lets the event loop run once. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
