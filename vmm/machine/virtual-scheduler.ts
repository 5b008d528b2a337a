/** Runs several machines in one virtual time, so that every interrupt reaches its guest at an exact instruction. */

import type { VirtualClock, VirtualNs } from '../../base/index.js';
import { VmmError } from '../errors.js';
import type { Machine } from './machine.js';
import type { MachineEnd } from './machine-end.js';

/** What the scheduler asks of a machine. */
export interface CoScheduled {
  readonly name: string;
  /** Its vCPU's local time; behind the common clock while it is idle. */
  readonly localNs: VirtualNs;
  readonly activity: 'running' | 'idle' | 'ended';
  readonly end: MachineEnd | undefined;
  /**
   * Runs the guest until its local time is `limitNs` or later, it is idle, it has ended, or its slice is cut. Ends the
   * slice as well before the next timer of the common clock, when an exit has put one in front of `limitNs`.
   */
  runSlice(limitNs: VirtualNs): void;
  /** Ends the running slice at the exit that is being handled. */
  cutSlice(): void;
  /** Called once when it joins a scheduler. `momentNs` is the time at which anything happens to it from outside. */
  join(momentNs: () => VirtualNs, woken: () => void): void;
}

/** Why `runUntil` came back. */
export type RunStop =
  /** Virtual time stands at the target. */
  | { readonly kind: 'target' }
  /** Every machine has ended. */
  | { readonly kind: 'ended' }
  /** `stop()` was called. */
  | { readonly kind: 'stopped' }
  /** A machine used up its instructions or its time, or retires nothing; the others can be run on. */
  | { readonly kind: 'limit'; readonly machine: string; readonly sentence: string };

export interface VirtualSchedulerOptions {
  /** How far one machine may run ahead of another that is not idle. */
  readonly quantumNs?: number;
}

const DEFAULT_QUANTUM_NS = 50_000;

/**
 * Picks the machine with the smallest local time (among equals the one added first) and runs it up to the next event,
 * the target, or the second smallest local time plus the quantum. An event is processed when no running machine is
 * behind it. The same machines, guests and sequence of targets give the same history on every host.
 */
export class VirtualScheduler {
  readonly quantumNs: number;
  readonly #machines: CoScheduled[] = [];
  #current: CoScheduled | undefined;
  /** Whether some machine was idle when `#furthestBehind` last looked. */
  #someWait = false;
  #stopRequested = false;

  constructor(
    readonly clock: VirtualClock,
    options: VirtualSchedulerOptions = {},
  ) {
    this.quantumNs = options.quantumNs ?? DEFAULT_QUANTUM_NS;
    if (!Number.isSafeInteger(this.quantumNs) || this.quantumNs < 1) {
      throw new VmmError(
        'VMM_CONFIG',
        `A scheduling quantum is a whole number of nanoseconds from 1, not ${this.quantumNs}.`,
      );
    }
  }

  /** Adds a machine, or anything else that runs in slices. Throws `VMM_CONFIG` for a machine on a wall clock. */
  add(machine: Pick<Machine, 'name' | 'pace'> | CoScheduled): void {
    const paced = 'pace' in machine ? machine.pace : machine;
    if (paced === undefined) {
      throw new VmmError('VMM_CONFIG', `Machine '${machine.name}' runs on a wall clock and cannot join virtual time.`, {
        where: machine.name,
      });
    }
    this.#join(paced);
  }

  #join(machine: CoScheduled): void {
    this.#machines.push(machine);
    machine.join(
      () => this.#momentNs(),
      () => this.#current?.cutSlice(),
    );
  }

  /** Makes `runUntil` return after the exit or event that is being processed; to be called from one. */
  stop(): void {
    this.#stopRequested = true;
    this.#current?.cutSlice();
  }

  /** Runs machines and timers until the common clock stands at `targetNs`, or until there is a reason to stop before. */
  runUntil(targetNs: VirtualNs): RunStop {
    this.#stopRequested = false;
    for (;;) {
      if (this.#stopRequested) return { kind: 'stopped' };
      const machine = this.#furthestBehind();
      const dueNs = this.clock.nextDueNs();
      if (machine === undefined || machine.localNs >= Math.min(dueNs, targetNs)) {
        if (machine === undefined && !this.#someWait && this.#machines.length > 0) return { kind: 'ended' };
        if (dueNs > targetNs) {
          this.clock.advanceTo(targetNs);
          return { kind: 'target' };
        }
        this.clock.advanceTo(dueNs);
        continue;
      }
      this.#current = machine;
      try {
        machine.runSlice(Math.min(dueNs, targetNs, this.#secondLocalNs(machine) + this.quantumNs));
      } finally {
        this.#current = undefined;
      }
      const end = machine.end;
      if (end !== undefined && (end.kind === 'limit' || end.kind === 'stuck')) {
        return { kind: 'limit', machine: machine.name, sentence: end.sentence };
      }
    }
  }

  /** The time of what happens now: the running guest's inside a slice, the common clock's otherwise. */
  #momentNs(): number {
    const commonNs = this.clock.now();
    return this.#current === undefined ? commonNs : Math.max(commonNs, this.#current.localNs);
  }

  /** The running machine with the smallest local time. */
  #furthestBehind(): CoScheduled | undefined {
    let found: CoScheduled | undefined;
    let foundNs = Number.POSITIVE_INFINITY;
    this.#someWait = false;
    for (let i = 0; i < this.#machines.length; i++) {
      const machine = this.#machines[i];
      const { activity } = machine;
      if (activity === 'idle') this.#someWait = true;
      if (activity !== 'running') continue;
      const localNs = machine.localNs;
      if (localNs < foundNs) {
        found = machine;
        foundNs = localNs;
      }
    }
    return found;
  }

  #secondLocalNs(first: CoScheduled): number {
    let smallest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#machines.length; i++) {
      const machine = this.#machines[i];
      if (machine === first || machine.activity !== 'running') continue;
      const localNs = machine.localNs;
      if (localNs < smallest) smallest = localNs;
    }
    return smallest;
  }
}
