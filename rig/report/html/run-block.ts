/** One run of a cell: how it ended, where its numbers come from, its files, exits, stations and channels. */

import { formatValue } from '../../metrics/measurement.js';
import { totalExits } from '../differential.js';
import type { GuestDetail, RunDetail } from '../run-detail.js';
import type {
  ChannelSummary,
  DistributionSummary,
  GuestSummary,
  InterruptSummary,
  RunSummary,
} from '../run-summary.js';
import { askedText, bounds, costs, counted, grouped, NOTHING, provenance, quantity } from './format.js';
import { clip, fileLink, html, type Markup } from './markup.js';
import { facts, numberCell, tableBox } from './page-parts.js';
import type { Colour } from './plots/frame.js';
import { bar } from './plots/small-bars.js';

/** A guest's exits and channels have the names it likes: the tables show the first ones. */
const MOST_ROWS = 40;

export function runBlock(run: RunSummary, detail: RunDetail | undefined, title: string, colour: Colour): Markup {
  const source = provenance(run);
  const named = run.guests.map((guest, index) => ({
    guest,
    detail: detail?.guests[index],
    name: run.guests.length > 1 ? `${guest.name}: ` : '',
  }));
  const exits = named.map(({ guest, name }) => exitTable(guest, name, source, colour));
  const channels = named.map(
    (one) =>
      html`${channelTable(one.guest, one.name, source)}${interruptTable(one.guest, one.name, run)}${consoleBlock(one.detail, one.name)}`,
  );
  return html`<h4>${title}: ${askedText(run.asked)}</h4>
<div class="pair">${runFacts(run, detail)}<div>${stationTable(run, source)}${exits}</div></div>
${channels}`;
}

function runFacts(run: RunSummary, detail: RunDetail | undefined): Markup {
  const { certification: c, trace, stop, wire } = run;
  const file = detail === undefined ? trace.file : fileLink(detail.traceFile, detail.traceFile);
  const faults = Object.entries(wire.faults).map(([kind, count]) => `${kind} ${count}`);
  const clocks = run.clocks.map(({ name, ppm, quantumNs }) => `${name} ${ppm} ppm, ${formatValue(quantumNs, 'ns')}`);
  return facts([
    ['ended', `${stop.sentence}${stop.code === undefined ? '' : `, code ${stop.code}`}`],
    ['lasted', `${formatValue(run.durationNs, 'ns')} of ${run.clockDomain} time`],
    ['numbers from', `${costs(run)} (${run.calibration.provenance})`],
    ['seed', run.seed],
    [
      'certified',
      html`<span class="${c.certified ? 'v-pass' : 'v-fail'}">${c.certified ? 'yes' : 'NO'}</span>: ${clip(c.sentence)}<span class="interval">${counted(c.instret, 'instruction')}; output <code>${c.outputDigest}</code>, memory <code>${c.ramDigest}</code></span>`,
    ],
    [
      'trace',
      html`${file}<span class="interval">${counted(trace.blocks, 'block')}, ${counted(trace.bytes, 'byte')}; sha256 <code>${trace.sha256}</code></span>`,
    ],
    ['wire', wireFacts(wire).join(', ')],
    ...(faults.length > 0 ? ([['faults injected', faults.join(', ')]] as const) : []),
    ...companionFacts(run),
    ...placementFacts(run),
    ['clocks declared', clocks.join('; ') || NOTHING],
  ]);
}

function companionFacts({ companion }: RunSummary): [string, string][] {
  if (companion === undefined) return [];
  const { trace, lost } = companion;
  const file =
    trace === undefined ? 'no trace' : `${trace.file}, ${counted(trace.blocks, 'block')}, sha256 ${trace.sha256}`;
  return [['companion', lost === undefined ? file : `${lost}; ${file}`]];
}

function placementFacts({ placement }: RunSummary): [string, string][] {
  if (placement === undefined) return [];
  const { grants, collections } = placement;
  const pauses = `${counted(collections.count, 'pause')} of the garbage collector, ${collections.totalMs.toFixed(1)} ms in all, ${collections.longestMs.toFixed(1)} ms at most`;
  return [
    ['cell', grants.map(({ sentence }) => sentence).join('; ') || 'placed by the host as it likes'],
    ['in the cell', pauses],
  ];
}

function wireFacts({ received, transmitted, overruns, line, urbs }: RunSummary['wire']): string[] {
  return [
    `${counted(received, line === undefined ? 'byte' : 'character')} received`,
    `${grouped(transmitted)} sent`,
    `${grouped(overruns)} lost`,
    ...(line === undefined
      ? []
      : [
          counted(line.parityErrors, 'parity error'),
          counted(line.framingErrors, 'framing error'),
          counted(line.breaks, 'break'),
        ]),
    ...(urbs === undefined
      ? []
      : [
          `${counted(urbs.submitted, 'transfer')} (${grouped(urbs.control)} of them control)`,
          `${grouped(urbs.completed)} completed`,
          `${grouped(urbs.stalled)} stalled`,
          `${grouped(urbs.unlinked)} unlinked`,
          `${grouped(urbs.failed)} failed`,
        ]),
  ];
}

function stationTable({ stations }: RunSummary, source: string): Markup {
  if (stations.length === 0) return html``;
  const rows = stations.map(({ station, direction, count, p50Ns, p99Ns, maxNs }) => {
    const times = [p50Ns, p99Ns, maxNs].map((ns) => numberCell(quantity(ns, 'ns')));
    return html`<tr><th scope="row">${station}, ${direction}</th>${numberCell(grouped(count))}${times}</tr>
`;
  });
  const head = [{ title: 'station' }, ...['passages', 'p50', 'p99', 'max'].map((title) => ({ title, numeric: true }))];
  return tableBox(`Stations of the I/O path: ${source}`, head, html`<tbody>${rows}</tbody>`);
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

/** A column a channel, so that what was measured reads down. */
function channelTable({ channels, reportsDropped }: GuestSummary, name: string, source: string): Markup {
  if (channels.length === 0)
    return html`<p class="soft">${name}no channel reported anything.</p>
`;
  const shown = channels.slice(0, MOST_ROWS);
  const dropped = reportsDropped === 0 ? '' : `; the guest dropped ${counted(reportsDropped, 'report')}`;
  const row = (title: string, cell: (channel: ChannelSummary) => Markup): Markup =>
    html`<tr><th scope="row">${title}</th>${shown.map(cell)}</tr>
`;
  const counts = COUNTS.map(([title, count]) => row(title, (channel) => numberCell(grouped(count(channel)))));
  const latencies = PARTS.map(([part, title]) => row(`latency ${title}`, (c) => timeCell(c.latencyNs, part)));
  const jitters = PARTS.map(([part, title]) => row(`jitter ${title}`, (c) => timeCell(c.jitterNs, part)));
  const rates = row('rate', ({ rateHz }) => numberCell(quantity(rateHz.value, 'Hz'), bounds(rateHz, 'Hz')));
  return tableBox(
    `${name}Channels${dropped}: ${source}${beyond(channels.length)}`,
    [{ title: 'channel' }, ...shown.map((channel) => ({ title: channel.name, numeric: true }))],
    html`<tbody>${counts}${rates}${latencies}${jitters}</tbody>`,
  );
}

const COUNTS: readonly (readonly [string, (channel: ChannelSummary) => number])[] = [
  ['reports', ({ reports }) => reports],
  ['epochs', ({ epochs }) => epochs],
  ['lost in sequence', ({ continuity }) => continuity.lost],
  ['twice', ({ continuity }) => continuity.duplicated],
  ['out of order', ({ continuity }) => continuity.reordered],
];

type Part = Exclude<keyof DistributionSummary, 'count'>;

const PARTS: readonly (readonly [Part, string])[] = [
  ['p50', 'p50'],
  ['p99', 'p99'],
  ['p99_9', 'p99.9'],
  ['max', 'max'],
  ['rms', 'rms'],
];

function timeCell(distribution: DistributionSummary | undefined, part: Part): Markup {
  if (distribution === undefined) return numberCell(NOTHING);
  return numberCell(quantity(distribution[part].value, 'ns'), bounds(distribution[part], 'ns'));
}

/** What interrupts waited, beside what they can wait at most: in virtual time, for which alone the bound is computed. */
function interruptTable({ interrupts = [] }: GuestSummary, name: string, run: RunSummary): Markup {
  if (interrupts.length === 0) return html``;
  const limit = run.clockDomain === 'virtual' ? 'bound' : 'bound of virtual time';
  const row = (title: string, cell: (interrupt: InterruptSummary) => Markup): Markup =>
    html`<tr><th scope="row">${title}</th>${interrupts.map(cell)}</tr>
`;
  const parts = PARTS.map(([part, title]) => row(`latency ${title}`, ({ latencyNs }) => timeCell(latencyNs, part)));
  const limits = row(limit, ({ bound }) => numberCell(bound === undefined ? NOTHING : quantity(bound.ns, 'ns')));
  return tableBox(
    `${name}Interrupts, from the event to the handler: ${provenance(run)}`,
    [{ title: 'interrupt' }, ...interrupts.map((interrupt) => ({ title: interrupt.name, numeric: true }))],
    html`<tbody>${row('taken', ({ latencyNs }) => numberCell(grouped(latencyNs.count)))}${parts}${limits}</tbody>`,
  );
}

function consoleBlock(detail: GuestDetail | undefined, name: string): Markup {
  if (detail === undefined || detail.console === '') return html``;
  const file =
    detail.consoleFile === undefined ? '' : html`<p>${fileLink(detail.consoleFile, 'the whole console')}</p>`;
  return html`<details><summary>${name}Console</summary><pre>${detail.console.replaceAll('\r\n', '\n')}</pre>${file}</details>
`;
}

function beyond(count: number): string {
  return count > MOST_ROWS ? `; the first ${MOST_ROWS} of ${grouped(count)}, see run.json` : '';
}
