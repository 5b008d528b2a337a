/** Techniques side by side in the report: exits by reason and latency of one acquisition, whichever way it was virtualised. */

import { formatValue } from '../../metrics/measurement.js';
import type { CellRecord } from '../../verdict/records.js';
import { reasons } from '../technique-text.js';
import { acrossEngines, type TechniqueRow, type TechniqueTable, techniqueTables } from '../techniques.js';
import { grouped, NOTHING } from './format.js';
import { html, type Markup } from './markup.js';
import { numberCell, tableBox } from './page-parts.js';

/** Host time stands in the section "Host", where everything else that differs from machine to machine does. */
export function techniquesSection(cells: readonly CellRecord[]): Markup {
  const tables = acrossEngines(techniqueTables(cells));
  if (tables.length === 0) return html``;
  return html`<section id="techniques"><h2>Techniques side by side</h2>
${tables.map(one)}</section>
`;
}

function one({ cell, clockDomain, calibration, rows }: TechniqueTable): Markup {
  const head = [{ title: '' }, ...rows.map(({ technique }) => ({ title: technique, numeric: true }))];
  const line = (name: string, value: (row: TechniqueRow) => string): Markup =>
    html`<tr><th scope="row">${name}</th>${rows.map((row) => numberCell(value(row)))}</tr>
`;
  const latency = (['p50', 'p99', 'max'] as const).map((name) =>
    line(`latency ${name}`, ({ latencyNs }) => {
      const value = latencyNs?.[name];
      return value === undefined || value === null ? NOTHING : formatValue(Number(value.toPrecision(4)), 'ns');
    }),
  );
  const body = html`<tbody>${line('engine', ({ engine }) => engine)}${line('exits in all', ({ exits }) => grouped(exits))}${line('exits on the data path', ({ dataPath }) => grouped(dataPath))}${reasons(rows).map((reason) => line(reason, ({ byReason }) => grouped(byReason[reason] ?? 0)))}${line('waits', ({ waits }) => grouped(waits))}${line('instructions', ({ instructions }) => grouped(instructions))}${latency}</tbody>`;
  const caption = `${cell.profile}, ${cell.binding}, ${clockDomain} time, costs from calibration "${calibration}"`;
  return html`<div class="card"><h3>${cell.plan}</h3>${tableBox(caption, head, body)}</div>
`;
}

/** Rows for the section "Host": what each technique took there. */
export function techniqueTimes(cells: readonly CellRecord[]): { readonly place: string; readonly ms: number }[] {
  return acrossEngines(techniqueTables(cells)).flatMap(({ cell, rows }) =>
    rows.map(({ technique, engine, hostMs }) => ({
      place: `${cell.plan}, ${cell.profile}, ${cell.binding}: ${technique}, ${engine}`,
      ms: hostMs,
    })),
  );
}
