/** What tests of bindings with a process of their own ask. */

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { HalError } from '../errors.js';

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
