/** What a person named on the command line, looked at before anything runs: one wrong name is one sentence, not one a test. */

import { openTrace } from '../../hal/index.js';
import { NO_DEVICE } from '../plan/matrix.js';
import type { PreflightRequest } from '../run/services.js';
import { loadCalibration } from './calibration.js';
import { findProfile } from './executor.js';
import { looksLikeLog } from './recording.js';

/** Throws `RIG_PROFILE_UNKNOWN`, `RIG_PROFILE_MALFORMED`, `RIG_CALIBRATION`, `RIG_INPUT_MISSING` or `HAL_TRACE`. Touches no device. */
export async function preflight(request: PreflightRequest): Promise<void> {
  for (const profile of request.profiles ?? []) if (profile !== NO_DEVICE) findProfile(profile);
  if (request.calibrationPath !== undefined) loadCalibration(request.calibrationPath);
  if (request.recordingPath !== undefined && !looksLikeLog(request.recordingPath)) openTrace(request.recordingPath);
}
