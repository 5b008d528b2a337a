/** Which runs are shown side by side: the same plan and request, hosted and partitioned. */

import { stableJson } from '../../plan/stable-json.js';
import type { MatrixCell } from '../../run/run-types.js';
import type { CellRecord } from '../../verdict/records.js';
import { type Differential, differentials } from '../differential.js';
import type { RunDetail } from '../run-detail.js';
import type { RunSummary } from '../run-summary.js';
import { pathName } from './format.js';
import type { Colour } from './plots/frame.js';

/** One run in a comparison, on its path to the device. */
export interface Member {
  /** `hosted, emulated`. */
  readonly name: string;
  readonly colour: Colour;
  readonly record: CellRecord;
  readonly run: RunSummary;
  readonly detail: RunDetail | undefined;
}

export interface Comparison {
  /** What the cells have in common. */
  readonly cell: MatrixCell;
  readonly asked: Readonly<Record<string, unknown>>;
  /** Hosted ones first, the partitioned one last. */
  readonly members: readonly Member[];
  /** One for each hosted member, in that order. */
  readonly differentials: readonly Differential[];
}

/** The same colour for a path wherever it is drawn. */
export function pathColour({ architecture, frontend }: MatrixCell): Colour {
  if (architecture === 'partitioned') return 'c2';
  return frontend === 'emulated' ? 'c0' : 'c1';
}

/** A comparison for every request that was made of a partitioned cell and of a hosted one. */
export function comparisons(cells: readonly CellRecord[]): Comparison[] {
  return cells.filter(({ cell }) => cell.architecture === 'partitioned').flatMap((record) => around(record, cells));
}

function around(partitioned: CellRecord, cells: readonly CellRecord[]): Comparison[] {
  const key = apartFromPath(partitioned.cell);
  const hosted = cells.filter(({ cell }) => cell.architecture === 'hosted' && apartFromPath(cell) === key);
  return partitioned.runs.flatMap((run, index) => {
    const asked = stableJson(run.asked);
    const pairs = hosted.flatMap((record) => {
      const i = record.runs.findIndex((other) => stableJson(other.asked) === asked);
      if (i < 0) return [];
      const found = differentials([oneRun(record, i), oneRun(partitioned, index)]);
      return found.map((differential) => ({ differential, member: memberOf(record, i) }));
    });
    if (pairs.length === 0) return [];
    return {
      cell: partitioned.cell,
      asked: run.asked,
      members: [...pairs.map(({ member }) => member), memberOf(partitioned, index)],
      differentials: pairs.map(({ differential }) => differential),
    };
  });
}

function apartFromPath({ architecture: _, frontend: __, ...rest }: MatrixCell): string {
  return stableJson(rest);
}

function oneRun(record: CellRecord, index: number): CellRecord {
  return { ...record, runs: [record.runs[index]], details: [] };
}

function memberOf(record: CellRecord, index: number): Member {
  const { cell, runs, details } = record;
  return { name: pathName(cell), colour: pathColour(cell), record, run: runs[index], detail: details[index] };
}
