/** How long a character stays at each station of the I/O path: median, 99 % and greatest on one logarithmic axis. */

import { formatValue } from '../../../metrics/measurement.js';
import type { StationSummary } from '../../../run/run-types.js';
import { html, type Markup } from '../markup.js';
import { logAxis } from './axis.js';
import { across, axisBelow, type Colour, drawing, figure, type Named, plotBox, px } from './frame.js';

const ROW = 20;
const LABELS = 112;

interface Row {
  readonly label: string;
  readonly path: string;
  readonly colour: Colour;
  readonly station: StationSummary;
}

export function stationPlot(series: readonly Named<readonly StationSummary[]>[]): Markup {
  const rows = series.flatMap(({ name, colour, data }) =>
    data.map((station): Row => ({ label: `${station.station}, ${station.direction}`, path: name, colour, station })),
  );
  const height = 64 + rows.length * ROW;
  const box = { ...plotBox(height), left: LABELS };
  const least = Math.max(1, Math.min(...rows.map(({ station }) => station.p50Ns)));
  const most = Math.max(2, ...rows.map(({ station }) => station.maxNs));
  const x = logAxis([least / 1.5, most * 1.2], across(box), 'time at the station');
  const place = (ns: number): string => px(x.place(Math.max(least / 1.5, ns)));
  const drawn = rows.map(({ label, colour, station }, i) => {
    const y = box.top + (i + 0.5) * ROW;
    return html`<text x="${LABELS - 8}" y="${px(y + 3.5)}" text-anchor="end">${label}</text><path class="line ${colour}" d="M${place(station.p50Ns)},${px(y)}H${place(station.maxNs)}"/><circle class="spot ${colour}" cx="${place(station.p50Ns)}" cy="${px(y)}" r="4"/><path class="line ${colour}" d="M${place(station.p99Ns)},${px(y - 5)}v10"/><path class="line ${colour}" d="M${place(station.maxNs)},${px(y - 2.5)}v5"/>`;
  });
  const words = rows.map(
    ({ path, label, station: s }) =>
      `${path}, ${label}: ${[s.p50Ns, s.p99Ns, s.maxNs].map((ns) => formatValue(Number(ns.toPrecision(3)), 'ns')).join(', ')}`,
  );
  return figure(
    'Stations of the I/O path',
    drawing(height, `Median, 99 % and greatest time by station. ${words.join('; ')}.`, axisBelow(x, box), drawn),
    'dot: median, bar: 99 %, end: greatest',
  );
}
