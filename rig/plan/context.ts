/** What surrounds the plans of one session: the selection, the executor, where files go, and what is collected. */

import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Suite } from 'mocha';
import { RigError } from '../errors.js';
import {
  ARCHITECTURES,
  BINDINGS,
  ENGINES,
  HOSTED_FRONTENDS,
  type MatrixCell,
  type RunExecutor,
  type RunProgress,
} from '../run/run-types.js';
import type { WiringServices } from '../run/services.js';
import type { CellRecord } from '../verdict/records.js';
import type { Selection } from './matrix.js';

/** What happens during a session, for a display. */
export type SessionEvent =
  | { readonly kind: 'run-begins'; readonly cell: MatrixCell; readonly asked: string }
  | { readonly kind: 'run-progress'; readonly cell: MatrixCell; readonly progress: RunProgress }
  | {
      readonly kind: 'test-ends';
      readonly cell: MatrixCell | undefined;
      readonly title: string;
      readonly verdict: string;
    };

export interface SessionContext {
  readonly selection: Selection;
  /** Replaces the seed of every plan. */
  readonly seed: string | undefined;
  readonly port: string | undefined;
  /** Whether cells ask the host for a core, priority and locked memory; true when absent. */
  readonly realTime?: boolean;
  readonly outDir: string;
  /** Host time that one test, and each run in it, may take. */
  readonly timeoutMs: number;
  readonly abort: AbortSignal;
  /** Made when the first run needs it. */
  readonly executor: () => Promise<RunExecutor>;
  readonly emit: (event: SessionEvent) => void;
  /** Filled by the plans, in order. */
  readonly cells: Map<Suite, CellRecord>;
}

export const DEFAULT_TIMEOUT_MS = 300_000;

/** On the process, not in the module: a plan loaded from source has its own copy of the module. */
const KEY = Symbol.for('rigvisor.session');
const holder = globalThis as { [KEY]?: SessionContext };

/** The session under way; without one (plain mocha) a session made from the environment, kept for the whole process. */
export function sessionContext(): SessionContext {
  holder[KEY] ??= contextFromEnvironment(process.env);
  return holder[KEY];
}

export function setSessionContext(context: SessionContext | undefined): void {
  if (context === undefined) delete holder[KEY];
  else holder[KEY] = context;
}

/** The rig's own executor, loaded only when something is to run; with another calibration than the shipped one where its path is given. */
export async function defaultExecutor(calibrationPath?: string): Promise<RunExecutor> {
  return (await loadWiring()).createExecutor(calibrationPath === undefined ? {} : { calibrationPath });
}

/** Loads the wiring only when it is needed: it brings in the monitor and every device library. */
export async function loadWiring(): Promise<WiringServices> {
  try {
    return await import('../wiring/index.js');
  } catch (cause) {
    throw new RigError('RIG_INTERNAL', `the rig itself cannot be loaded: ${(cause as Error).message}`, {
      hint: 'run "npm start" once to build it again; if that does not help, "rig doctor" may say more',
      cause,
    });
  }
}

/**
 * `RIG_BINDING`, `RIG_ARCHITECTURE`, `RIG_FRONTEND`, `RIG_ENGINE` and `RIG_PROFILE` (lists with commas), `RIG_SEED`,
 * `RIG_PORT`, `RIG_RECORDING`, `RIG_OUT`. `RIG_USAGE` for a name that is none.
 */
export function contextFromEnvironment(env: NodeJS.ProcessEnv): SessionContext {
  const list = (name: string): string[] | undefined => env[name]?.split(',').map((item) => item.trim());
  const oneOf = <T extends string>(name: string, known: readonly T[]): { readonly items: readonly T[] } | undefined => {
    const items = list(name);
    return items === undefined ? undefined : { items: items.map((item) => knownName(item, known, name)) };
  };
  const bindings = oneOf('RIG_BINDING', BINDINGS);
  const architectures = oneOf('RIG_ARCHITECTURE', ARCHITECTURES);
  const frontends = oneOf('RIG_FRONTEND', HOSTED_FRONTENDS);
  const engines = oneOf('RIG_ENGINE', ENGINES);
  const profiles = list('RIG_PROFILE');
  const recording = env.RIG_RECORDING;
  let executor: Promise<RunExecutor> | undefined;
  return {
    selection: {
      ...(bindings === undefined ? {} : { bindings: bindings.items }),
      ...(architectures === undefined ? {} : { architectures: architectures.items }),
      ...(frontends === undefined ? {} : { frontends: frontends.items }),
      ...(engines === undefined ? {} : { engines: engines.items }),
      ...(profiles === undefined ? {} : { profiles }),
      ...(recording === undefined ? {} : { recording }),
    },
    seed: env.RIG_SEED,
    port: env.RIG_PORT,
    outDir: resolve(env.RIG_OUT ?? 'out/mocha'),
    timeoutMs: DEFAULT_TIMEOUT_MS,
    abort: new AbortController().signal,
    executor: () => {
      executor ??= defaultExecutor();
      return executor;
    },
    emit: () => {},
    cells: new Map(),
  };
}

/** `name` if it is known; `RIG_USAGE`, saying which are, otherwise. */
export function knownName<T extends string>(name: string, known: readonly T[], where: string): T {
  const found = known.find((item) => item === name);
  if (found !== undefined) return found;
  const reserved = name === 'remote' ? 'is reserved and not there yet' : 'is not known';
  throw new RigError('RIG_USAGE', `"${name}" ${reserved} as ${where}`, {
    where,
    hint: `choose from: ${known.join(', ')}`,
  });
}

/** Makes a folder; `RIG_OUTPUT` when that is impossible. */
export function ensureFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new RigError('RIG_OUTPUT', `the folder ${path} cannot be made`, {
      where: path,
      hint: 'choose another folder with --out',
      cause,
    });
  }
}
