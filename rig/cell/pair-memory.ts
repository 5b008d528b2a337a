/** The memory and the wake-ups that two cells share: a mapped file, and a FIFO for each of them. */

import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RigError } from '../errors.js';
import { linuxCalls as hostCalls } from './linux-calls.js';
import { CHANNEL_BYTES, SectionChannel, type Side } from './section-channel.js';

/** A file system in memory, where there is one. */
const SHARED_FOLDER = '/dev/shm';
const ONE_BYTE = new Uint8Array(1);

const memoryFile = (folder: string): string => join(folder, 'memory');
const fifo = (folder: string, side: Side): string => join(folder, `wake-${side}`);

function unavailable(what: string, calls: ReturnType<typeof hostCalls>): RigError {
  return new RigError(
    'RIG_ASSIGNMENT',
    `two cells cannot share memory here: ${what} failed with error ${calls.errno()}`,
    {
      hint: 'cells with a companion need Linux; run the plan hosted, or in virtual time',
    },
  );
}

/** What two cells meet at, made before either is started; removed by `removePairFolder`. `RIG_ASSIGNMENT` where that is impossible. */
export function makePairFolder(calls = hostCalls()): string {
  const folder = mkdtempSync(join(existsSync(SHARED_FOLDER) ? SHARED_FOLDER : tmpdir(), 'rigvisor-cells-'));
  writeFileSync(memoryFile(folder), '', { mode: 0o600 });
  truncateSync(memoryFile(folder), CHANNEL_BYTES);
  for (const side of [0, 1] as const) {
    if (calls.makeFifo(fifo(folder, side)) === 0) continue;
    removePairFolder(folder);
    throw unavailable('mkfifo', calls);
  }
  return folder;
}

/** Cells that have it open keep what they have. */
export function removePairFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** One cell's end of a channel. */
export interface OpenChannel {
  readonly channel: SectionChannel;
  /** The memory stays mapped until the process ends. */
  close(): void;
}

/** `news` is called when the peer has rung after `listen`. Throws `RIG_ASSIGNMENT` when the memory cannot be mapped. */
export function openChannel(folder: string, side: Side, news: () => void, calls = hostCalls()): OpenChannel {
  const file = openSync(memoryFile(folder), 'r+');
  const memory = calls.map(file, CHANNEL_BYTES);
  closeSync(file);
  if (memory === undefined) throw unavailable('mmap', calls);
  // For both directions: opening never waits for the other end, and the other end going away is no end of file.
  const flags = constants.O_RDWR | constants.O_NONBLOCK;
  const peer = openSync(fifo(folder, side === 0 ? 1 : 0), flags);
  const own = new Socket({ fd: openSync(fifo(folder, side), flags), readable: true, writable: false });
  own.on('data', news);
  own.on('error', () => {});
  const wake = (): void => {
    try {
      writeSync(peer, ONE_BYTE);
    } catch {
      // A FIFO that is full has woken its reader already.
    }
  };
  const channel = new SectionChannel({ memory, side, wake });
  return {
    channel,
    close: () => {
      own.destroy();
      closeSync(peer);
    },
  };
}
