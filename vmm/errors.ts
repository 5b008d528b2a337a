/** Errors of the monitor itself; what a guest does wrong is a value (`VmExit`, a trap), never one of these. */

import { CodedError } from '../base/index.js';

export type VmmErrorCode =
  /** The image is not one this machine can load. */
  | 'VMM_IMAGE'
  /** The machine's configuration contradicts itself: overlapping regions, impossible sizes. */
  | 'VMM_CONFIG'
  /** A journal does not belong to this machine, or ends or diverges. */
  | 'VMM_JOURNAL'
  /** The thread of a vCPU ended by itself, or takes nothing any more. */
  | 'VMM_THREAD'
  /** An engine broke its own invariant. */
  | 'VMM_ENGINE';

export class VmmError extends CodedError<VmmErrorCode> {
  readonly layer = 'vmm';
}
