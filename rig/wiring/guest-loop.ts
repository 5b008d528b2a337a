/** The I/O loop of a guest's memory: looks for doorbells and reports while the guest runs, and rests with it. */

import { type Clock, Timer } from '../../base/index.js';
import type { Machine } from '../../vmm/index.js';
import { CELL_POLL_NS } from './device-link.js';

/** Where the guest rings by a register, a turn follows its write; where not, one follows the other. Wakes with the guest. */
export class GuestLoop {
  readonly #machine: Machine;
  readonly #clock: Clock;
  readonly #polls: boolean;
  readonly #timer = new Timer(() => this.#turn());
  /** When the next turn may be: a guest that rings by a register cannot have more of them than one that is polled. */
  #nextNs = 0;

  constructor(machine: Machine, clock: Clock, polls: boolean) {
    this.#machine = machine;
    this.#clock = clock;
    this.#polls = polls;
    if (machine.sharedMemory !== undefined) machine.sharedMemory.onKick = () => this.#arm(0);
    if (polls) this.wake();
  }

  /** The guest runs again. */
  wake(): void {
    if (this.#polls) this.#arm(CELL_POLL_NS);
  }

  #arm(afterNs: number): void {
    if (this.#timer.armed) return;
    this.#clock.schedule(this.#timer, Math.max(this.#nextNs, this.#clock.now() + afterNs));
  }

  #turn(): void {
    this.#nextNs = this.#clock.now() + CELL_POLL_NS;
    const isMore = this.#machine.sharedMemory?.device.poll() ?? false;
    this.#machine.pollReports();
    if (isMore || (this.#polls && this.#machine.activity === 'running')) this.#arm(CELL_POLL_NS);
  }
}
