/** Numbers and where they come from, in words for a reader. */

import { formatValue, type Unit } from '../../metrics/measurement.js';
import type { MatrixCell } from '../../run/run-types.js';
import type { Interval, RunSummary } from '../run-summary.js';

/** What stands where nothing was measured. */
export const NOTHING = '\u2013';

/** A value for a table: six significant digits (nine for rates), counts with their thousands apart. */
export function quantity(value: number | null | undefined, unit: Unit, digits = unit === 'Hz' ? 9 : 6): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NOTHING;
  if (unit === 'count' && Number.isInteger(value)) return grouped(value);
  return Number.isFinite(value) ? formatValue(Number(value.toPrecision(digits)), unit) : 'unbounded';
}

/** Four digits stay together. */
export function grouped(count: number): string {
  return Math.abs(count) < 10_000 ? String(count) : String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** The bounds of an interval; nothing when it is a point. */
export function intervalText(low: number | null, high: number | null, unit: Unit): string {
  if (low === high && low !== null) return 'exact';
  const [from, to] = [low, high].map((value) => (value === null ? 'unbounded' : quantity(value, unit)));
  // Bounds closer than the digits shown would look like none.
  if (from === to && low !== null && high !== null) return `\u00b1 ${quantity((high - low) / 2, unit)}`;
  return `${from} to ${to}`;
}

export function bounds({ value, low, high }: Interval, unit: Unit): string {
  return value === null ? '' : intervalText(low, high, unit);
}

/** In which clock, by which cost model and from which seed a run's numbers come; the head of the report tells the models. */
export function provenance(run: RunSummary): string {
  return `${costs(run)}, seed "${run.seed}"`;
}

/** The same without the seed. */
export function costs({ clockDomain, pacing, calibration }: RunSummary): string {
  return `${clockDomain} time, ${pacing} pacing, path costs "${calibration.name}"`;
}

/** What the runs of a table have in common, one sentence for each difference. */
export function provenanceOfAll(runs: readonly RunSummary[]): string {
  return [...new Set(runs.map(costs))].join('; ');
}

/** `simulator` settings and the like, as a plan wrote them: `for 60 s, guests 2`. */
export function askedText(asked: Readonly<Record<string, unknown>>): string {
  return Object.entries(asked)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

/** How a cell reaches its device: `hosted, emulated`. */
export function pathName(cell: Pick<MatrixCell, 'architecture' | 'frontend'>): string {
  return cell.architecture === 'hosted' ? `hosted, ${cell.frontend}` : cell.architecture;
}

/** A count of things: `1 run`, `2 runs`. */
export function counted(count: number, thing: string): string {
  return `${grouped(count)} ${thing}${count === 1 ? '' : 's'}`;
}
