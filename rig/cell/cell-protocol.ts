/** What the rig and the process of a cell say to each other. */

import type { HardwareProfile } from '../../hal/index.js';
import type { RunProgress, RunRequest } from '../run/run-types.js';
import type { ErrorRecord } from '../verdict/verdict.js';
import type { PlainEvidence } from './evidence-codec.js';

export interface CellOrder {
  /** Without what cannot leave its process. */
  readonly request: Omit<RunRequest, 'abort' | 'progress'>;
  /** Absent for a guest without a device. */
  readonly profile?: HardwareProfile;
}

/** What the run brought, or why there was none. */
export type CellAnswer = { readonly evidence: PlainEvidence } | { readonly error: ErrorRecord };

export interface CellRequests {
  /** Performs a run in this cell, from opening the device to the end of its trace. */
  readonly run: { readonly args: CellOrder; readonly answer: CellAnswer };
}

/** Sent by the cell of itself. */
export interface CellEvent {
  readonly progress: RunProgress;
}

/** Told to the cell without an answer. */
export interface CellMessage {
  readonly abort: true;
}
