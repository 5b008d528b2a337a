/** One guest of a run as the assembly sees it, wherever its vCPU runs: in this thread (`Machine`) or in one of its own. */

import type { Clock } from '../../base/index.js';
import type { Acquisition, ExitCounters, InterruptLog, MachineConfig, MachineEnd } from '../../vmm/index.js';

export interface GuestUnit {
  readonly name: string;
  readonly clock: Clock;
  readonly acquisition: Acquisition | undefined;
  readonly exits: Pick<ExitCounters, 'snapshot' | 'of'>;
  readonly activity: 'running' | 'idle' | 'ended';
  readonly end: MachineEnd | undefined;
  readonly instret: number;
  readonly reportsDropped: number;
  /** Latencies of measured interrupts; those of a guest in a thread of its own are there when it is sealed. */
  readonly interrupts?: Pick<InterruptLog, 'of'> | undefined;
  /** Fetches records from the report ring; returns how many. */
  pollReports(): number;
  /** Hands on what the journal has gathered. */
  flushJournal(): void;
  /** The guest runs no more: the journal gets its last entry. Idempotent. */
  seal(): unknown;
  /** Resolves when the guest can be joined to its device; a guest of this thread can be at once. */
  ready?(): Promise<void>;
}

/** Makes the machine of a guest, and starts its thread where it has one. */
export type GuestMaker<G extends GuestUnit> = (config: MachineConfig) => G;
