/** How a guest's run can end. */

import type { VirtualNs, WallNs } from '../../base/index.js';

/** A machine that has ended retires nothing more. */
export interface MachineEnd {
  readonly kind: /** Test finisher, 0x5555, or SBI shutdown without a reason. */
    | 'pass'
    /** Test finisher, 0x3333, or SBI shutdown for a failure. */
    | 'fail'
    /** The guest asked for a reset. */
    | 'reset'
    /** It used up its instructions or its time. */
    | 'limit'
    /** Its trap handler traps itself: it can retire nothing more. */
    | 'stuck';
  /** The code of the finisher's `fail`, 0 otherwise. */
  readonly code: number;
  /** One sentence for the person at the bench. */
  readonly sentence: string;
  readonly instret: number;
  /** The guest's local time, in the domain of its clock. */
  readonly atNs: VirtualNs | WallNs;
}
