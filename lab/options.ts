/** The command line of `npm run test:lab`. */

export interface LabOptions {
  /** Only tests whose full title contains it. */
  readonly grep?: string | undefined;
  /** Run this inside instead of the suite, with the console on this terminal. */
  readonly command?: string | undefined;
}

export const USAGE = `usage: npm run test:lab -- [--grep TEXT | --shell | --command COMMAND]
  --grep TEXT        only tests whose full title contains TEXT
  --shell            a shell inside instead of the tests; leaving it powers the machine off
  --command COMMAND  run COMMAND in the repository inside, its output here`;

/** Throws a sentence and the usage when the command line is wrong. */
export function parseOptions(args: readonly string[]): LabOptions {
  const [name, value, ...rest] = args;
  if (name === undefined) return {};
  if (name === '--shell' && value === undefined) return { command: 'setsid cttyhack sh' };
  if (rest.length === 0 && value !== undefined) {
    if (name === '--grep' || name === '-g') return { grep: value };
    if (name === '--command') return { command: value };
  }
  throw new Error(`"${args.join(' ')}" is not understood.\n${USAGE}`);
}
