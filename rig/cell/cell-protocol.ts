/** What the rig and the process of a cell say to each other. */

import type { WallOrigin } from '../../base/index.js';
import type { HardwareProfile } from '../../hal/index.js';
import type { ThreadSchedule } from '../../vmm/index.js';
import type { RunProgress, RunRequest } from '../run/run-types.js';
import type { ErrorRecord } from '../verdict/verdict.js';
import type { PlainEvidence } from './evidence-codec.js';
import type { Side } from './section-channel.js';

export interface CellOrder {
  /** Without what cannot leave its process. */
  readonly request: Omit<RunRequest, 'abort' | 'progress'>;
  /** Absent for a guest without a device. */
  readonly profile?: HardwareProfile;
  /** Of a cell beside another; a cell alone has a place of its own choosing. */
  readonly pair?: PairSeat;
}

/** One of two cells whose guests share memory. */
export interface PairSeat {
  readonly side: Side;
  /** Where the two meet. */
  readonly folder: string;
  /** Both tell the same time. */
  readonly origin: WallOrigin;
  readonly place: CellPlace;
  /** Windows of its vCPU, where the two share a core. */
  readonly schedule?: ThreadSchedule;
}

/** What a cell asks its host for. */
export interface CellPlace {
  /** The core of its vCPU; any when absent. */
  readonly core?: number;
  /** `SCHED_FIFO` priority of its vCPU, and of its I/O loop; ordinary scheduling when absent. */
  readonly priority?: number;
  readonly ioPriority?: number;
  readonly lockMemory?: boolean;
}

/** What the run brought, or why there was none. */
export type CellAnswer = { readonly evidence: PlainEvidence } | { readonly error: ErrorRecord };

export interface CellRequests {
  /** Performs a run in this cell, from opening the device to the end of its trace. */
  readonly run: { readonly args: CellOrder; readonly answer: CellAnswer };
}

/** Sent by the cell of itself. */
export type CellEvent =
  | { readonly progress: RunProgress }
  /** One of a pair: everything is built, and the guest waits for `begin`. */
  | { readonly ready: true };

/** Told to the cell without an answer. */
export type CellMessage = { readonly abort: true } | { readonly begin: true };
