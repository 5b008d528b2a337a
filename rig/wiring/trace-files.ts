/** Opens and creates traces for a person: what the file system refuses is told as a wrong input or an output that cannot be written. */

import { existsSync } from 'node:fs';
import { HalError, openTrace, type TraceFile, TraceRecorder, type TraceRecorderOptions } from '../../hal/index.js';
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
