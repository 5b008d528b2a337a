/**
 * What timer interrupts of a real-time guest wait in wall time, beside a neighbour that is idle, spins, floods or crashes:
 * `npm run bench -- interrupts [--seconds N] [--rates 1000,10000] [--neighbours idle,flood] [--architecture partitioned] [--engine NAME]`.
 */

import {
  type Architecture,
  type Engine,
  type InterruptRound,
  measureInterrupts,
  sortedQuantile,
} from '../rig/latency/index.js';
import { choice, count } from './options.js';
import type { Row } from './table.js';

const NEIGHBOURS: Readonly<Record<string, string>> = {
  idle: 'mode=idle',
  spin: 'mode=spin',
  flood: 'mode=flood',
  crash: 'mode=crash seed=5 within=200',
};
const QUANTILES = [0.5, 0.99, 0.999] as const;
/** So that all modes together take 20 s or so. */
const SECONDS = 1;

export async function benchInterrupts(args: readonly string[]): Promise<readonly Row[]> {
  const seconds = count(args, 'seconds', SECONDS);
  const [engine] = choice(args, 'engine', ['translator', 'interpreter']) as readonly Engine[];
  const rows: Row[] = [];
  for (const architecture of choice(args, 'architecture', ['partitioned', 'hosted']) as readonly Architecture[])
    for (const rate of choice(args, 'rates', ['1000', '4000', '10000']).map(Number))
      for (const mode of choice(args, 'neighbours', Object.keys(NEIGHBOURS))) {
        const neighbour = NEIGHBOURS[mode];
        const round = await measureInterrupts({ architecture, engine, rate, neighbour, seconds });
        rows.push(...rowsOf(`${architecture}, ${rate / 1000} kHz, ${mode}`, round));
      }
  return rows;
}

function rowsOf(name: string, { latencyNs, overruns, blocks, lostBlocks, taken }: InterruptRound): Row[] {
  const sorted = latencyNs.toSorted();
  const row = (what: string, ns: number): Row => ({ what: `${name}: ${what}`, value: ns / 1000, unit: 'µs' });
  return [
    ...QUANTILES.map((p) => row(`p${p * 100}`, sortedQuantile(sorted, p))),
    row('max', sorted.at(-1) ?? Number.NaN),
    { what: `${name}: interrupts`, value: latencyNs.length, unit: `${overruns ?? 'unknown'} instants missed` },
    {
      what: `${name}: blocks lost`,
      value: lostBlocks,
      unit: `of ${blocks}`,
      bar: { text: '0 of some', met: blocks > 0 && lostBlocks === 0 },
    },
    {
      what: `${name}: blocks at the neighbour`,
      value: taken.good,
      unit: `whole, ${taken.bad} bad, ${taken.missed} missed`,
    },
  ];
}
