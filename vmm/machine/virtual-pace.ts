/** Paces one machine by its retired instructions, for the scheduler of virtual time. */

import type { VirtualClock, VirtualNs } from '../../base/index.js';
import type { VmExitReason } from '../cpu/vcpu.js';
import type { InstructionTimebase } from './instruction-timebase.js';
import type { MachineCore } from './machine-core.js';
import type { MachineEnd } from './machine-end.js';
import type { VcpuClock } from './vcpu-clock.js';
import type { CoScheduled } from './virtual-scheduler.js';

/** What one exit costs the guest, in whole virtual nanoseconds; `region` is the bus region of an MMIO exit. */
export type ExitCost = (reason: VmExitReason, region: string | undefined) => VirtualNs;

/** Bounds that stop a guest which never ends; none when absent. */
export interface MachineLimits {
  readonly instructions?: number;
  /** Local time. */
  readonly virtualNs?: VirtualNs;
}

export interface VirtualPaceParts {
  readonly clock: VcpuClock;
  readonly timebase: InstructionTimebase;
  readonly exitCostNs: ExitCost | undefined;
  readonly limits: MachineLimits;
}

/**
 * An exit's cost is charged after the device has been accessed: what became due meanwhile happens before the guest's
 * next instruction.
 */
export class VirtualPace implements CoScheduled {
  readonly #core: MachineCore;
  readonly #common: VirtualClock;
  readonly #clock: VcpuClock;
  readonly #timebase: InstructionTimebase;
  readonly #exitCostNs: ExitCost | undefined;
  readonly #mostInstret: number;
  readonly #mostNs: number;
  #limitNs = 0;
  #momentNs: () => VirtualNs;

  constructor(core: MachineCore, parts: VirtualPaceParts) {
    this.#core = core;
    this.#common = parts.clock.common;
    this.#clock = parts.clock;
    this.#timebase = parts.timebase;
    this.#exitCostNs = parts.exitCostNs;
    this.#mostInstret = parts.limits.instructions ?? Number.MAX_SAFE_INTEGER;
    this.#mostNs = parts.limits.virtualNs ?? Number.POSITIVE_INFINITY;
    this.#momentNs = () => this.#common.now();
  }

  get name(): string {
    return this.#core.name;
  }

  get localNs(): VirtualNs {
    return this.#timebase.timeAt(this.#core.vcpu.instret);
  }

  /** Local time as of a retired instruction that is not the last. */
  timeAt(instret: number): VirtualNs {
    return this.#timebase.timeAt(instret);
  }

  get activity(): 'running' | 'idle' | 'ended' {
    return this.#core.activity;
  }

  get end(): MachineEnd | undefined {
    return this.#core.end;
  }

  join(momentNs: () => VirtualNs, woken: () => void): void {
    this.#momentNs = momentNs;
    this.#clock.outsideNs = () => this.#outsideNs();
    this.#catchUp();
    this.#core.onWake = () => {
      this.#catchUp();
      woken();
    };
  }

  cutSlice(): void {
    this.#limitNs = Number.NEGATIVE_INFINITY;
  }

  runSlice(limitNs: VirtualNs): void {
    const core = this.#core;
    this.#limitNs = Math.min(limitNs, this.#mostNs);
    this.#clock.guestRuns = true;
    try {
      while (core.activity === 'running') {
        const dueNs = this.#common.nextDueNs();
        if (dueNs < this.#limitNs) this.#limitNs = dueNs;
        const until = Math.min(this.#timebase.instretAt(this.#limitNs), this.#mostInstret, core.pauseInstret);
        if (core.vcpu.instret >= until) break;
        const reason = core.step(until);
        if (this.#exitCostNs !== undefined && reason !== 'until') {
          this.#timebase.delay(this.#exitCostNs(reason, core.lastRegion));
        }
      }
      if (core.activity !== 'ended') this.#checkLimits();
      if (core.vcpu.instret >= core.pauseInstret) core.pause();
    } finally {
      this.#clock.guestRuns = false;
    }
  }

  #checkLimits(): void {
    const { instret } = this.#core.vcpu;
    if (instret >= this.#mostInstret) {
      this.#core.finish(
        'limit',
        0,
        `${this.#core.subject} was stopped after its limit of ${this.#mostInstret} instructions.`,
      );
    } else if (this.localNs >= this.#mostNs) {
      this.#core.finish(
        'limit',
        0,
        `${this.#core.subject} was stopped after its limit of ${this.#mostNs} ns of virtual time.`,
      );
    }
  }

  /** Its time when another machine's exit, or a timer, reaches into it. */
  #outsideNs(): VirtualNs {
    const commonNs = this.#common.now();
    const momentNs = this.#momentNs();
    // Inside the slice of another, a guest that runs too keeps its own time: the two may differ by the quantum.
    if (momentNs === commonNs || this.#core.activity !== 'running') return momentNs;
    return Math.max(commonNs, this.localNs);
  }

  /** The time it waited passes for the guest without an instruction. */
  #catchUp(): void {
    const behindNs = this.#momentNs() - this.localNs;
    if (behindNs > 0) this.#timebase.delay(behindNs);
  }
}
