/** The seven verdicts, what leads to each, and how many of them become one. */

import { InconclusiveError } from './inconclusive-error.js';

export type Verdict = 'PASS' | 'FAIL' | 'INCONCLUSIVE' | 'ERROR' | 'TIMEOUT' | 'ABORTED' | 'SKIP';

/**
 * From the gravest to the lightest. A rig that erred or ran out of time may have caused the failures beside it, so
 * ERROR and TIMEOUT come before FAIL; whoever stopped the run knows that it says nothing, so ABORTED comes first.
 */
export const GRAVITY: readonly Verdict[] = ['ABORTED', 'ERROR', 'TIMEOUT', 'FAIL', 'INCONCLUSIVE', 'PASS', 'SKIP'];

/** The gravest of several; ERROR of none at all, or when every one is SKIP: there is no evidence then. */
export function aggregate(verdicts: Iterable<Verdict>): Verdict {
  let gravest = GRAVITY.length;
  for (const verdict of verdicts) gravest = Math.min(gravest, GRAVITY.indexOf(verdict));
  const found = GRAVITY[gravest];
  return found === undefined || found === 'SKIP' ? 'ERROR' : found;
}

/** What went wrong, as it goes into records. */
export interface ErrorRecord {
  /** `plan`: an exception in the plan's own code, or a failed expectation. */
  readonly layer: 'hal' | 'vmm' | 'rig' | 'plan';
  readonly code: string;
  readonly message: string;
  readonly where?: string;
  readonly hint?: string;
  /** For `--verbose` and nothing else. */
  readonly stack?: string;
}

const TIMEOUT_CODES = new Set(['RIG_TIMEOUT', 'RIG_GUEST_ENDLESS', 'ERR_MOCHA_TIMEOUT']);

/** The verdict that something thrown stands for, with its first cause. */
export function classify(thrown: unknown): { readonly verdict: Verdict; readonly error: ErrorRecord } {
  const cause = firstCodedCause(thrown);
  const error = describe(cause ?? thrown);
  if (thrown instanceof Error && thrown.name === 'AssertionError') return { verdict: 'FAIL', error: describe(thrown) };
  if (InconclusiveError.is(thrown)) return { verdict: 'INCONCLUSIVE', error };
  if (error.code === 'RIG_ABORTED') return { verdict: 'ABORTED', error };
  if (TIMEOUT_CODES.has(error.code)) return { verdict: 'TIMEOUT', error };
  return { verdict: 'ERROR', error };
}

interface Coded {
  readonly code: string;
  readonly layer: 'hal' | 'vmm' | 'rig';
  readonly where?: string;
  readonly hint?: string;
}

/** The innermost coded cause. Goes by shape: a plan loaded from source has its own copy of the classes. */
function firstCodedCause(thrown: unknown): unknown {
  let found: unknown;
  const seen = new Set<unknown>();
  for (let e = thrown; e instanceof Error && !seen.has(e); e = e.cause) {
    seen.add(e);
    if (isCoded(e)) found = e;
  }
  return found;
}

function isCoded(error: unknown): error is Error & Coded {
  if (!(error instanceof Error)) return false;
  const { code, layer } = error as Partial<Coded>;
  return typeof code === 'string' && (layer === 'hal' || layer === 'vmm' || layer === 'rig');
}

function describe(thrown: unknown): ErrorRecord {
  if (!(thrown instanceof Error)) return { layer: 'plan', code: 'PLAN_THREW', message: String(thrown) };
  const stack = thrown.stack === undefined ? {} : { stack: thrown.stack };
  if (isCoded(thrown))
    return {
      layer: thrown.layer,
      code: thrown.code,
      message: thrown.message,
      ...(thrown.where === undefined ? {} : { where: thrown.where }),
      ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
      ...stack,
    };
  const code = (thrown as { code?: unknown }).code;
  return { layer: 'plan', code: typeof code === 'string' ? code : thrown.name, message: thrown.message, ...stack };
}
