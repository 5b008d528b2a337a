/** Two pseudo-terminals joined back to back: a serial cable for tests that has two ends in the file system. */

import type { WallClock } from '../../../base/index.js';
import { PtyMaster } from './pty-master.js';

export interface PtyPair {
  /** The terminals; what is written to one is read from the other. */
  readonly paths: readonly [string, string];
  close(): void;
}

/** Joins `from` to `to`; a reader that does not keep up holds the writer up, so nothing is lost. */
function forward(from: PtyMaster, to: PtyMaster): void {
  const waiting: Buffer[] = [];
  const push = () => {
    for (let chunk = waiting[0]; chunk !== undefined; chunk = waiting[0]) {
      const taken = to.write(chunk, 0, chunk.length);
      if (taken < chunk.length) {
        waiting[0] = chunk.subarray(taken);
        from.pause();
        return;
      }
      waiting.shift();
    }
    from.resume();
  };
  from.onData = (chunk) => {
    waiting.push(Buffer.from(chunk));
    push();
  };
  to.onWritten = push;
}

/** Throws `HAL_UNSUPPORTED` or `HAL_IO` as `PtyMaster` does. */
export function createPtyPair(clock: WallClock): PtyPair {
  const a = new PtyMaster(clock);
  const b = new PtyMaster(clock);
  forward(a, b);
  forward(b, a);
  return {
    paths: [a.path, b.path],
    close: () => {
      a.close();
      b.close();
    },
  };
}
