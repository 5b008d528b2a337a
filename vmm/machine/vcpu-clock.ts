/** One machine's view of virtual time: its vCPU's local time while the guest runs, the common clock's otherwise. */

import type { Clock, Timer, VirtualClock, VirtualNs } from '../../base/index.js';
import type { Vcpu } from '../cpu/vcpu.js';
import type { InstructionTimebase } from './instruction-timebase.js';

/** Devices of a machine get this clock. Its timers stand in the common queue, so they fire at the common time. */
export class VcpuClock implements Clock<'virtual'> {
  readonly domain = 'virtual';
  /** Now, as others see this machine while its guest does not run; the common clock unless a scheduler knows better. */
  outsideNs: () => VirtualNs = () => this.common.now();
  /** Set by the machine around every slice: local time counts exactly then. */
  guestRuns = false;

  constructor(
    readonly common: VirtualClock,
    readonly timebase: InstructionTimebase,
    readonly vcpu: Pick<Vcpu, 'instret'>,
  ) {}

  /**
   * Never before the common clock. A timer's callback sees the common clock, which may stand behind the local time by
   * an instruction, by an exit's cost, or, for what another machine has just scheduled, by the scheduler's quantum.
   */
  now(): VirtualNs {
    if (!this.guestRuns) return this.outsideNs();
    return Math.max(this.timebase.timeAt(this.vcpu.instret), this.common.now());
  }

  schedule(timer: Timer, dueNs: VirtualNs): void {
    this.common.schedule(timer, dueNs);
  }

  cancel(timer: Timer): void {
    this.common.cancel(timer);
  }
}
