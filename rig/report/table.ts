/** The result as tables for a terminal: one line a cell, then hosted against partitioned. */

import { styleText } from 'node:util';
import Table from 'cli-table3';
import { formatValue } from '../metrics/measurement.js';
import { type CellRecord, cellVerdict, type SessionRecord } from '../verdict/records.js';
import type { Verdict } from '../verdict/verdict.js';
import { type Differential, differentials, totalExits } from './differential.js';
import type { ChannelSummary, RunSummary } from './run-summary.js';

const COLOURS: Readonly<Record<Verdict, 'green' | 'red' | 'yellow' | 'magenta' | 'gray'>> = {
  PASS: 'green',
  FAIL: 'red',
  INCONCLUSIVE: 'yellow',
  ERROR: 'magenta',
  TIMEOUT: 'magenta',
  ABORTED: 'gray',
  SKIP: 'gray',
};

/** Colour only where it was asked for: a terminal without `NO_COLOR` (https://no-color.org). */
export function paint(verdict: Verdict, colour: boolean): string {
  return colour ? styleText(COLOURS[verdict], verdict, { validateStream: false }) : verdict;
}

/** No lines between columns: they would take the room of the numbers. */
export const OPEN = {
  chars: {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: ' ',
  },
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
};

const RIGHT = 'right' as const;
const LEFT = 'left' as const;

/**
 * Matrix table, grouped by plan and device so that it fits a terminal of 120 columns. A cell with several runs shows the
 * first; the records have them all.
 */
export function resultTable(session: SessionRecord, colour: boolean): string {
  const heads = ['binding', 'architecture', 'frontend', 'verdict'];
  const numbers = ['tests', 'samples', 'rate', 'latency p99', 'exits data/all', 'lost', 'certified'];
  const table = new Table({
    ...OPEN,
    head: ['', ...heads, ...numbers],
    colAligns: [LEFT, ...heads.map(() => LEFT), ...numbers.map(() => RIGHT)],
  });
  let group = '';
  for (const record of session.cells) {
    const name = groupName(record);
    if (name !== group)
      table.push([{ content: colour ? bold(name) : name, colSpan: 1 + heads.length + numbers.length }]);
    group = name;
    table.push(['', ...cellRow(record, colour)]);
  }
  return trimLines(table.toString());
}

function groupName({ cell }: CellRecord): string {
  const recording = cell.recording === undefined ? '' : `, recording ${cell.recording}`;
  return `${cell.plan}: ${cell.profile}, ${cell.engine}${recording}`;
}

function bold(text: string): string {
  return styleText('bold', text, { validateStream: false });
}

export function trimLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function cellRow(record: CellRecord, colour: boolean): string[] {
  const { cell } = record;
  const passed = record.tests.filter((test) => test.verdict === 'PASS').length;
  return [
    cell.binding,
    cell.architecture,
    cell.frontend,
    paint(cellVerdict(record), colour),
    `${passed}/${record.tests.length}`,
    ...runColumns(record.runs[0], record.runs),
  ];
}

const NOTHING = '-';

function runColumns(run: RunSummary | undefined, all: readonly RunSummary[]): string[] {
  if (run === undefined || run.guests.length === 0) return Array(6).fill(NOTHING);
  const [guest] = run.guests;
  const channel = primaryChannel(run);
  return [
    channel === undefined ? '0' : String(channel.epochs),
    valueText(channel?.rateHz.value, 'Hz'),
    valueText(channel?.latencyNs?.p99.value, 'ns', 3),
    `${guest.exits.dataPath}/${totalExits(guest)}`,
    String(lostSamples(run)),
    all.every((r) => r.certification.certified) ? 'yes' : 'NO',
  ];
}

/** Characters lost on the line, reports missing in sequence and reports the guests dropped, together. */
export function lostSamples(run: RunSummary): number {
  return run.wire.overruns + run.guests.reduce((sum, g) => sum + lostReports(g.channels) + g.reportsDropped, 0);
}

function lostReports(channels: readonly ChannelSummary[]): number {
  return channels.reduce((sum, channel) => sum + channel.continuity.lost, 0);
}

/** The channel whose reports name their cause: the samples themselves. */
export function primaryChannel(run: RunSummary): ChannelSummary | undefined {
  const { channels } = run.guests[0];
  return channels.find((channel) => channel.latencyNs !== undefined) ?? channels[0];
}

function valueText(value: number | null | undefined, unit: 'Hz' | 'ns', digits = 6): string {
  if (value === null || value === undefined) return NOTHING;
  return formatValue(Number(value.toPrecision(digits)), unit);
}

/** One table a pair; empty when no plan ran in both architectures. */
export function differentialTables(session: SessionRecord): string {
  return differentials(session.cells).map(differentialTable).join('\n\n');
}

function differentialTable(differential: Differential): string {
  const table = new Table({
    head: ['', 'hosted', 'partitioned', 'difference'],
    ...OPEN,
    colAligns: [LEFT, RIGHT, RIGHT, RIGHT],
  });
  for (const { name, unit, hosted, partitioned, difference } of differential.rows)
    table.push([name, ...[hosted, partitioned, difference].map((v) => (v === null ? NOTHING : formatValue(v, unit)))]);
  const same = Object.entries(differential.sameData);
  const { hosted, partitioned } = differential.calibration;
  const model = hosted === partitioned ? hosted : `${hosted} and ${partitioned}`;
  return [
    `${differential.plan}: hosted against partitioned, ${differential.clockDomain} time, costs from calibration "${model}"`,
    `  hosted       ${differential.hosted}`,
    `  partitioned  ${differential.partitioned}`,
    trimLines(table.toString()),
    `same data: ${same.map(([name, yes]) => `${name} ${yes ? 'yes' : 'no'}`).join(', ')}`,
  ].join('\n');
}
