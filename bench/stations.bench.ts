/** What each station of the I/O path costs on this machine, by `rig calibrate`: `npm run bench -- stations [--exchanges N]`. */

import { calibrate } from '../rig/calibrate/index.js';
import { count } from './options.js';
import type { Row } from './table.js';

export async function benchStations(args: readonly string[]): Promise<readonly Row[]> {
  const exchanges = count(args, 'exchanges', 4000);
  const { stations } = await calibrate({ name: 'bench', exchanges, method: 'npm run bench -- stations' });
  return Object.entries(stations).map(([what, { quantiles }]) => ({
    what,
    value: quantiles.find(([p]) => p === 0.5)?.[1] ?? Number.NaN,
    unit: 'ns',
    spread: [quantiles[0][1], quantiles[quantiles.length - 1][1]],
  }));
}
