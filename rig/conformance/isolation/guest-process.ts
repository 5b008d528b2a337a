/** A process that runs guests of these tests: such that misbehave, and such that must lose nothing. */

import { HostProcess } from '../../../hal/index.js';
import type { ExchangeOrder, ExchangeOutcome } from './steady-neighbour.js';
import type { LifeOutcome } from './wild-lives.js';

export interface GuestRequests {
  /** Lives through one guest that misbehaves, by its seed. */
  readonly live: { readonly args: string; readonly answer: LifeOutcome };
  /** One run of a neighbour; guests that misbehave may live in the same process meanwhile. */
  readonly exchange: { readonly args: ExchangeOrder; readonly answer: ExchangeOutcome };
}

export type GuestProcess = HostProcess<GuestRequests>;

/** What is to be shown is not how long a host that is overloaded leaves a process waiting. */
const MISSED_HEARTBEATS = 30;

export function startGuestProcess(): GuestProcess {
  return new HostProcess<GuestRequests>({
    where: 'guests of an isolation test',
    module: new URL('./guest-process-main.js', import.meta.url),
    missedHeartbeats: MISSED_HEARTBEATS,
  });
}
