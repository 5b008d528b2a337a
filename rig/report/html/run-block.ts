/** One run of a cell: how it ended, where its numbers come from, its files, exits, stations and channels. */

import { formatValue } from '../../metrics/measurement.js';
import { totalExits } from '../differential.js';
import type { GuestDetail, RunDetail } from '../run-detail.js';
import type { ChannelSummary, DistributionSummary, GuestSummary, Interval, RunSummary } from '../run-summary.js';
import { askedText, bounds, costs, counted, grouped, NOTHING, provenance, quantity } from './format.js';
import { type Content, clip, fileLink, html, type Markup } from './markup.js';
import { type Column, facts, numberCell, tableBox } from './page-parts.js';
import type { Colour } from './plots/frame.js';
import { bar } from './plots/small-bars.js';

/** A guest's exits and channels have the names it likes: the tables show the first ones. */
const MOST_ROWS = 40;

export function runBlock(run: RunSummary, detail: RunDetail | undefined, title: string, colour: Colour): Markup {
  const source = provenance(run);
  return html`<h4>${title}: ${askedText(run.asked)}</h4>
${runFacts(run, detail)}${stationTable(run, source)}${run.guests.map((guest, index) =>
  guestBlock(guest, detail?.guests[index], run.guests.length > 1, source, colour),
)}`;
}

function runFacts(run: RunSummary, detail: RunDetail | undefined): Markup {
  const { certification: c, trace, stop, serial } = run;
  const file = detail === undefined ? trace.file : fileLink(detail.traceFile, detail.traceFile);
  const faults = Object.entries(serial.faults).map(([kind, count]) => `${kind} ${count}`);
  const line = [
    `${grouped(serial.received)} characters received`,
    `${grouped(serial.transmitted)} sent`,
    `${grouped(serial.overruns)} lost`,
    `${grouped(serial.parityErrors)} parity errors`,
    `${grouped(serial.framingErrors)} framing errors`,
    counted(serial.breaks, 'break'),
  ];
  const clocks = run.clocks.map(({ name, ppm, quantumNs }) => `${name} ${ppm} ppm, ${formatValue(quantumNs, 'ns')}`);
  return facts([
    ['ended', `${stop.sentence}${stop.code === undefined ? '' : `, code ${stop.code}`}`],
    ['lasted', `${formatValue(run.durationNs, 'ns')} of ${run.clockDomain} time`],
    ['numbers from', costs(run)],
    ['seed', run.seed],
    [
      'certified',
      html`<span class="${c.certified ? 'v-pass' : 'v-fail'}">${c.certified ? 'yes' : 'NO'}</span>: ${clip(c.sentence)}<span class="interval">${counted(c.instret, 'instruction')}; output <code>${c.outputDigest}</code>, memory <code>${c.ramDigest}</code></span>`,
    ],
    [
      'trace',
      html`${file}<span class="interval">${counted(trace.blocks, 'block')}, ${counted(trace.bytes, 'byte')}; sha256 <code>${trace.sha256}</code></span>`,
    ],
    ['line', line.join(', ')],
    ...(faults.length > 0 ? ([['faults injected', faults.join(', ')]] as const) : []),
    ['clocks declared', clocks.join('; ') || NOTHING],
  ]);
}

function stationTable({ stations }: RunSummary, source: string): Markup {
  if (stations.length === 0) return html``;
  const rows = stations.map(({ station, count, p50Ns, p99Ns, maxNs }) => {
    const times = [p50Ns, p99Ns, maxNs].map((ns) => numberCell(quantity(ns, 'ns')));
    return html`<tr><th scope="row">${station}</th>${numberCell(grouped(count))}${times}</tr>
`;
  });
  const head = [
    { title: 'station' },
    ...['characters', 'p50', 'p99', 'max'].map((title) => ({ title, numeric: true })),
  ];
  return tableBox(`Stations of the I/O path: ${source}`, head, html`<tbody>${rows}</tbody>`);
}

function guestBlock(
  guest: GuestSummary,
  detail: GuestDetail | undefined,
  isNamed: boolean,
  source: string,
  colour: Colour,
): Markup {
  const name = isNamed ? `${guest.name}: ` : '';
  return html`${channelTable(guest, name, source)}${exitTable(guest, name, source, colour)}${consoleBlock(detail, name)}`;
}

function exitTable(guest: GuestSummary, name: string, source: string, colour: Colour): Markup {
  const { dataPath, idle, byReason } = guest.exits;
  const reasons = Object.entries(byReason).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const most = reasons[0]?.[1] ?? 0;
  const rows = reasons.slice(0, MOST_ROWS).map(
    ([reason, count]) =>
      html`<tr><th scope="row">${reason}</th>${numberCell(grouped(count))}<td>${bar(count, most, colour)}</td></tr>
`,
  );
  const sums = `${grouped(dataPath)} on the data path, ${grouped(idle)} while waiting, ${grouped(totalExits(guest))} in all`;
  return tableBox(
    `${name}Exits by reason: ${sums}; ${counted(guest.instret, 'instruction')}; ${source}${beyond(reasons.length)}`,
    [{ title: 'reason' }, { title: 'exits', numeric: true }, { title: '' }],
    html`<tbody>${rows}</tbody>`,
  );
}

const CHANNEL_HEAD: readonly Column[] = [
  { title: 'channel' },
  ...['reports', 'epochs', 'lost', 'twice', 'out of order', 'rate'].map((title) => ({ title, numeric: true })),
  ...['latency p50', 'latency p99', 'latency p99.9', 'latency max', 'jitter rms', 'jitter p99'].map((title) => ({
    title,
    numeric: true,
  })),
];

function channelTable({ channels, reportsDropped }: GuestSummary, name: string, source: string): Markup {
  if (channels.length === 0)
    return html`<p class="soft">${name}no channel reported anything.</p>
`;
  const dropped = reportsDropped === 0 ? '' : `; the guest dropped ${counted(reportsDropped, 'report')}`;
  const rows = channels.slice(0, MOST_ROWS).map(channelRow);
  return tableBox(
    `${name}Channels${dropped}: ${source}${beyond(channels.length)}`,
    CHANNEL_HEAD,
    html`<tbody>${rows}</tbody>`,
  );
}

function channelRow({ name, reports, epochs, continuity: c, rateHz, latencyNs, jitterNs }: ChannelSummary): Markup {
  const counts = [reports, epochs, c.lost, c.duplicated, c.reordered].map((count) => numberCell(grouped(count)));
  return html`<tr><th scope="row">${name}</th>${counts}${intervalCell(rateHz, 'Hz')}${times(latencyNs, ['p50', 'p99', 'p99_9', 'max'])}${times(jitterNs, ['rms', 'p99'])}</tr>
`;
}

type Part = Exclude<keyof DistributionSummary, 'count'>;

function times(distribution: DistributionSummary | undefined, parts: readonly Part[]): Content {
  return parts.map((part) =>
    distribution === undefined ? numberCell(NOTHING) : intervalCell(distribution[part], 'ns'),
  );
}

function intervalCell(interval: Interval, unit: 'ns' | 'Hz'): Markup {
  return numberCell(quantity(interval.value, unit), bounds(interval, unit));
}

function consoleBlock(detail: GuestDetail | undefined, name: string): Markup {
  if (detail === undefined || detail.console === '') return html``;
  const file = detail.consoleFile === undefined ? '' : html` (${fileLink(detail.consoleFile, 'whole file')})`;
  return html`<details><summary>${name}Console</summary><pre>${detail.console.replaceAll('\r\n', '\n')}</pre></details>${file}
`;
}

function beyond(count: number): string {
  return count > MOST_ROWS ? `; the first ${MOST_ROWS} of ${grouped(count)}, see run.json` : '';
}
