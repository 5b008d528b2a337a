/** Options that several commands share, and how their values are read. */

import { InvalidArgumentError, Option } from 'commander';
import { RigError } from '../errors.js';
import { DEFAULT_TIMEOUT_MS } from '../plan/context.js';
import type { Selection } from '../plan/matrix.js';
import { parseDurationNs } from '../plan/quantity.js';
import { ARCHITECTURES, BINDINGS, ENGINES, HOSTED_FRONTENDS } from '../run/run-types.js';

/** A list with commas, or an option given several times; each item once, and one of `known` where that is given. */
export function list<T extends string>(known?: readonly T[]): (text: string, earlier?: readonly T[]) => readonly T[] {
  return (text, earlier = []) => {
    const items = text.split(',').map((item) => item.trim());
    for (const item of items)
      if (known !== undefined && !known.some((name) => name === item)) {
        const reserved = item === 'remote' ? ' ("remote" is reserved and not there yet)' : '';
        throw new InvalidArgumentError(`choose from ${known.join(', ')}${reserved}`);
      }
    return [...new Set([...earlier, ...(items as T[])])];
  };
}

/** A duration as text, into nanoseconds. */
export function duration(text: string): number {
  try {
    return parseDurationNs(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof RigError ? `${error.hint ?? error.message}` : String(error));
  }
}

export function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new InvalidArgumentError('this is not a regular expression');
  }
}

export const bindingOption = (): Option =>
  new Option('-b, --binding <names>', `${BINDINGS.join(', ')}; several with commas`).argParser(list(BINDINGS));
export const architectureOption = (): Option =>
  new Option('-a, --architecture <names>', `${ARCHITECTURES.join(', ')}; default: what the plan declares`).argParser(
    list(ARCHITECTURES),
  );
export const frontendOption = (): Option =>
  new Option('-f, --frontend <names>', `${HOSTED_FRONTENDS.join(', ')} (hosted only)`).argParser(
    list(HOSTED_FRONTENDS),
  );
export const engineOption = (): Option =>
  new Option('-e, --engine <names>', ENGINES.join(', ')).argParser(list(ENGINES));
export const profileOption = (): Option =>
  new Option('-p, --profile <names>', 'other profiles than those of the plan').argParser(list());
export const seedOption = (): Option =>
  new Option('-s, --seed <text>', 'seed of all random numbers, over those of the plans');
export const outOption = (): Option => new Option('-o, --out <folder>', 'where reports and traces go').default('out');
export const grepOption = (): Option =>
  new Option('-g, --grep <pattern>', 'only tests whose title matches (regular expression)').argParser(pattern);
export const timeoutOption = (): Option =>
  new Option('-t, --timeout <duration>', `host time that one test may take, like '10 min'`)
    .argParser((text) => duration(text) / 1e6)
    .default(DEFAULT_TIMEOUT_MS, `${DEFAULT_TIMEOUT_MS / 60_000} min`);
export const quietOption = (): Option =>
  new Option('-q, --quiet', 'no progress and no tables, only what did not pass and the verdict');
export const inconclusiveOption = (): Option =>
  new Option('--fail-on-inconclusive', 'undecided tests fail the session (exit code 5) and JUnit').default(false);

export interface MatrixFlags {
  readonly binding?: Selection['bindings'];
  readonly architecture?: Selection['architectures'];
  readonly frontend?: Selection['frontends'];
  readonly engine?: Selection['engines'];
  readonly profile?: readonly string[];
  readonly recording?: string;
  readonly port?: string;
}

/**
 * A port or recording that is given says which binding is meant, when nothing else does.
 * Throws `RIG_USAGE` for a port that none of the bindings opens.
 */
export function selectionFrom(flags: MatrixFlags): Selection {
  if (flags.port !== undefined && flags.binding !== undefined && !flags.binding.includes('real'))
    throw new RigError('RIG_USAGE', `--port goes with the binding real, not with ${flags.binding.join(', ')} alone`, {
      hint: 'leave out --port, or add real to --binding',
    });
  const implied = flags.port !== undefined ? 'real' : flags.recording !== undefined ? 'replay' : undefined;
  const bindings = flags.binding ?? (implied === undefined ? undefined : ([implied] as const));
  return {
    ...(bindings === undefined ? {} : { bindings }),
    ...(flags.architecture === undefined ? {} : { architectures: flags.architecture }),
    ...(flags.frontend === undefined ? {} : { frontends: flags.frontend }),
    ...(flags.engine === undefined ? {} : { engines: flags.engine }),
    ...(flags.profile === undefined ? {} : { profiles: flags.profile }),
    ...(flags.recording === undefined ? {} : { recording: flags.recording }),
  };
}

/** `HOST:PORT`, `HOST` or `PORT`; true when the option stands alone. */
export function listenAddress(text: string): { readonly host?: string; readonly port?: number } {
  const [, host, port] = /^(?:(.*[^\d:].*?|\d+\.\d+\.\d+\.\d+))?(?:(?:^|:)(\d{1,5}))?$/.exec(text) ?? [];
  const number = port === undefined ? undefined : Number(port);
  if ((host === undefined && number === undefined) || (number ?? 0) > 65_535)
    throw new InvalidArgumentError('give HOST:PORT, HOST or PORT, for example 0.0.0.0:3240');
  return {
    ...(host === undefined ? {} : { host: host.replace(/^\[|\]$/g, '') }),
    ...(number === undefined ? {} : { port: number }),
  };
}
