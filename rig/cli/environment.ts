/** What every command is given; apart from what runs plans, so that a command which needs no more starts at once. */

import { defaultExecutor, loadWiring } from '../plan/context.js';
import type { RunExecutor } from '../run/run-types.js';
import type { PreflightRequest } from '../run/services.js';

/** Where output goes, and what runs; replaced in tests. */
export interface CommandEnvironment {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** What a guest's keyboard reads; the process's own when absent. */
  readonly stdin?: NodeJS.ReadableStream;
  readonly executor: (calibrationPath?: string) => Promise<RunExecutor>;
  /** Rejects when a name on the command line is wrong, before anything runs. */
  readonly preflight: (request: PreflightRequest) => Promise<void>;
}

export const PROCESS_ENVIRONMENT: CommandEnvironment = {
  stdout: process.stdout,
  stderr: process.stderr,
  executor: defaultExecutor,
  preflight: async (request) => (await loadWiring()).preflight(request),
};
