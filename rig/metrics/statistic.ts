/** An estimate together with the mode it was made in: what an assertion compares with a limit. */

import type { Estimate, Limit, Measurement, RunMode } from './measurement.js';
import { judge } from './measurement.js';

export class Statistic {
  /** Tells assertions what this is, across copies of this module. */
  readonly kind = 'rigvisor.statistic';

  constructor(
    readonly estimate: Estimate,
    readonly mode: RunMode,
  ) {}

  /** `NaN` when nothing could be measured. */
  get value(): number {
    return this.estimate.value;
  }

  judge(limit: Limit): Measurement {
    return judge(this.estimate, limit, this.mode);
  }
}

/** What every timing metric needs to know about its time stamps. */
export interface StampContext {
  /** What is measured, as a person names it: `fix`, `guest 1 fix`. */
  readonly subject: string;
  readonly mode: RunMode;
  /** Greatest error of one stamp. */
  readonly resolutionNs: number;
  /** Greatest rate error of the clock that stamps. */
  readonly ppm: number;
}
