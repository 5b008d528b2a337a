/** What a machine costs before it does anything: time to the first instruction, and memory, each in a fresh process. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ENGINES, whyMissing, type Xlen } from './engine-programs.js';
import { type Row, toRow } from './table.js';

const PROBE = fileURLToPath(new URL('startup-probe.js', import.meta.url));
const XLENS: readonly Xlen[] = [32, 64];
const STARTS = 10;
const MEMORY_ROUNDS = 3;
const BAR_MS = 50;
const BAR_MIB = 40;

function probe(what: 'first-instruction' | 'memory', engine: string, xlen: Xlen): number {
  const done = spawnSync(process.execPath, [PROBE, what, engine, String(xlen)], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`The probe of ${engine} on RV${xlen} failed: ${done.stderr.trim()}`);
  return Number(done.stdout);
}

function rows(engine: string, xlen: Xlen): Row[] {
  const measured = (rounds: number, what: 'first-instruction' | 'memory') =>
    Array.from({ length: rounds }, () => probe(what, engine, xlen));
  const start = toRow(`RV${xlen} ${engine}: start to 1st instruction`, measured(STARTS, 'first-instruction'), 'ms');
  const memory = toRow(`RV${xlen} ${engine}: memory a machine, of eight`, measured(MEMORY_ROUNDS, 'memory'), 'MiB');
  return [
    { ...start, bar: { text: `< ${BAR_MS} ms`, met: start.value < BAR_MS } },
    { ...memory, bar: { text: `< ${BAR_MIB} MiB`, met: memory.value < BAR_MIB } },
  ];
}

/** Rows of every engine and width that this build has; a line for each that it has not. */
export function benchStartup(): Row[] {
  return XLENS.flatMap((xlen) =>
    ENGINES.flatMap((engine) => {
      const reason = whyMissing(engine, xlen);
      if (reason === undefined) return rows(engine, xlen);
      process.stdout.write(`RV${xlen}: ${engine} left out: ${reason}\n`);
      return [];
    }),
  );
}
