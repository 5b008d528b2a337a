/** One machine's view of virtual time: its vCPU's local time while the guest runs, the common clock's otherwise. */

import type { Clock, Timer, VirtualClock, VirtualNs } from '../../base/index.js';
import type { Vcpu } from '../cpu/vcpu.js';
import type { InstructionTimebase } from './instruction-timebase.js';

/** Devices of a machine get this clock. Its timers stand in the common queue, so they fire at the common time. */
export class VcpuClock implements Clock<'virtual'> {
  readonly domain = 'virtual';
  /** Set by the machine around every slice: local time counts exactly then. */
  guestRuns = false;

  constructor(
    readonly common: VirtualClock,
    readonly timebase: InstructionTimebase,
    readonly vcpu: Pick<Vcpu, 'instret'>,
  ) {}

  /** Never before the common clock, and between two calls by the same machine never less. */
  now(): VirtualNs {
    const commonNs = this.common.now();
    if (!this.guestRuns) return commonNs;
    const localNs = this.timebase.timeAt(this.vcpu.instret);
    return Math.max(localNs, commonNs);
  }

  schedule(timer: Timer, dueNs: VirtualNs): void {
    this.common.schedule(timer, dueNs);
  }

  cancel(timer: Timer): void {
    this.common.cancel(timer);
  }
}
