/** The whole report: one file that needs nothing else to be read. */

import type { CellRecord, SessionRecord } from '../../verdict/records.js';
import { sessionVerdict } from '../../verdict/records.js';
import { withoutFolders } from '../portable.js';
import type { HostFacts } from '../run-json.js';
import { cellSection } from './cell-section.js';
import { comparisons } from './comparison.js';
import { comparisonSection } from './comparison-section.js';
import { hostSection } from './host-section.js';
import { html, type Markup, trusted } from './markup.js';
import { matrixSection } from './matrix-section.js';
import type { PageState } from './page-parts.js';
import { predictionSection } from './prediction-section.js';
import { STYLE } from './style.js';
import { summarySection } from './summary-section.js';
import { techniquesSection } from './techniques-section.js';
import { testTable } from './test-table.js';

export interface ReportOptions {
  /** Its path is taken out of every text. */
  readonly outDir: string;
  /** Of the rig. */
  readonly version: string;
  readonly host: HostFacts;
}

/** About 2 MB of drawings at most. */
const MOST_FIGURES = 300;

/**
 * The text of `report.html`: no script, no address but those of files beside it, readable in light, dark and on paper.
 * Up to the section "Host" it is the same bytes for the same record. Texts of plans, guests and devices are escaped.
 */
export function htmlReport(session: SessionRecord, { outDir, version, host }: ReportOptions): string {
  const shown = portableSession(session, outDir);
  const anchors = new Map(shown.cells.map((record, index) => [record, `cell-${index + 1}`]));
  const compared = new Set(comparisons(shown.cells).flatMap(({ members }) => members.map(({ run }) => run)));
  const state: PageState = { figuresLeft: MOST_FIGURES };
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${sessionVerdict(shown)} - Rigvisor report</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<a class="skip-link" href="#matrix">To the matrix</a>
${summarySection(shown, version, anchors)}<main>
${matrixSection(shown.cells, anchors)}${comparisonSection(shown.cells, anchors, state)}${techniquesSection(shown.cells)}${cellSection(shown.cells, { anchors, compared }, state)}${outsideSection(shown)}${predictionSection(shown.cells)}${hostSection(shown, host)}</main>
</body>
</html>
`.toString();
}

/** The record as `run.json` has it; the series hold no text of the machine and stay as they are. */
function portableSession(session: SessionRecord, outDir: string): SessionRecord {
  const cells = session.cells.map(
    ({ details, ...record }): CellRecord => ({ ...withoutFolders(record, outDir), details }),
  );
  const { outside, failures } = withoutFolders({ outside: session.outside, failures: session.failures }, outDir);
  return { ...session, cells, outside, failures };
}

function outsideSection({ outside }: SessionRecord): Markup {
  if (outside.length === 0) return html``;
  return html`<section id="outside"><h2>Tests outside of plans</h2>
<div class="card">${testTable(outside, (index) => `outside-test-${index + 1}`, '', 'Ordinary tests in the plan files')}</div></section>
`;
}
