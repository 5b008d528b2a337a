/** How often a guest left its vCPU, by reason and by the device it went to. */

import type { VmExitReason } from '../cpu/vcpu.js';

/** Exits that ended at one region of the bus. */
export interface RegionExits {
  readonly region: string;
  readonly reads: number;
  readonly writes: number;
}

/** A copy of the counters at one moment. `until` is not counted: it is the scheduler's doing, not the guest's. */
export interface ExitSnapshot {
  /** Everything but `wfi`. */
  readonly total: number;
  readonly mmioReads: number;
  readonly mmioWrites: number;
  readonly hypercalls: number;
  /** MMIO exits that ended in an access fault. */
  readonly faults: number;
  /** `wfi` with nothing pending: the guest gave its time away, it did not pay for a service. */
  readonly idle: number;
  /** Those with at least one exit, by ascending address. */
  readonly regions: readonly RegionExits[];
}

/** Counting allocates nothing. */
export class ExitCounters {
  mmioReads = 0;
  mmioWrites = 0;
  hypercalls = 0;
  faults = 0;
  idle = 0;
  readonly #names: string[] = [];
  readonly #reads: number[] = [];
  readonly #writes: number[] = [];

  /** Makes room for a region and returns its index; a known name keeps its index. */
  region(name: string): number {
    const known = this.#names.indexOf(name);
    if (known >= 0) return known;
    this.#reads.push(0);
    this.#writes.push(0);
    return this.#names.push(name) - 1;
  }

  countRead(region: number): void {
    this.#reads[region]++;
  }

  countWrite(region: number): void {
    this.#writes[region]++;
  }

  readsOf(region: number): number {
    return this.#reads[region];
  }

  writesOf(region: number): number {
    return this.#writes[region];
  }

  /** Exits to the named region so far; 0 for a name that has none. */
  of(name: string): number {
    const index = this.#names.indexOf(name);
    return index < 0 ? 0 : this.#reads[index] + this.#writes[index];
  }

  byReason(reason: VmExitReason): number {
    switch (reason) {
      case 'mmio-read':
        return this.mmioReads;
      case 'mmio-write':
        return this.mmioWrites;
      case 'hypercall':
        return this.hypercalls;
      case 'wfi':
        return this.idle;
      case 'until':
      case 'lockup':
      case 'breakpoint':
        return 0;
    }
  }

  snapshot(): ExitSnapshot {
    return {
      total: this.mmioReads + this.mmioWrites + this.hypercalls,
      mmioReads: this.mmioReads,
      mmioWrites: this.mmioWrites,
      hypercalls: this.hypercalls,
      faults: this.faults,
      idle: this.idle,
      regions: this.#names
        .map((region, i) => ({ region, reads: this.#reads[i], writes: this.#writes[i] }))
        .filter(({ reads, writes }) => reads + writes > 0),
    };
  }
}
