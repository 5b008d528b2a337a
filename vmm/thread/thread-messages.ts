/** What the two threads tell each other by message: nothing on the way of data. */

import type { ScheduleWindow, WallOrigin } from '../../base/index.js';
import type { SharedWasmMemory } from '../cpu/guest-memory.js';
import type { JournalEnd } from '../journal/journal-format.js';
import type { MeasuredInterrupts } from '../machine/interrupt-log.js';
import type { MachineConfig } from '../machine/machine-config.js';
import type { MachineEnd } from '../machine/machine-end.js';
import type { ThreadMemory } from './thread-protocol.js';

/** What of a machine's configuration can be given to another thread. */
export type ThreadMachineConfig = Pick<
  MachineConfig,
  | 'name'
  | 'engine'
  | 'image'
  | 'xlen'
  | 'ramBytes'
  | 'acquisition'
  | 'sharedMemory'
  | 'measuredInterrupts'
  | 'reportRing'
  | 'reportRingBytes'
  | 'bootargs'
  | 'limits'
  | 'seed'
>;

export interface ThreadOrder {
  readonly machine: ThreadMachineConfig;
  readonly ram: SharedWasmMemory;
  readonly memory: ThreadMemory;
  readonly origin: WallOrigin;
  readonly sliceInstructions: number;
  readonly spinNs: number;
  readonly schedule?: ThreadSchedule;
}

/** When the vCPU may run, where several share a core: windows of a `CyclicSchedule`, on the clock of the run. */
export interface ThreadSchedule {
  readonly owner: string;
  readonly frameNs: number;
  readonly windows: readonly ScheduleWindow[];
}

export type ThreadMessage =
  /** The machine is built; nothing runs yet. */
  | { readonly kind: 'ready'; readonly threadId: number | undefined; readonly regions: readonly string[] }
  /** There is something in the outbound ring, or the guest's activity has changed. */
  | { readonly kind: 'news' }
  | { readonly kind: 'journal'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'ended'; readonly end: MachineEnd }
  | { readonly kind: 'sealed'; readonly end: JournalEnd; readonly interrupts: MeasuredInterrupts };
