/** Opens and creates traces for a person: what the file system refuses is told as a wrong input or an output that cannot be written. */

import { existsSync } from 'node:fs';
import {
  createReplayedPort,
  HalError,
  openTrace,
  type ReplayedPort,
  type ReplayedPortOptions,
  type TraceFile,
  TraceRecorder,
  type TraceRecorderOptions,
} from '../../hal/index.js';
import { RigError } from '../errors.js';

const FILE_CODES: readonly string[] = ['HAL_NOT_FOUND', 'HAL_DENIED', 'HAL_INVALID', 'HAL_IO'];

/** As `openTrace`; a file that is not there or may not be read is `RIG_INPUT_MISSING`, a foreign one stays `HAL_TRACE`. */
export function openInput(path: string): TraceFile {
  try {
    return openTrace(path);
  } catch (error) {
    throw fileTrouble(error, 'RIG_INPUT_MISSING');
  }
}

/**
 * The one serial device of a trace, played to a guest or a program: what they send need not be what was sent when the device
 * was recorded, so a difference is counted and not fatal. `HAL_TRACE` when the trace holds no such device, or several.
 */
export function openReplay(trace: TraceFile, clock: ReplayedPortOptions['clock']): ReplayedPort {
  try {
    return createReplayedPort({ trace, clock, policy: 'lenient' });
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    if (error.code === 'HAL_NOT_FOUND')
      throw new HalError('HAL_TRACE', `${trace.path} holds no recording of a serial device`, {
        where: trace.path,
        hint: '"rig trace info" shows what it holds; record the device with "rig record"',
      });
    if (error.code === 'HAL_INVALID')
      throw new HalError('HAL_TRACE', `${trace.path} cannot be played as one device: ${error.message}`, {
        where: trace.path,
        hint: 'take one out with "rig trace export --format pcapng --interface NUMBER"',
      });
    throw error;
  }
}

/** As the constructor of `TraceRecorder`; a file that cannot be made is `RIG_OUTPUT`. */
export function createRecorder(options: TraceRecorderOptions): TraceRecorder {
  try {
    return new TraceRecorder(options);
  } catch (error) {
    throw fileTrouble(error, 'RIG_OUTPUT');
  }
}

/** `RIG_OUTPUT` when `path` is there already: what was recorded once is never overwritten. */
export function refuseExisting(path: string): void {
  if (!existsSync(path)) return;
  throw new RigError('RIG_OUTPUT', `${path} exists already and is not overwritten`, {
    where: path,
    hint: 'name another file with --out, or move this one away',
  });
}

/** What is no matter of files is handed back as it is. The cause is left out: its code would name a device. */
export function fileTrouble(error: unknown, code: 'RIG_INPUT_MISSING' | 'RIG_OUTPUT'): unknown {
  if (!(error instanceof HalError) || !FILE_CODES.includes(error.code)) return error;
  const { message, where, hint } = error;
  return new RigError(code, message, {
    ...(where === undefined ? {} : { where }),
    ...(hint === undefined ? {} : { hint }),
  });
}
