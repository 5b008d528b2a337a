/** Plays the one USB device of a trace to a guest or a kernel. */

import type { Clock } from '../../base/index.js';
import { HalError, openUsbReplay, type ReplayedUsbPort, type TraceFile } from '../../hal/index.js';

/**
 * Order counts on each endpoint: a guest that does something else than was recorded is told so with `HAL_DIVERGED`.
 * `HAL_TRACE` when the trace holds no USB device, or several.
 */
export function openUsbRecording(trace: TraceFile, clock: Clock): ReplayedUsbPort {
  try {
    return openUsbReplay(trace, { clock, policy: 'per-endpoint', pacing: 'device' });
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    if (error.code === 'HAL_NOT_FOUND')
      throw new HalError('HAL_TRACE', `${trace.path} holds no recording of a USB device`, {
        where: trace.path,
        hint: '"rig trace info" shows what it holds; record the device with "rig record"',
      });
    if (error.code === 'HAL_INVALID')
      throw new HalError('HAL_TRACE', `${trace.path} cannot be played as one USB device: ${error.message}`, {
        where: trace.path,
        hint: 'take one out with "rig trace export --format pcapng --interface NUMBER"',
      });
    throw error;
  }
}
