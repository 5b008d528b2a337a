/** Techniques side by side for a terminal, with exits by reason. */

import Table from 'cli-table3';
import { formatValue } from '../metrics/measurement.js';
import { OPEN, trimLines } from './table.js';
import type { TechniqueRow, TechniqueTable } from './techniques.js';

const NOTHING = '-';
/** Guests reach as many devices as they like: the most frequent reasons are shown. */
const MOST_REASONS = 12;

export function techniqueText(tables: readonly TechniqueTable[]): string {
  return tables.map(one).join('\n\n');
}

function one({ cell, clockDomain, calibration, rows }: TechniqueTable): string {
  const table = new Table({
    ...OPEN,
    head: ['', ...rows.map(({ technique }) => technique)],
    colAligns: ['left', ...rows.map(() => 'right' as const)],
  });
  const line = (name: string, value: (row: TechniqueRow) => string): void => {
    table.push([name, ...rows.map(value)]);
  };
  line('engine', ({ engine }) => engine);
  line('exits in all', ({ exits }) => String(exits));
  line('exits on the data path', ({ dataPath }) => String(dataPath));
  for (const reason of reasons(rows)) line(`  ${reason}`, ({ byReason }) => String(byReason[reason] ?? 0));
  line('waits', ({ waits }) => String(waits));
  line('instructions', ({ instructions }) => String(instructions));
  for (const name of ['p50', 'p99', 'max'] as const)
    line(`latency ${name}`, ({ latencyNs }) => {
      const value = latencyNs?.[name];
      return value === undefined || value === null ? NOTHING : formatValue(Number(value.toPrecision(4)), 'ns');
    });
  line('host time', ({ hostMs }) => `${(hostMs / 1000).toFixed(2)} s`);
  return [
    `${cell.plan}: one acquisition, every technique; ${cell.profile}, ${cell.binding}, ${clockDomain} time, costs from calibration "${calibration}"`,
    trimLines(table.toString()),
  ].join('\n');
}

/** Of all rows, the most frequent first. */
export function reasons(rows: readonly TechniqueRow[]): string[] {
  const sums = new Map<string, number>();
  for (const { byReason } of rows)
    for (const [reason, count] of Object.entries(byReason)) sums.set(reason, (sums.get(reason) ?? 0) + count);
  return [...sums]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, MOST_REASONS)
    .map(([reason]) => reason);
}
