/** How a port ended, as a trace tells it. */

import { HalError, type HalErrorCode } from '../errors.js';

const RECORDED_CODES: readonly HalErrorCode[] = [
  'HAL_DISCONNECTED',
  'HAL_DIVERGED',
  'HAL_HOST_PROCESS',
  'HAL_IO',
  'HAL_TRACE',
];

/** The error that `CODE message` stands for; `HAL_DISCONNECTED` for a code that ports do not end with. */
export function recordedEnd(recorded: string): HalError {
  const text = recorded.replace(/\p{Cc}/gu, ' ');
  const space = text.indexOf(' ');
  const code = RECORDED_CODES.find((known) => known === text.slice(0, space)) ?? 'HAL_DISCONNECTED';
  return new HalError(code, space < 0 ? text : text.slice(space + 1));
}
