/** Says what went wrong in one sentence, where, and what to do. */

import { classify } from '../verdict/verdict.js';

/** What happened and what to do as one sentence, however the two were punctuated. */
export function advice(message: string, hint: string | undefined): string {
  const what = message.trim().replace(/\.$/, '');
  if (hint === undefined) return what;
  // "Check the path." becomes "check the path"; "HAL …" and other capitals stay.
  return `${what}; ${hint
    .trim()
    .replace(/\.$/, '')
    .replace(/^[A-Z](?=[a-z]* )/, (letter) => letter.toLowerCase())}`;
}

/** For example `rig: the port /dev/ttyUSB9 does not exist; "rig doctor" lists what is there (HAL_NOT_FOUND)`. */
export function errorSentence(thrown: unknown): string {
  const { error } = classify(thrown);
  return `rig: ${advice(error.message, error.hint)} (${error.code})`;
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
