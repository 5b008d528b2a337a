/** Runs plans that a test writes as text, with a made-up executor. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionEvent } from '../plan/context.js';
import { runSession, type SessionOptions } from '../plan/session.js';
import type { RunExecutor } from '../run/run-types.js';
import type { SessionRecord } from '../verdict/records.js';
import { fakeExecutor } from './fake-run.js';

/** A folder of its own for a test; `remove` deletes it. */
export interface TestFolder {
  readonly path: string;
  /** Writes a plan whose text sees `plan`, `expect` and `RigError`; answers its path. */
  plan(name: string, text: string): string;
  remove(): void;
}

export function testFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'rigvisor-'));
  return {
    path,
    plan: (name, text) => {
      const file = join(path, name);
      const index = new URL('../index.js', import.meta.url).href;
      writeFileSync(file, `import { expect, plan, RigError } from '${index}';\n${text}\n`);
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export interface TestSession extends SessionRecord {
  readonly events: readonly SessionEvent[];
}

/** One plan named `p` with the profile `x` around `body`, in the hosted cell alone unless `options` says otherwise. */
export async function runPlanText(
  folder: TestFolder,
  body: string,
  options: Partial<SessionOptions> = {},
  executor: RunExecutor = fakeExecutor(),
): Promise<TestSession> {
  const text = `plan('p', { profile: 'x', guest: 'g' }, (rig) => {\n${body}\n});`;
  return runFiles([folder.plan('p.plan.mjs', text)], folder, options, executor);
}

export async function runFiles(
  files: readonly string[],
  folder: TestFolder,
  options: Partial<SessionOptions> = {},
  executor: RunExecutor = fakeExecutor(),
): Promise<TestSession> {
  const events: SessionEvent[] = [];
  const session = await runSession({
    files,
    selection: { architectures: ['hosted'] },
    seed: undefined,
    port: undefined,
    outDir: join(folder.path, 'out'),
    timeoutMs: 5000,
    abort: new AbortController().signal,
    executor: async () => executor,
    emit: (event) => events.push(event),
    ...options,
  });
  return { ...session, events };
}
