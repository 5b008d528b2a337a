/** Recordings a run can be bound to: a trace of ours or another's, or a byte log of gpsd, which is imported first. */

import { closeSync, openSync, readSync } from 'node:fs';
import { importGpsdLog } from '../../hal/index.js';
import { RigError } from '../errors.js';
import { openInput } from './trace-files.js';

export interface Recording {
  /** Path of the trace to play. */
  readonly path: string;
  /** Its times were inferred, not measured. */
  readonly reconstructed: boolean;
}

const PCAPNG_MAGIC = [0x0a, 0x0d, 0x0d, 0x0a];

/** `importPath` is where the trace of an imported log goes. */
export function openRecording(path: string, importPath: string): Recording {
  if (!looksLikeLog(path)) return { path, reconstructed: importedBefore(path) };
  importGpsdLog(path, importPath);
  return { path: importPath, reconstructed: true };
}

function importedBefore(path: string): boolean {
  const { manifest } = openInput(path);
  return typeof manifest === 'object' && manifest !== null && 'format' in manifest && manifest.format === 'gpsd';
}

/** A log is named so, and is no pcapng file under another name. */
export function looksLikeLog(path: string): boolean {
  if (!path.endsWith('.log')) return false;
  const head = Buffer.alloc(4);
  try {
    const file = openSync(path, 'r');
    try {
      readSync(file, head, 0, 4, 0);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new RigError('RIG_INPUT_MISSING', `the recording ${path} cannot be read: ${(cause as Error).message}`, {
      where: path,
      hint: 'check the path and its permissions',
      cause,
    });
  }
  return !PCAPNG_MAGIC.every((byte, i) => head[i] === byte);
}
