/** The options of a suite: `--name value`. */

/** The command line is wrong: the message says what to write instead. */
export class UsageError extends Error {}

/** The value behind `--name`; undefined when it is not given. */
export function option(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(`--${name}`);
  if (at < 0) return undefined;
  const value = args[at + 1];
  if (value === undefined || value.startsWith('--')) throw new UsageError(`--${name} needs a value.`);
  return value;
}

/** The names behind `--name a,b`, each one of `known`; all of these when it is not given. */
export function choice(args: readonly string[], name: string, known: readonly string[]): readonly string[] {
  const given = option(args, name)?.split(',') ?? known;
  const wrong = given.find((one) => !known.includes(one));
  if (wrong !== undefined) throw new UsageError(`--${name}: there is no "${wrong}"; choose from: ${known.join(', ')}.`);
  return given;
}

/** A whole number from 1; `otherwise` when it is not given. */
export function count(args: readonly string[], name: string, otherwise: number): number {
  const text = option(args, name);
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new UsageError(`--${name}: "${text}" is not a whole number from 1.`);
  return value;
}
