/** Medians over alternating rounds, and a plain table of them. */

export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The bar this figure has to meet, when there is one. */
  readonly bar?: { readonly text: string; readonly met: boolean };
  readonly spread?: readonly [number, number];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Runs each measurement once a round, in turn, so that a drift of the machine's speed meets all of them alike. */
export function alternate(rounds: number, measurements: ReadonlyMap<string, () => number>): Map<string, number[]> {
  const results = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of measurements) {
      const values = results.get(name) ?? [];
      values.push(measure());
      results.set(name, values);
    }
  }
  return results;
}

export function toRow(what: string, values: readonly number[], unit: string, bar?: Row['bar']): Row {
  return {
    what,
    value: median(values),
    unit,
    spread: [Math.min(...values), Math.max(...values)],
    ...(bar === undefined ? {} : { bar }),
  };
}

function figure(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1000) return value.toFixed(0);
  return value.toPrecision(3);
}

export function printTable(title: string, rows: readonly Row[]): void {
  process.stdout.write(`\n${title}\n`);
  for (const row of rows) {
    const spread = row.spread === undefined ? '' : `  (${figure(row.spread[0])} .. ${figure(row.spread[1])})`;
    const bar = row.bar === undefined ? '' : `  bar ${row.bar.text}: ${row.bar.met ? 'met' : 'MISSED'}`;
    process.stdout.write(
      `  ${row.what.padEnd(44)} ${figure(row.value).padStart(9)} ${row.unit.padEnd(16)}${spread}${bar}\n`,
    );
  }
}
