/** What tests of bindings with a process of their own ask. */

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { HalError } from '../errors.js';
import { libc } from '../serial/pty/libc.js';

/** What `promise` rejects with; fails the test when it does not. */
export async function refusal(promise: Promise<unknown>): Promise<HalError> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error) => error,
  );
}

/** Whether the process lives; Linux alone. */
export function alive(pid: number): boolean {
  try {
    // A zombie that its parent has not collected yet has ended too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Why there are no pseudo-terminals here; undefined where there are. */
export function ptyMissing(): string | undefined {
  if (process.platform === 'win32') return 'this system has no pseudo-terminals';
  try {
    libc();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
