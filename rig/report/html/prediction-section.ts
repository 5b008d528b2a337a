/** How well the cost models of a session predict the machine that they were measured on. */

import { formatValue } from '../../metrics/measurement.js';
import type { LatencyPrediction } from '../../run/run-types.js';
import type { CellRecord } from '../../verdict/records.js';
import { grouped, pathName } from './format.js';
import { html, type Markup } from './markup.js';
import { numberCell, tableBox } from './page-parts.js';

/** Nothing for models that nobody has held against a measurement. */
export function predictionSection(cells: readonly CellRecord[]): Markup {
  const models = new Map(
    cells.flatMap(({ runs }) =>
      runs.flatMap(({ calibration }) =>
        calibration.prediction === undefined ? [] : [[JSON.stringify(calibration), calibration] as const],
      ),
    ),
  );
  if (models.size === 0) return html``;
  const tables = [...models.values()].map(({ name, provenance, prediction = [] }) => one(name, provenance, prediction));
  return html`<section id="prediction"><h2>Prediction against measurement</h2>
<div class="card"><p>Round trips of one character through a guest and back: what virtual time says with the calibration, and what other round trips then took on the machine that was calibrated.</p>
${tables}</div></section>
`;
}

function one(name: string, provenance: string, prediction: readonly LatencyPrediction[]): Markup {
  const head = [
    { title: 'path' },
    ...['round trips', 'p50 predicted', 'measured', 'ratio', 'p99 predicted', 'measured', 'ratio'].map((title) => ({
      title,
      numeric: true,
    })),
  ];
  const rows = prediction.map(({ architecture, frontend, exchanges, predictedNs, measuredNs }) => {
    const cells = (['p50', 'p99'] as const).flatMap((p) => [
      numberCell(formatValue(Number(predictedNs[p].toPrecision(3)), 'ns')),
      numberCell(formatValue(Number(measuredNs[p].toPrecision(3)), 'ns')),
      numberCell((predictedNs[p] / measuredNs[p]).toFixed(2)),
    ]);
    return html`<tr><th scope="row">${pathName({ architecture, frontend })}</th>${numberCell(grouped(exchanges))}${cells}</tr>
`;
  });
  return tableBox(`Calibration "${name}": ${provenance}`, head, html`<tbody>${rows}</tbody>`);
}
