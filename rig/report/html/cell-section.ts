/** Every cell with its tests and runs, closed where all is well. */

import { cellLabel } from '../../plan/matrix.js';
import { type CellRecord, cellVerdict, type SetupFailure } from '../../verdict/records.js';
import type { RunDetail } from '../run-detail.js';
import type { RunSummary } from '../run-summary.js';
import { channelFigures } from './channel-figures.js';
import { pathColour } from './comparison.js';
import { counted, provenance, provenanceOfAll } from './format.js';
import { html, type Markup } from './markup.js';
import { badge, type PageState, trouble } from './page-parts.js';
import { type Colour, legend } from './plots/frame.js';
import { runBlock } from './run-block.js';
import { testTable } from './test-table.js';

export interface CellsOnPage {
  readonly anchors: ReadonlyMap<CellRecord, string>;
  /** Runs whose plots stand in a comparison already. */
  readonly compared: ReadonlySet<RunSummary>;
}

export function cellSection(
  cells: readonly CellRecord[],
  { anchors, compared }: CellsOnPage,
  state: PageState,
): Markup {
  return html`<section id="cells"><h2>Cells</h2>
${cells.map((record) => cellCard(record, anchors.get(record) ?? '', compared, state))}</section>
`;
}

function cellCard(record: CellRecord, anchor: string, compared: ReadonlySet<RunSummary>, state: PageState): Markup {
  const { cell, tests, runs, details, failures } = record;
  const verdict = cellVerdict(record);
  const open = verdict === 'PASS' ? '' : html` open`;
  const colour = pathColour(cell);
  const source = runs.length === 0 ? '' : `Numbers: ${provenanceOfAll(runs)}, ${seeds(runs)}`;
  const blocks = runs.map((run, i) => {
    const title = runs.length === 1 ? 'Run' : `Run ${i + 1}`;
    const plots = compared.has(run) ? '' : runFigures(run, details[i], colour, state);
    return html`${runBlock(run, details[i], title, colour)}${plots}`;
  });
  // The anchor stands inside, so that a browser opens the card when a link leads to it.
  return html`<details class="card"${open}><summary>${badge(verdict)}<h3>${cell.plan}</h3><span class="soft">${cellLabel(cell)}; ${counted(tests.length, 'test')}</span></summary><div id="${anchor}">
${failures.map(failureBlock)}${tests.length === 0 ? '' : testTable(tests, (index) => testAnchor(anchor, index), source)}${blocks}</div></details>
`;
}

function failureBlock({ during, verdict, error }: SetupFailure): Markup {
  return trouble(verdict, `${during}: ${error.message}`, error, { head: badge(verdict) });
}

/** Where a test stands on the page. */
export function testAnchor(cellAnchor: string, index: number): string {
  return `${cellAnchor}-test-${index + 1}`;
}

function seeds(runs: readonly RunSummary[]): string {
  const all = [...new Set(runs.map(({ seed }) => `"${seed}"`))];
  return `seed${all.length === 1 ? '' : 's'} ${all.join(', ')}`;
}

const GUEST_COLOURS: readonly Colour[] = ['c0', 'c1', 'c2', 'c3'];

function runFigures(run: RunSummary, detail: RunDetail | undefined, colour: Colour, state: PageState): Markup {
  if (detail === undefined) return html``;
  const isShared = run.guests.length > 1;
  const sources = detail.guests.slice(0, GUEST_COLOURS.length).map(({ channels }, i) => ({
    name: run.guests[i].name,
    colour: isShared ? GUEST_COLOURS[i] : colour,
    data: channels,
  }));
  return html`${legend(sources)}${channelFigures(sources, provenance(run), state)}`;
}
