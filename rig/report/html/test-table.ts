/** The tests of a cell and what each measured. */

import type { Measurement } from '../../metrics/measurement.js';
import type { TestRecord } from '../../verdict/records.js';
import { counted, grouped, intervalText, quantity } from './format.js';
import { clip, fileLink, html, type Markup } from './markup.js';
import { badge, type Column, numberCell, tableBox, trouble } from './page-parts.js';
import { limitGlyph } from './plots/small-bars.js';

const HEAD: readonly Column[] = [
  { title: 'outcome' },
  { title: 'measurement' },
  { title: 'value', numeric: true },
  { title: 'required' },
  { title: 'interval in limit' },
  { title: 'samples', numeric: true },
];

/** Notes are the plan's own; a report stays readable whatever it writes. */
const MOST_NOTES = 50;

/** `anchor` names a test by its place in the list. `source` says where the numbers come from. */
export function testTable(
  tests: readonly TestRecord[],
  anchor: (index: number) => string,
  source: string,
  caption = 'Tests and their measurements',
): Markup {
  const bodies = tests.map((test, index) => testRows(test, anchor(index)));
  return tableBox(source === '' ? caption : `${caption}. ${source}`, HEAD, bodies);
}

function testRows(test: TestRecord, id: string): Markup {
  const facts = [
    ...(test.attempts > 1 ? [`after ${counted(test.attempts, 'attempt')}`] : []),
    ...(test.expectations > 0 ? [counted(test.expectations, 'plain expectation')] : []),
  ];
  const aside = facts.length === 0 ? '' : html` <span class="soft">${facts.join(', ')}</span>`;
  return html`<tbody><tr class="group" id="${id}"><th colspan="${HEAD.length}" scope="rowgroup">${badge(test.verdict)} ${clip(test.title)}${aside}</th></tr>
${test.measurements.map(measurementRow)}${evidence(test)}</tbody>
`;
}

function measurementRow(m: Measurement): Markup {
  const isKnown = !Number.isNaN(m.value);
  const interval = isKnown ? intervalText(finiteOrNull(m.low), finiteOrNull(m.high), m.unit) : '';
  return html`<tr><td class="outcome v-${m.outcome}">${m.outcome}</td><th scope="row">${m.name} of ${m.subject}<span class="sentence">${clip(m.sentence)}</span></th>${numberCell(isKnown ? quantity(m.value, m.unit) : 'unknown', interval)}<td>${m.limit.text}<span class="interval">${m.clockDomain} time</span></td><td>${limitGlyph(m)}</td>${numberCell(grouped(m.count))}</tr>
`;
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** What the test left beside measurements; nothing when there is nothing. */
function evidence({ verdict, error, reason, notes, attachments, measurements }: TestRecord): Markup {
  const message = error?.message ?? reason;
  const isSaid = measurements.some(({ sentence }) => sentence === message);
  const wrong = message === undefined || isSaid ? '' : trouble(verdict, message, error);
  const written = notes.slice(0, MOST_NOTES).map((note) => html`<li>${clip(note)}</li>`);
  if (notes.length > MOST_NOTES) written.push(html`<li>and ${notes.length - MOST_NOTES} more, see run.json</li>`);
  const files = attachments.map(({ name, path }) => html`<li>attached: ${fileLink(path, name)}</li>`);
  const list = written.length + files.length === 0 ? '' : html`<ul class="notes">${written}${files}</ul>`;
  if (wrong === '' && list === '') return html``;
  return html`<tr><td colspan="${HEAD.length}">${wrong}${list}</td></tr>
`;
}
