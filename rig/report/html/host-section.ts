/** The end of the report: where and when the session ran. All that differs from machine to machine stands here. */

import { cellLabel } from '../../plan/matrix.js';
import type { SessionRecord } from '../../verdict/records.js';
import type { HostFacts } from '../run-json.js';
import { grouped } from './format.js';
import { html, type Markup } from './markup.js';
import { facts, numberCell, tableBox } from './page-parts.js';
import { techniqueTimes } from './techniques-section.js';

export function hostSection(session: SessionRecord, host: HostFacts): Markup {
  const { startedAtMs, wallMs, node, platform, arch, cpu, cores, command } = host;
  const rows = [
    ...session.cells.flatMap(({ cell, tests }) =>
      tests.map(({ title, wallMs: ms }) => ({ place: `${cell.plan}, ${cellLabel(cell)}`, title, ms })),
    ),
    ...session.outside.map(({ title, wallMs: ms }) => ({ place: 'outside of plans', title, ms })),
  ].map(
    ({ place, title, ms }) =>
      html`<tr><th scope="row">${place}</th><td>${title}</td>${numberCell(grouped(Math.round(ms)))}</tr>
`,
  );
  const times = techniqueTimes(session.cells).map(
    ({ place, ms }) => html`<tr><th scope="row">${place}</th>${numberCell(grouped(Math.round(ms)))}</tr>
`,
  );
  const head = [{ title: 'cell' }, { title: 'test' }, { title: 'ms', numeric: true }];
  return html`<section id="host"><h2>Host</h2>
<div class="card"><p class="soft">Everything above is the same on every machine where the runs were in virtual time. This part is not.</p>
${facts([
  ['started', `${new Date(startedAtMs).toISOString()}`],
  ['took', `${(wallMs / 1000).toFixed(1)} s`],
  ['machine', `${cpu}, ${cores} cores, ${platform} ${arch}`],
  ['Node.js', node],
  ['command', html`<code>rig ${command.join(' ')}</code>`],
])}<details><summary>Time that each test took</summary>${tableBox('Host time of each test, in milliseconds; a run counts for the first test that asks for it', head, html`<tbody>${rows}</tbody>`)}</details>${
    times.length === 0
      ? ''
      : html`<details><summary>Time that each technique took</summary>${tableBox(
          'Host time of all tests of a cell, in milliseconds, certification included',
          [{ title: 'technique' }, { title: 'ms', numeric: true }],
          html`<tbody>${times}</tbody>`,
        )}</details>`
  }</div></section>
`;
}
