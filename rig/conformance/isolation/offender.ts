/** Starts a process that runs guests which misbehave. */

import { HostProcess } from '../../../hal/index.js';
import type { LifeOutcome } from './wild-lives.js';

export interface OffenderRequests {
  /** Lives through one guest, by its seed. */
  readonly live: { readonly args: string; readonly answer: LifeOutcome };
}

export type Offender = HostProcess<OffenderRequests>;

export function startOffender(): Offender {
  return new HostProcess<OffenderRequests>({
    where: 'guests that misbehave',
    module: new URL('./offender-main.js', import.meta.url),
  });
}
