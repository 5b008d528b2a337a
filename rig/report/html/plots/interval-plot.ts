/** Intervals between reports over time, a lane for each series, on common axes. */

import { line } from 'd3-shape';
import { formatValue } from '../../../metrics/measurement.js';
import type { TimePoint, TimeSeries } from '../../series.js';
import { html, type Markup } from '../markup.js';
import { type Axis, durationAxis, extent, type Span } from './axis.js';
import {
  across,
  axisBelow,
  axisLeft,
  type Box,
  drawing,
  figure,
  laneBoxes,
  lanesHeight,
  type Named,
  plotBox,
  px,
} from './frame.js';

export interface IntervalSeries extends TimeSeries {
  /** When the first report after a gap came. */
  readonly gapsNs: readonly number[];
}

/** Up to this many points each is marked. */
const DOTS_UP_TO = 150;

export function intervalPlot(subject: string, series: readonly Named<IntervalSeries>[]): Markup {
  const height = lanesHeight(series.length);
  const box = plotBox(height);
  const points = series.flatMap(({ data }) => data.points);
  const times = extent(points.map(([atNs]) => atNs));
  const x = durationAxis([Math.min(0, times[0]), times[1]], across(box), { name: 'time', ticks: 6, fromZero: true });
  const values = extent(points.map(([, ns]) => ns));
  const lanes = laneBoxes(box, series.length).map((lane, index) => {
    const y = durationAxis(values, [lane.bottom, lane.top], { name: 'interval', ticks: 3 });
    return html`${axisLeft(index === 0 ? y : { ...y, title: '' }, lane)}${drawLane(series[index], x, y, lane, times)}`;
  });
  const isCut = series.some(({ data }) => data.points.length < data.count);
  const hasGaps = series.some(({ data }) => data.gapsNs.length > 0);
  const caption = [
    'between reports over time',
    isCut ? 'least and greatest of each column' : '',
    hasGaps ? 'triangles where the sequence has a gap' : '',
  ];
  return figure(
    'Intervals',
    drawing(height, `Intervals of ${subject} over time. ${series.map(inWords).join('; ')}.`, axisBelow(x, box), lanes),
    caption.filter((part) => part !== '').join('; '),
  );
}

function drawLane({ colour, data }: Named<IntervalSeries>, x: Axis, y: Axis, lane: Box, times: Span): Markup {
  const path = line<TimePoint>(
    ([atNs]) => x.place(atNs),
    ([, ns]) => y.place(ns),
  ).digits(1);
  const dots =
    data.points.length > DOTS_UP_TO
      ? ''
      : data.points.map(([atNs, ns]) => `M${px(x.place(atNs))},${px(y.place(ns))}h0`).join('');
  const gaps = data.gapsNs
    .filter((atNs) => atNs >= times[0] && atNs <= times[1])
    .map((atNs) => `M${px(x.place(atNs) - 3.5)},${px(lane.top)}h7l-3.5,6z`)
    .join('');
  return html`<path class="line thin ${colour}" d="${path(data.points) ?? ''}"/><path class="dots ${colour}" d="${dots}"/><path class="gap" d="${gaps}"/>`;
}

function inWords({ name, data }: Named<IntervalSeries>): string {
  const [low, high] = extent(data.points.map(([, ns]) => ns));
  const gaps = data.gapsNs.length === 0 ? '' : `, ${data.gapsNs.length} gaps`;
  return `${name}: ${data.count} intervals from ${formatValue(low, 'ns')} to ${formatValue(high, 'ns')}${gaps}`;
}
