/**
 * Round trips from a pseudo-terminal through a guest and back, hosted and partitioned in turn, at rest and with every core
 * under load: `npm run bench -- latency [--exchanges N] [--rounds N] [--engine NAME] [--frontends emulated,paravirtual]
 * [--load none,'all cores']`. Each round is shown when it is done; Ctrl-C ends with what was measured until then.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { cpus } from 'node:os';
import {
  type Engine,
  type Frontend,
  type Interval,
  measureLatency,
  quantileDifference,
  sortedQuantile,
} from '../rig/latency/index.js';
import { choice, count } from './options.js';
import type { Row } from './table.js';

const QUANTILES = [0.5, 0.99, 0.999] as const;

export async function benchLatency(args: readonly string[]): Promise<readonly Row[]> {
  const exchanges = count(args, 'exchanges', 100_000);
  const rounds = count(args, 'rounds', 20);
  const [engine] = choice(args, 'engine', ['translator', 'interpreter']) as readonly Engine[];
  const frontends = choice(args, 'frontends', ['emulated', 'paravirtual']) as readonly Frontend[];
  const rows: Row[] = [];
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  for (const load of choice(args, 'load', ['none', 'all cores'])) {
    const burners = load === 'none' ? [] : burn();
    try {
      const plan = { exchanges: Math.ceil(exchanges / rounds), rounds, engine, frontends, stop: stop.signal };
      rows.push(...(await compare(plan, load)));
    } finally {
      for (const burner of burners) burner.kill('SIGKILL');
    }
    if (stop.signal.aborted) break;
  }
  process.off('SIGINT', interrupt);
  return rows;
}

interface Plan {
  readonly exchanges: number;
  readonly rounds: number;
  readonly engine: Engine;
  readonly frontends: readonly Frontend[];
  readonly stop: AbortSignal;
}

/** Never rests, and ends when this process is gone. */
const BURNER = 'const parent = process.ppid; while (process.ppid === parent) for (let i = 0; i < 1e7; i++);';

/** One for each core. */
function burn(): ChildProcess[] {
  return cpus().map(() => spawn(process.execPath, ['-e', BURNER], { stdio: 'ignore' }));
}

async function compare({ exchanges, rounds, engine, frontends, stop }: Plan, load: string): Promise<Row[]> {
  const ways = ['ring' as Frontend, ...frontends];
  const measured = new Map<Frontend, Float64Array[]>(ways.map((way) => [way, []]));
  let lost = 0;
  for (let round = 0; round < rounds && !stop.aborted; round++) {
    // Each round begins with another way, so that none always follows the same one.
    for (const way of [...ways.slice(round % ways.length), ...ways.slice(0, round % ways.length)]) {
      const architecture = way === 'ring' ? 'partitioned' : 'hosted';
      const result = await measureLatency({ architecture, frontend: way, engine, exchanges, seed: `round-${round}` });
      lost += result.lost + result.wrong;
      measured.get(way)?.push(result.roundTripNs);
    }
    show(`load: ${load}, round ${round + 1} of ${rounds}`, measured);
  }
  const ring = measured.get('ring') ?? [];
  const rows = frontends.flatMap((way) =>
    QUANTILES.flatMap((p) => {
      const { first, second, difference } = quantileDifference(ring, measured.get(way) ?? [], p);
      const name = `p${p * 100}, load: ${load}`;
      return [
        toRow(`${name}: partitioned`, first),
        toRow(`${name}: hosted ${way}`, second),
        {
          ...toRow(`${name}: hosted ${way} less partitioned`, difference),
          ...(p === 0.99 ? {} : { bar: { text: 'above 0 with 95 % confidence', met: difference.low > 0 } }),
        },
      ];
    }),
  );
  return [
    ...rows,
    { what: `load: ${load}: lost or wrong`, value: lost, unit: 'characters', bar: { text: '0', met: lost === 0 } },
  ];
}

/** The latest round of each way: medians and tails in µs. */
function show(title: string, measured: ReadonlyMap<Frontend, readonly Float64Array[]>): void {
  const ways = [...measured].map(([way, rounds]) => {
    const sorted = Float64Array.from(rounds[rounds.length - 1]).sort();
    return `${way} ${QUANTILES.map((p) => Math.round(sortedQuantile(sorted, p) / 1000)).join('/')}`;
  });
  process.stderr.write(`${title}: p50/p99/p99.9 ${ways.join(', ')}\n`);
}

function toRow(what: string, { value, low, high }: Interval): Row {
  return { what, value: value / 1000, unit: 'µs', spread: [low / 1000, high / 1000] };
}
