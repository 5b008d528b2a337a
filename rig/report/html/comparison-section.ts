/** Hosted against partitioned: the same plan on each path, in numbers, bars and curves laid over each other. */

import type { CellRecord } from '../../verdict/records.js';
import type { Differential, DifferentialRow } from '../differential.js';
import { channelFigures } from './channel-figures.js';
import { type Comparison, comparisons, type Member } from './comparison.js';
import { askedText, NOTHING, provenance, quantity } from './format.js';
import { html, type Markup } from './markup.js';
import { numberCell, type PageState, tableBox } from './page-parts.js';
import { legend, type Named } from './plots/frame.js';
import { bars } from './plots/small-bars.js';
import { stationPlot } from './plots/station-plot.js';

export function comparisonSection(
  cells: readonly CellRecord[],
  anchors: ReadonlyMap<CellRecord, string>,
  state: PageState,
): Markup {
  const all = comparisons(cells);
  const body =
    all.length === 0
      ? html`<p class="soft">No plan ran in both architectures with the same request.</p>`
      : all.map((comparison) => card(comparison, anchors, state));
  return html`<section id="comparison"><h2>Hosted against partitioned</h2>
${body}</section>
`;
}

function card(comparison: Comparison, anchors: ReadonlyMap<CellRecord, string>, state: PageState): Markup {
  const { cell, asked, members } = comparison;
  const { architecture: _, frontend: __, ...common } = cell;
  const binding = common.recording === undefined ? common.binding : `${common.binding} of ${common.recording}`;
  const source = provenanceOf(members);
  const sources = members.map(({ name, colour, detail }) => ({
    name,
    colour,
    data: detail?.guests[0]?.channels ?? [],
  }));
  const links = members.map(({ name, record }) => html` <a href="#${anchors.get(record)}">${name}</a>`);
  return html`<article class="card"><h3>${common.plan}</h3>
<p class="soft">${common.profile}, ${binding}, ${common.engine}; ${askedText(asked)}. Cells:${links}.</p>
${legend(sources)}
<div class="lead"><div>${tiles(members)}<p class="soft">${source}</p></div>${stations(members, state)}</div>
${channelFigures(sources, source, state)}${table(comparison, source)}</article>
`;
}

/** One sentence where the members agree, one for each otherwise. */
function provenanceOf(members: readonly Member[]): string {
  const texts = members.map(({ run }) => provenance(run));
  if (new Set(texts).size === 1) return texts[0];
  return members.map(({ name }, i) => `${name}: ${texts[i]}`).join('; ');
}

function tiles(members: readonly Member[]): Markup {
  const guests = members.map(({ run }) => run.guests[0]);
  const channels = guests[0].channels.filter(({ latencyNs }) => latencyNs !== undefined).slice(0, 2);
  const latency = (index: number, name: string, part: 'p50' | 'p99'): string =>
    quantity(guests[index].channels.find((c) => c.name === name)?.latencyNs?.[part].value, 'ns', 4);
  const entries: readonly (readonly [string, (index: number) => string])[] = [
    ...channels.flatMap(({ name }) => [
      [`${name}: median latency`, (i: number) => latency(i, name, 'p50')] as const,
      [`${name}: latency p99`, (i: number) => latency(i, name, 'p99')] as const,
    ]),
    ['exits on the data path', (i) => quantity(guests[i].exits.dataPath, 'count')],
    ['bytes lost', (i) => quantity(members[i].run.wire.overruns, 'count')],
  ];
  return html`<dl class="tiles">${entries.map(
    ([title, value]) =>
      html`<div><dt>${title}</dt>${members.map(({ name, colour }, i) => html`<dd class="${colour}">${value(i)} <small>${name}</small></dd>`)}</div>`,
  )}</dl>
`;
}

function table({ members, differentials }: Comparison, source: string): Markup {
  const differences = differentials.map((_, i) =>
    differentials.length === 1 ? 'difference' : `${members[i].record.cell.frontend} \u2212 partitioned`,
  );
  const head = [
    { title: 'what' },
    ...members.map(({ name }) => ({ title: name, numeric: true })),
    ...differences.map((title) => ({ title, numeric: true })),
    { title: 'side by side' },
  ];
  const names = [...new Set(differentials.flatMap(({ rows }) => rows.map(({ name }) => name)))];
  const rows = names.map((name) => {
    const found = differentials.map(({ rows: all }) => all.find((row) => row.name === name));
    return tableRow(name, found, members);
  });
  return tableBox(
    `What each path cost, and whether its data is that of the partitioned run, byte for byte but for times: ${source}`,
    head,
    html`<tbody>${rows}${sameData(differentials)}</tbody>`,
  );
}

function tableRow(name: string, found: readonly (DifferentialRow | undefined)[], members: readonly Member[]): Markup {
  const known = found.find((row) => row !== undefined);
  const unit = known?.unit ?? 'count';
  const values = [...found.map((row) => row?.hosted ?? null), known?.partitioned ?? null];
  const cells = values.map((value) => numberCell(quantity(value, unit)));
  const differences = found.map((row) => numberCell(signed(row?.difference ?? null, unit)));
  const drawn = bars(values.map((value, i) => ({ value, colour: members[i].colour })));
  return html`<tr><th scope="row">${name}</th>${cells}${differences}<td>${drawn}</td></tr>`;
}

function signed(value: number | null, unit: DifferentialRow['unit']): string {
  if (value === null) return NOTHING;
  const magnitude = quantity(Math.abs(value), unit);
  return value === 0 ? '0' : `${value > 0 ? '+' : '\u2212'}${magnitude}`;
}

/** Rows that say, channel by channel, whether a hosted run gave the bytes of the partitioned one, times aside. */
function sameData(differentials: readonly Differential[]): Markup[] {
  const names = [...new Set(differentials.flatMap((differential) => Object.keys(differential.sameData)))];
  return names.map((name) => {
    const answers = differentials.map(({ sameData: same }) =>
      numberCell(same[name] === undefined ? NOTHING : same[name] ? 'yes' : 'no'),
    );
    const rest = differentials.map(() => html`<td></td>`);
    return html`<tr><th scope="row">${name}: same data</th>${answers}${numberCell(NOTHING)}${rest}<td></td></tr>`;
  });
}

function stations(members: readonly Member[], state: PageState): Markup {
  const series: Named<RunStations>[] = members.map(({ name, colour, run }) => ({ name, colour, data: run.stations }));
  if (series.every(({ data }) => data.length === 0) || state.figuresLeft === 0) return html``;
  state.figuresLeft--;
  return stationPlot(series);
}

type RunStations = Member['run']['stations'];
