/** The matrix: every cell that ran, what it showed in one line, and its verdict. */

import { type CellRecord, cellVerdict } from '../../verdict/records.js';
import { totalExits } from '../differential.js';
import { lostSamples, primaryChannel } from '../table.js';
import { counted, NOTHING, provenanceOfAll, quantity } from './format.js';
import { type Content, html, type Markup } from './markup.js';
import { badge, type Column, numberCell, tableBox } from './page-parts.js';

const HEAD: readonly Column[] = [
  { title: 'verdict' },
  { title: 'profile' },
  { title: 'binding' },
  { title: 'architecture' },
  { title: 'frontend' },
  { title: 'engine' },
  { title: 'passed', numeric: true },
  { title: 'samples', numeric: true },
  { title: 'rate', numeric: true },
  { title: 'latency p99', numeric: true },
  { title: 'exits: data/all', numeric: true },
  { title: 'lost', numeric: true },
  { title: 'certified' },
];

export function matrixSection(cells: readonly CellRecord[], anchors: ReadonlyMap<CellRecord, string>): Markup {
  const plans = [...new Set(cells.map(({ cell }) => cell.plan))];
  const bodies = plans.map((plan) => {
    const rows = cells.filter(({ cell }) => cell.plan === plan).map((record) => row(record, anchors.get(record)));
    return html`<tbody><tr class="group"><th colspan="${HEAD.length}" scope="rowgroup">${plan}</th></tr>
${rows}</tbody>
`;
  });
  const source = provenanceOfAll(cells.flatMap(({ runs }) => runs));
  const several = cells.some(({ runs }) => runs.length > 1) ? ' Of several runs in a cell the first is shown.' : '';
  const caption = `${counted(cells.length, 'cell')}. Numbers: ${source || 'no run was made'}.${several}`;
  return html`<section id="matrix"><h2>Matrix</h2>
${cells.length === 0 ? html`<p class="soft">No cell of the matrix ran.</p>` : tableBox(caption, HEAD, bodies)}</section>
`;
}

function row(record: CellRecord, anchor: string | undefined): Markup {
  const { cell, tests, runs } = record;
  const passed = tests.filter(({ verdict }) => verdict === 'PASS').length;
  const recording = cell.recording === undefined ? '' : html`<span class="interval recording">${cell.recording}</span>`;
  return html`<tr><td class="stay">${badge(cellVerdict(record))}</td><th scope="row"><a href="#${anchor}">${cell.profile}</a></th><td>${cell.binding}${recording}</td><td>${cell.architecture}</td><td>${cell.frontend}</td><td>${cell.engine}</td>${numberCell(`${passed} of ${tests.length}`)}${runCells(runs)}</tr>
`;
}

function runCells(runs: CellRecord['runs']): Content {
  const [run] = runs;
  if (run === undefined || run.guests.length === 0)
    return [...Array<Markup>(5).fill(numberCell(NOTHING)), html`<td>${NOTHING}</td>`];
  const [guest] = run.guests;
  const channel = primaryChannel(run);
  const rate = channel?.rateHz.value;
  const certified = runs.every(({ certification }) => certification.certified);
  return [
    numberCell(quantity(channel?.epochs ?? 0, 'count')),
    numberCell(rate === null || rate === undefined ? NOTHING : quantity(Number(rate.toPrecision(6)), 'Hz')),
    numberCell(quantity(channel?.latencyNs?.p99.value, 'ns', 4)),
    numberCell(`${quantity(guest.exits.dataPath, 'count')} / ${quantity(totalExits(guest), 'count')}`),
    numberCell(quantity(lostSamples(run), 'count')),
    html`<td${certified ? '' : html` class="v-fail"`}>${certified ? 'yes' : 'NO'}</td>`,
  ];
}
