/** One acquisition by every technique that a session ran it with: emulated registers, paravirtual, partitioned, on each engine. */

import { stableJson } from '../plan/stable-json.js';
import type { MatrixCell } from '../run/run-types.js';
import type { CellRecord } from '../verdict/records.js';
import { totalExits } from './differential.js';
import type { RunSummary } from './run-summary.js';

export interface TechniqueRow {
  /** `emulated registers`, `paravirtual` or `partitioned`. */
  readonly technique: string;
  readonly engine: string;
  readonly exits: number;
  readonly dataPath: number;
  /** The guest waited; no service was asked for. */
  readonly waits: number;
  readonly byReason: Readonly<Record<string, number>>;
  readonly instructions: number;
  /** Of the channel whose reports name their cause; absent where none does. */
  readonly latencyNs?: { readonly p50: number | null; readonly p99: number | null; readonly max: number | null };
  /** Of all tests of the cell, certification included; differs from machine to machine. */
  readonly hostMs: number;
}

export interface TechniqueTable {
  /** What the rows have in common. */
  readonly cell: MatrixCell;
  readonly asked: Readonly<Record<string, unknown>>;
  readonly clockDomain: string;
  readonly calibration: string;
  readonly rows: readonly TechniqueRow[];
}

const NAMES: Readonly<Record<MatrixCell['frontend'], string>> = {
  emulated: 'emulated registers',
  paravirtual: 'paravirtual',
  ring: 'partitioned',
};

/** A table for each request that was run in more than one way; the first such request of each plan, device and binding. */
export function techniqueTables(cells: readonly CellRecord[]): TechniqueTable[] {
  const groups = new Map<string, CellRecord[]>();
  for (const record of cells) {
    const key = apartFromTechnique(record.cell);
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    const run = first.runs[0];
    if (run === undefined || run.guests.length === 0) return [];
    const asked = stableJson(run.asked);
    const rows = members.flatMap((record) => {
      const same = record.runs.find((other) => stableJson(other.asked) === asked && other.guests.length > 0);
      return same === undefined ? [] : [rowOf(record, same)];
    });
    if (rows.length < 2) return [];
    const { clockDomain, calibration } = run;
    return [{ cell: first.cell, asked: run.asked, clockDomain, calibration: calibration.name, rows }];
  });
}

/** Those of more than one engine: what one engine shows, hosted against partitioned, stands side by side already. */
export function acrossEngines(tables: readonly TechniqueTable[]): TechniqueTable[] {
  return tables.filter(({ rows }) => new Set(rows.map(({ engine }) => engine)).size > 1);
}

function apartFromTechnique({ architecture: _, frontend: __, engine: ___, ...rest }: MatrixCell): string {
  return stableJson(rest);
}

function rowOf({ cell, tests }: CellRecord, run: RunSummary): TechniqueRow {
  const [guest] = run.guests;
  const latency = guest.channels.find((channel) => channel.latencyNs !== undefined)?.latencyNs;
  return {
    technique: NAMES[cell.frontend],
    engine: cell.engine,
    exits: totalExits(guest),
    dataPath: guest.exits.dataPath,
    waits: guest.exits.idle,
    byReason: guest.exits.byReason,
    instructions: guest.instret,
    ...(latency === undefined
      ? {}
      : { latencyNs: { p50: latency.p50.value, p99: latency.p99.value, max: latency.max.value } }),
    hostMs: tests.reduce((sum, { wallMs }) => sum + wallMs, 0),
  };
}
