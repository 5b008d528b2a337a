/** Percentile curves over the axis 1/(1-p), one above the other. */

import { line } from 'd3-shape';
import { formatValue } from '../../../metrics/measurement.js';
import type { CurvePoint, PercentileCurve } from '../../series.js';
import { html, type Markup } from '../markup.js';
import { durationAxis, extent, percentileAxis } from './axis.js';
import { across, axisBelow, axisLeft, drawing, figure, lanesHeight, type Named, plotBox, upwards } from './frame.js';

const LEAST_HEIGHT = 236;

/** Above this percentile no order statistic bounds the quantile from above with 95 % confidence. */
function boundedUpTo(count: number): number {
  return 0.05 ** (1 / count);
}

export function percentilePlot(subject: string, curves: readonly Named<PercentileCurve>[]): Markup {
  // As high as the lanes of the plots beside it.
  const height = Math.max(LEAST_HEIGHT, lanesHeight(curves.length));
  const box = plotBox(height);
  const points = curves.flatMap(({ data }) => data.points);
  const [, greatestP] = extent(points.map(([p]) => p));
  const x = percentileAxis(greatestP, across(box));
  const values = extent(points.map(([, ns]) => ns));
  const y = durationAxis(values, upwards(box), { name: 'latency', ticks: 5, fromZero: true, mayBeLog: true });
  const path = line<CurvePoint>(
    ([p]) => x.place(p),
    ([, ns]) => y.place(ns),
  ).digits(1);
  const drawn = curves.map(({ colour, data }) => {
    const end = boundedUpTo(data.count);
    const sure = data.points.filter(([p]) => p <= end);
    const unsure = data.points.slice(Math.max(0, sure.length - 1));
    return html`<path class="line ${colour}" d="${path(sure) ?? ''}"/><path class="line unsure ${colour}" d="${path(unsure) ?? ''}"/>`;
  });
  const alternative = `Latency of ${subject} by percentile. ${curves.map(curveInWords).join('; ')}.`;
  return figure(
    'Latency',
    drawing(height, alternative, axisBelow(x, box), axisLeft(y, box), drawn),
    'by percentile; dashed where there are too few samples to bound it from above',
  );
}

function curveInWords({ name, data }: Named<PercentileCurve>): string {
  const at = (p: number): string => {
    // Points stand in the middle of their steps.
    const half = 0.5 / data.count + Number.EPSILON;
    const found = data.points.find((point) => point[0] >= p - half) ?? data.points[data.points.length - 1];
    return formatValue(Number(found[1].toPrecision(3)), 'ns');
  };
  return `${name}: median ${at(0.5)}, 99 % ${at(0.99)}, greatest ${at(1)}, ${data.count} samples`;
}
