/** What fuzzing shares: how much of it is done, and how much memory the host has lost over it. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The long form of every fuzz test. */
export const NIGHTLY = process.env.RIGVISOR_NIGHTLY === '1';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of the host's heap and of its buffers that are in use after all garbage is gone. */
export function memoryInUse(): number {
  // Buffers are given back by a second round, after the objects that held them.
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
