/** The request of a run in wall time that is to misbehave or to be hurt: an echo, until it is stopped. */

import type { Architecture, RunRequest } from '../../run/run-types.js';

export type WallRequest = Pick<RunRequest, 'outDir' | 'abort' | 'progress'> & {
  readonly architecture: Architecture;
  readonly port: string;
};

export function wallRequest({ architecture, port, outDir, abort, progress }: WallRequest): RunRequest {
  return {
    cell: {
      plan: 'isolation',
      profile: 'echo-terminal',
      binding: 'real',
      architecture,
      frontend: architecture === 'hosted' ? 'emulated' : 'ring',
      engine: 'translator',
    },
    guest: 'echo',
    durationNs: 3600e9,
    seed: 'isolation',
    outDir,
    port,
    // What misbehaves must not be given what it could take from others.
    realTime: false,
    ...(abort === undefined ? {} : { abort }),
    ...(progress === undefined ? {} : { progress }),
  };
}
