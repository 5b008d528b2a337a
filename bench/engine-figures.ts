/** What a comparison of engines found, and the geometric means and bars that come of it. */

import type { ProgramKind, Xlen } from './engine-programs.js';
import type { Row } from './table.js';

/** Medians of one program; QEMU's without what an empty guest takes. */
export interface ProgramFigures {
  readonly name: string;
  readonly kind: ProgramKind;
  /** Seconds by contender: `tcg`, `icount` or the name of an engine. */
  readonly seconds: ReadonlyMap<string, number>;
  /** What our engines retired; undefined when none ran. */
  readonly instructions: number | undefined;
}

/** Instructions a second that the interpreter must reach on the geometric mean. */
const INTERPRETER_BAR: Readonly<Record<Xlen, number>> = { 32: 100e6, 64: 60e6 };
/** How many times as fast as QEMU the translator must be on the geometric mean. */
const TRANSLATOR_BARS = { tcg: 1, icount: 2 } as const;
const QEMU_NAMES = { tcg: 'QEMU TCG', icount: 'QEMU icount' } as const;

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Geometric means over the `work` programs that `engine` ran, with the bars of that engine. */
export function engineRows(engine: string, xlen: Xlen, figures: readonly ProgramFigures[]): Row[] {
  const work = figures.filter(({ kind, seconds }) => kind === 'work' && seconds.has(engine));
  if (work.length === 0) return [];
  const name = `RV${xlen} ${engine}`;
  const speed = geometricMean(work.map((of) => (of.instructions ?? 0) / secondsOf(of, engine)));
  const least = INTERPRETER_BAR[xlen];
  const rows: Row[] = [
    {
      what: name,
      value: speed,
      unit: 'instructions/s',
      ...(engine === 'interpreter' ? { bar: { text: `>= ${least / 1e6} M/s`, met: speed >= least } } : {}),
    },
  ];
  for (const mode of ['tcg', 'icount'] as const) {
    if (!work.every(({ seconds }) => seconds.has(mode))) continue;
    const ratio = geometricMean(work.map((of) => secondsOf(of, mode) / secondsOf(of, engine)));
    const least = TRANSLATOR_BARS[mode];
    rows.push({
      what: `${name}, speed against ${QEMU_NAMES[mode]}`,
      value: ratio,
      unit: 'times',
      ...(engine === 'translator' ? { bar: { text: `>= ${least} times`, met: ratio >= least } } : {}),
    });
  }
  return rows;
}

/** Prints a table of one width: medians, the ratio to QEMU TCG (below 1 is faster) and instructions a second. */
export function printFigures(
  xlen: Xlen,
  figures: readonly ProgramFigures[],
  modes: readonly string[],
  engines: readonly string[],
): void {
  const heads = ['program', 'M instr.', ...modes.map((mode) => `${mode} s`)];
  for (const engine of engines) heads.push(`${engine} s`, ...(modes.includes('tcg') ? ['x tcg'] : []), 'M instr./s');
  const lines = figures.map((of) => {
    const { seconds, instructions } = of;
    const cells = [of.name, instructions === undefined ? '-' : (instructions / 1e6).toFixed(1)];
    for (const mode of modes) cells.push(secondsOf(of, mode).toFixed(3));
    for (const engine of engines) {
      const own = secondsOf(of, engine);
      cells.push(own.toFixed(3));
      if (seconds.has('tcg')) cells.push((own / secondsOf(of, 'tcg')).toFixed(2));
      cells.push(((instructions ?? 0) / own / 1e6).toFixed(1));
    }
    return cells;
  });
  const widths = heads.map((head, column) => Math.max(head.length, ...lines.map((line) => line[column].length)));
  process.stdout.write(`\nRV${xlen}: medians\n`);
  for (const line of [heads, ...lines]) {
    const cells = line.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
    );
    process.stdout.write(`  ${cells.join('  ')}\n`);
  }
}

/** A missing figure would be a mistake of this benchmark: each contender ran every program. */
function secondsOf(figures: ProgramFigures, contender: string): number {
  const seconds = figures.seconds.get(contender);
  if (seconds === undefined) throw new Error(`${contender} did not run ${figures.name}.`);
  return seconds;
}
