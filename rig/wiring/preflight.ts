/** What a person named on the command line, looked at before anything runs: one wrong name is one sentence, not one a test. */

import { openTrace } from '../../hal/index.js';
import type { PreflightRequest } from '../run/services.js';
import { findProfile } from './executor.js';
import { NO_DEVICE } from './no-device.js';
import { looksLikeLog } from './recording.js';

/** Throws `RIG_PROFILE_UNKNOWN`, `RIG_PROFILE_MALFORMED`, `RIG_INPUT_MISSING` or `HAL_TRACE`. Touches no device. */
export async function preflight(request: PreflightRequest): Promise<void> {
  for (const profile of request.profiles ?? []) if (profile !== NO_DEVICE) findProfile(profile);
  if (request.recordingPath !== undefined && !looksLikeLog(request.recordingPath)) openTrace(request.recordingPath);
}
