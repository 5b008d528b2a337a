/** VM exits in the trace: what has been counted since the last packet, by device and reason. */

import type { UpperChannel } from '../../hal/index.js';
import type { ExitSnapshot } from '../../vmm/index.js';
import type { GuestUnit } from './guest-unit.js';

export class ExitLog {
  #last: ExitSnapshot | undefined;

  constructor(
    private readonly machine: GuestUnit,
    private readonly channel: UpperChannel,
    private readonly now: () => number,
  ) {}

  /** Writes one packet when there were exits since the last; a line a device, sorted as on the bus. */
  sample(): void {
    const exits = this.machine.exits.snapshot();
    const last = this.#last;
    this.#last = exits;
    const lines: string[] = [];
    exits.regions.forEach(({ region, reads, writes }, i) => {
      const before = last?.regions[i];
      const newReads = reads - (before?.reads ?? 0);
      const newWrites = writes - (before?.writes ?? 0);
      if (newReads + newWrites > 0) lines.push(`${region} mmio-read ${newReads} mmio-write ${newWrites}`);
    });
    const hypercalls = exits.hypercalls - (last?.hypercalls ?? 0);
    const idle = exits.idle - (last?.idle ?? 0);
    if (hypercalls > 0) lines.push(`hypercall ${hypercalls}`);
    if (idle > 0) lines.push(`wfi ${idle}`);
    if (lines.length > 0) this.channel.text(`instret ${this.machine.instret}\n${lines.join('\n')}\n`, this.now());
  }
}
