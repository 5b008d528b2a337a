/** What a machine is made from. */

import type { VirtualClock, WallClock } from '../../base/index.js';
import type { GuestImage } from '../boot/guest-image.js';
import type { ReportSink } from '../devices/report-ring.js';
import type { JournalSink } from '../journal/journal-writer.js';
import type { MachineEnd } from './machine-end.js';
import type { ExitCost, MachineLimits } from './virtual-pace.js';

/** How the guest reaches its instrument. The first two are emulated devices on the bus, the third is memory alone. */
export type AcquisitionKind = 'ns16550a' | 'virtio-console' | 'serial-ring';

export interface AcquisitionConfig {
  readonly kind: AcquisitionKind;
  /** What the profile names; it goes into the device tree. */
  readonly baudRate: number;
  /** Entries of a serial ring each way, powers of two; 4,096 and 1,024 when absent. */
  readonly rxEntries?: number;
  readonly txEntries?: number;
}

export interface MachineConfig {
  /** How messages and records name it. */
  readonly name: string;
  readonly engine: 'interpreter';
  readonly image: GuestImage;
  /** The run's clock. Its domain decides what paces the machine: instructions or the host. */
  readonly clock: VirtualClock | WallClock;
  /** A multiple of 64 KiB; 16 MiB when absent. */
  readonly ramBytes?: number;
  /** Instructions a second in virtual time; 100,000,000 when absent. */
  readonly cpuHz?: number;
  readonly acquisition?: AcquisitionConfig;
  /** Adds a report ring of `reportRingBytes` (65,536 when absent). */
  readonly reportRing?: boolean;
  readonly reportRingBytes?: number;
  readonly bootargs?: string;
  /** Where the journal goes; without it there is none. */
  readonly journal?: JournalSink;
  /** What exits cost in virtual time; nothing when absent. Must depend on its arguments alone. */
  readonly exitCostNs?: ExitCost;
  readonly limits?: MachineLimits;
  /** One character of the guest's console, from its UART or by hypercall. */
  readonly onConsole?: (byte: number) => void;
  /** One report record, by hypercall or from the report ring: `record[0 .. length)`, valid during the call. */
  readonly onReport?: ReportSink;
  /** The guest has ended; called once, from inside the exit that ended it. */
  readonly onEnd?: (end: MachineEnd) => void;
}
