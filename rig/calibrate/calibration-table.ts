/** A calibration as a table for a terminal. */

import Table from 'cli-table3';
import { formatValue } from '../metrics/measurement.js';
import { OPEN } from '../report/table.js';
import { type Calibration, STATIONS } from '../wiring/calibration.js';

const SHOWN = [0.5, 0.9, 0.99, 0.999, 1] as const;

/** One line a station: how often it was measured, and the delay at some probabilities. */
export function calibrationTable({ stations }: Calibration): string {
  const table = new Table({ ...OPEN, head: ['station', 'count', 'p50', 'p90', 'p99', 'p99.9', 'max'] });
  for (const name of STATIONS) {
    const { count, quantiles } = stations[name];
    const cells = SHOWN.map((p) => {
      const found = quantiles.find(([probability]) => probability === p);
      return found === undefined ? '' : formatValue(found[1], 'ns');
    });
    table.push([name, String(count), ...cells]);
  }
  return table.toString();
}
