/** What a calibration predicts against what was measured, as a table for a terminal. */

import Table from 'cli-table3';
import { formatValue } from '../metrics/measurement.js';
import { OPEN } from '../report/table.js';
import type { Calibration } from '../wiring/calibration.js';

/** Empty when nothing was predicted. */
export function predictionTable({ prediction = [] }: Calibration): string {
  if (prediction.length === 0) return '';
  const table = new Table({
    ...OPEN,
    head: ['round trips', 'count', 'p50 predicted', 'measured', 'ratio', 'p99 predicted', 'measured', 'ratio'],
  });
  for (const { architecture, frontend, exchanges, predictedNs, measuredNs } of prediction) {
    const cells = (['p50', 'p99'] as const).flatMap((p) => [
      formatValue(predictedNs[p], 'ns'),
      formatValue(measuredNs[p], 'ns'),
      (predictedNs[p] / measuredNs[p]).toFixed(2),
    ]);
    table.push([`${architecture}, ${frontend}`, String(exchanges), ...cells]);
  }
  return table.toString();
}
