/** Hosted against partitioned: what the same plan showed in both, side by side. */

import type { Unit } from '../metrics/measurement.js';
import { cellLabel } from '../plan/matrix.js';
import { stableJson } from '../plan/stable-json.js';
import type { CellRecord } from '../verdict/records.js';
import type { ChannelSummary, GuestSummary, RunSummary } from './run-summary.js';

export interface DifferentialRow {
  readonly name: string;
  readonly unit: Unit;
  readonly hosted: number | null;
  readonly partitioned: number | null;
  /** Hosted minus partitioned: what the hosted path costs more. */
  readonly difference: number | null;
}

export interface Differential {
  readonly plan: string;
  readonly hosted: string;
  readonly partitioned: string;
  /** What was asked of both runs. */
  readonly asked: Readonly<Record<string, unknown>>;
  readonly clockDomain: string;
  /** The cost models behind the two sides; a number from a model is worth what its calibration is. */
  readonly calibration: { readonly hosted: string; readonly partitioned: string };
  readonly rows: readonly DifferentialRow[];
  /** Channel by channel: whether both gave the same data, byte for byte, times aside. */
  readonly sameData: Readonly<Record<string, boolean>>;
}

/** Pairs every hosted cell with its partitioned counterpart, run by run with the same request; first guest of each. */
export function differentials(cells: readonly CellRecord[]): Differential[] {
  return cells
    .filter(({ cell }) => cell.architecture === 'hosted')
    .flatMap((hosted) => {
      const partitioned = cells.find((other) => isCounterpart(hosted, other));
      return partitioned === undefined ? [] : pairRuns(hosted, partitioned);
    });
}

function isCounterpart(hosted: CellRecord, other: CellRecord): boolean {
  const a = hosted.cell;
  const b = other.cell;
  return (
    b.architecture === 'partitioned' &&
    a.plan === b.plan &&
    a.profile === b.profile &&
    a.binding === b.binding &&
    a.recording === b.recording &&
    a.engine === b.engine
  );
}

function pairRuns(hosted: CellRecord, partitioned: CellRecord): Differential[] {
  const byRequest = new Map(partitioned.runs.map((run) => [stableJson(run.asked), run]));
  return hosted.runs.flatMap((run) => {
    const other = byRequest.get(stableJson(run.asked));
    return other === undefined || run.guests.length === 0 || other.guests.length === 0
      ? []
      : [compare(hosted, partitioned, run, other)];
  });
}

function compare(hosted: CellRecord, partitioned: CellRecord, a: RunSummary, b: RunSummary): Differential {
  const [guestA] = a.guests;
  const [guestB] = b.guests;
  return {
    plan: hosted.cell.plan,
    hosted: cellLabel(hosted.cell),
    partitioned: cellLabel(partitioned.cell),
    asked: a.asked,
    clockDomain: a.clockDomain,
    calibration: { hosted: a.calibration.name, partitioned: b.calibration.name },
    rows: [...guestRows(guestA, guestB), lostRow(a, b), ...channelRows(guestA, guestB)],
    sameData: Object.fromEntries(
      sharedChannels(guestA, guestB).map(([x, y]) => [x.name, x.dataSha256 === y.dataSha256]),
    ),
  };
}

function row(name: string, unit: Unit, hosted: number | null, partitioned: number | null): DifferentialRow {
  const difference = hosted === null || partitioned === null ? null : hosted - partitioned;
  return { name, unit, hosted, partitioned, difference };
}

function guestRows(a: GuestSummary, b: GuestSummary): DifferentialRow[] {
  return [
    row('exits on the data path', 'count', a.exits.dataPath, b.exits.dataPath),
    row('exits in all', 'count', totalExits(a), totalExits(b)),
    row('instructions', 'count', a.instret, b.instret),
  ];
}

function lostRow(a: RunSummary, b: RunSummary): DifferentialRow {
  return row('bytes lost', 'count', a.wire.overruns, b.wire.overruns);
}

export function totalExits(guest: GuestSummary): number {
  return Object.values(guest.exits.byReason).reduce((sum, count) => sum + count, 0);
}

function channelRows(a: GuestSummary, b: GuestSummary): DifferentialRow[] {
  return sharedChannels(a, b).flatMap(([x, y]) => {
    const rows = [
      row(`${x.name}: reports`, 'count', x.reports, y.reports),
      row(`${x.name}: lost in sequence`, 'count', x.continuity.lost, y.continuity.lost),
    ];
    if (x.latencyNs === undefined || y.latencyNs === undefined) return rows;
    for (const name of ['p50', 'p99', 'max'] as const)
      rows.push(row(`${x.name}: latency ${name}`, 'ns', x.latencyNs[name].value, y.latencyNs[name].value));
    for (const name of ['rms', 'max'] as const)
      rows.push(row(`${x.name}: jitter ${name}`, 'ns', x.jitterNs[name].value, y.jitterNs[name].value));
    return rows;
  });
}

function sharedChannels(a: GuestSummary, b: GuestSummary): [ChannelSummary, ChannelSummary][] {
  return a.channels.flatMap((x) => {
    const y = b.channels.find((channel) => channel.name === x.name);
    return y === undefined ? [] : [[x, y] as [ChannelSummary, ChannelSummary]];
  });
}
