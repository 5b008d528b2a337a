/** Runs a simulated board in a process of its own, reached through shared memory as a board behind UIO is. */

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WallOrigin } from '../../../base/index.js';
import { HalError } from '../../errors.js';
import { type DaqBoardParameters, daqBoardParametersSchema } from '../../simulators/daq-board/parameters.js';
import { BAR_BYTES } from '../../simulators/daq-board/registers.js';
import { memoryCalls } from '../mapped/memory-calls.js';
import { DMA_BYTES, filesOf } from './layout.js';

export interface SharedBoardOptions {
  readonly parameters?: DaqBoardParameters;
  /** What noise and jitter follow from. */
  readonly seed?: string;
  /** That of the clock on which descriptors are stamped. */
  readonly origin: WallOrigin;
  /** The board looks at its registers so often while it runs, in microseconds; default 100. Every millisecond otherwise. */
  readonly pollUs?: number;
}

export interface SharedBoard {
  /** For `openSharedBoard`. */
  readonly path: string;
  readonly pid: number;
  /** Ends the process and removes its files. Idempotent. */
  stop(): Promise<void>;
}

/** What the process is told, as JSON. */
export interface SharedBoardSettings {
  readonly parameters: DaqBoardParameters;
  readonly seed: string;
  readonly pollUs: number;
  readonly originUnixNs: string;
  readonly originMonotonicNs: string;
}

const MEMORY_FOLDER = '/dev/shm';
const LAST_WORDS_BYTES = 2048;

/**
 * Resolves when the board can be opened. Its process ends with the one that started it. Throws a ZodError for parameters
 * that no board has, `HAL_UNSUPPORTED` without koffi or Linux, `HAL_HOST_PROCESS` when the process does not start.
 */
export async function startSharedBoard(options: SharedBoardOptions): Promise<SharedBoard> {
  const settings: SharedBoardSettings = {
    parameters: daqBoardParametersSchema.parse(options.parameters ?? {}),
    seed: options.seed ?? 'rv-daq16',
    pollUs: options.pollUs ?? 100,
    originUnixNs: String(options.origin.unixNs),
    originMonotonicNs: String(options.origin.monotonicNs),
  };
  const folder = makeFolder();
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const child = fork(
    fileURLToPath(new URL('./shared-board-main.js', import.meta.url)),
    [folder, JSON.stringify(settings)],
    {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
    },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    if (child.exitCode === null && child.signalCode === null) await ended;
    process.removeListener('exit', remove);
    remove();
  };
  try {
    await started(child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { path: folder, pid: child.pid as number, stop };
}

function makeFolder(): string {
  const folder = mkdtempSync(join(existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir(), 'rigvisor-board-'));
  const files = filesOf(folder);
  for (const [file, bytes] of [
    [files.registers, BAR_BYTES],
    [files.dma, DMA_BYTES],
  ] as const) {
    writeFileSync(file, '');
    truncateSync(file, bytes);
  }
  memoryCalls().makePipe(files.interrupt);
  memoryCalls().makePipe(files.rearm);
  return folder;
}

function started(child: ChildProcess): Promise<void> {
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString('utf8')).slice(-LAST_WORDS_BYTES);
  });
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code, signal) => {
      reject(
        new HalError('HAL_HOST_PROCESS', `the board's process ended with ${code ?? signal}: ${lastWords.trim()}`, {
          hint: 'Run it again; its last words say what it lacked.',
        }),
      );
    });
  });
}
