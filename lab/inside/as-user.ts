/** A few lines of JavaScript in another process of the machine, also as a user without rights. */

import { spawn } from 'node:child_process';

const USER = 1000;

/** What `say` was given: an error's code, message and hint, or a text as the message. */
export interface Told {
  readonly code?: string;
  readonly message: string;
  readonly hint?: string;
}

const PROLOGUE = `
const say = (what) => {
  const { code, message, hint } = what instanceof Error ? what : { message: String(what) };
  console.log('told:' + JSON.stringify({ code, message, hint }));
};
`;

/** Runs `source` as a module in the repository; resolves with what it said last. */
export async function inOtherProcess(source: string, { user = false } = {}): Promise<Told> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROLOGUE + source], {
    ...(user ? { uid: USER, gid: USER } : {}),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (bytes) => {
    output += bytes;
  });
  child.stderr.on('data', (bytes) => {
    output += bytes;
  });
  await new Promise((resolve) => child.once('close', resolve));
  const line = output
    .split('\n')
    .filter((each) => each.startsWith('told:'))
    .pop();
  if (line === undefined) throw new Error(`the other process said nothing: ${output}`);
  return JSON.parse(line.slice('told:'.length));
}
