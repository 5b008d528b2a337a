/** Says what went wrong in one sentence, where, and what to do. */

import { classify } from '../verdict/verdict.js';

/** For example `rig: the port /dev/ttyUSB9 does not exist; "rig doctor" lists what is there (HAL_NOT_FOUND)`. */
export function errorSentence(thrown: unknown): string {
  const { error } = classify(thrown);
  const hint = error.hint === undefined ? '' : `; ${error.hint}`;
  return `rig: ${error.message.trim().replace(/\.$/, '')}${hint} (${error.code})`;
}

/** The sentence, and below it with `verbose` the whole chain of causes with their stacks. */
export function presentError(thrown: unknown, verbose: boolean): string {
  if (!verbose) return errorSentence(thrown);
  const parts = [errorSentence(thrown)];
  const seen = new Set<unknown>();
  for (let error = thrown; error instanceof Error && !seen.has(error); error = error.cause) {
    seen.add(error);
    parts.push(error.stack ?? error.message);
  }
  return parts.join('\n');
}
