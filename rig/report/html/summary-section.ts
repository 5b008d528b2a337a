/** The top of the report: the verdict, how many tests had which, and everything that did not pass. */

import { type CellRecord, type SessionRecord, sessionVerdict, type TestRecord } from '../../verdict/records.js';
import { type ErrorRecord, GRAVITY, type Verdict } from '../../verdict/verdict.js';
import { countVerdicts } from '../run-json.js';
import type { RunSummary } from '../run-summary.js';
import { testAnchor } from './cell-section.js';
import { counted, pathName, provenanceOfAll } from './format.js';
import { html, type Markup } from './markup.js';
import { badge, trouble } from './page-parts.js';

/** What the verdict means, for whoever sees one for the first time. */
const MEANINGS: Readonly<Record<Verdict, string>> = {
  PASS: 'Everything that was tested holds.',
  FAIL: 'At least one requirement does not hold.',
  INCONCLUSIVE: 'At least one requirement is undecided: the margin is smaller than the uncertainty.',
  ERROR: 'The rig or the device failed, so that not everything was tested.',
  TIMEOUT: 'Something took longer than it may.',
  ABORTED: 'The session was ended before it was done.',
  SKIP: 'Nothing was tested.',
};

export function summarySection(
  session: SessionRecord,
  version: string,
  anchors: ReadonlyMap<CellRecord, string>,
): Markup {
  const verdict = sessionVerdict(session);
  const counts = countVerdicts(session);
  const tally = GRAVITY.flatMap((v) => (counts[v] === undefined ? [] : [`${counts[v]} ${v}`])).join(', ');
  const runs = session.cells.flatMap((record) => record.runs);
  const seed = session.seed === '' ? '' : ` Seed "${session.seed}".`;
  const scope = `${counted(session.cells.length, 'cell')} of the matrix, ${counted(runs.length, 'run')}.`;
  return html`<header class="card v-${verdict.toLowerCase()}"><h1>Rigvisor report</h1>
<div class="result"><strong class="v-${verdict.toLowerCase()}">${verdict}</strong><span>${tally === '' ? 'no test was run' : `Tests: ${tally}`}</span></div>
<p>${MEANINGS[verdict]} ${scope}${seed}</p>
<p class="soft">${runs.length === 0 ? '' : `Numbers: ${provenanceOfAll(runs)}. `}${models(runs)}</p>
<p class="soft">rigvisor ${version}. The same results as data: <a href="./run.json">run.json</a>, <a href="./junit.xml">junit.xml</a>, <a href="./host.json">host.json</a>.</p>
<nav aria-label="Sections"><ul>${navigation(runs)}</ul></nav></header>
${troubles(session, anchors)}`;
}

/** What stands behind the names of the cost models. */
function models(runs: readonly RunSummary[]): string {
  const all = new Set(runs.map(({ calibration }) => `Path costs "${calibration.name}": ${calibration.provenance}.`));
  return [...all].join(' ');
}

function navigation(runs: readonly RunSummary[]): Markup[] {
  const isPredicted = runs.some(({ calibration }) => calibration.prediction !== undefined);
  return SECTIONS.filter(([id]) => id !== 'prediction' || isPredicted).map(
    ([id, title]) => html`<li><a href="#${id}">${title}</a></li>`,
  );
}

const SECTIONS = [
  ['matrix', 'Matrix'],
  ['comparison', 'Hosted against partitioned'],
  ['cells', 'Cells, tests and runs'],
  ['prediction', 'Prediction against measurement'],
  ['host', 'Host'],
];

interface Trouble {
  readonly verdict: Verdict;
  readonly message: string;
  readonly error: ErrorRecord | undefined;
  readonly places: Markup[];
}

/** One entry for each sentence with every place it holds for, the gravest first. */
function troubles(session: SessionRecord, anchors: ReadonlyMap<CellRecord, string>): Markup {
  const found = new Map<string, Trouble>();
  const add = (verdict: Verdict, message: string, error: ErrorRecord | undefined, place: Markup): void => {
    const key = JSON.stringify([verdict, message, error?.code, error?.where, error?.hint]);
    const known = found.get(key);
    if (known === undefined) found.set(key, { verdict, message, error, places: [place] });
    else known.places.push(place);
  };
  const addTest = (test: TestRecord, place: Markup): void => {
    if (test.verdict !== 'PASS') add(test.verdict, test.error?.message ?? test.reason ?? '', test.error, place);
  };
  for (const { during, verdict, error } of session.failures) add(verdict, error.message, error, html`${during}`);
  for (const record of session.cells) {
    const anchor = anchors.get(record) ?? '';
    const { cell, tests, failures } = record;
    const label = `${cell.plan}, ${cell.profile}, ${cell.binding}, ${pathName(cell)}`;
    for (const { during, verdict, error } of failures)
      add(verdict, error.message, error, html`<a href="#${anchor}">${label}</a>: ${during}`);
    tests.forEach((test, i) => {
      addTest(test, html`<a href="#${testAnchor(anchor, i)}">${label}</a>: ${test.title}`);
    });
  }
  session.outside.forEach((test) => {
    addTest(test, html`${test.title}`);
  });
  if (found.size === 0) return html``;
  const sorted = [...found.values()].sort((a, b) => GRAVITY.indexOf(a.verdict) - GRAVITY.indexOf(b.verdict));
  const title = sorted.every(({ verdict }) => verdict === 'SKIP') ? 'What was skipped' : 'What did not pass';
  return html`<section id="troubles" class="card"><h2>${title}</h2>
${sorted.slice(0, MOST_TROUBLES).map(troubleBlock)}${sorted.length > MOST_TROUBLES ? html`<p>and ${sorted.length - MOST_TROUBLES} more, see the cells below</p>` : ''}</section>
`;
}

const MOST_TROUBLES = 60;
const MOST_PLACES = 12;

function troubleBlock({ verdict, message, error, places }: Trouble): Markup {
  const shown = places.slice(0, MOST_PLACES).map((place) => html`<li>${place}</li>`);
  const more = places.length > MOST_PLACES ? html`<li>and ${places.length - MOST_PLACES} more</li>` : '';
  return trouble(verdict, message, error, { head: badge(verdict), places: html`<ul>${shown}${more}</ul>` });
}
