/** How often which interval came: a lane for each series in common bins, counts on a logarithmic axis. */

import { formatValue } from '../../../metrics/measurement.js';
import { commonBins, type Histogram } from '../../series.js';
import { html, type Markup } from '../markup.js';
import { type Axis, countAxis, durationAxis } from './axis.js';
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
  upwards,
} from './frame.js';

const MOST_BINS = 90;
const FEWEST_BINS = 16;

/** Few samples in many bins show their gaps and not their shape. */
function binsFor(histograms: readonly Named<Histogram>[]): number {
  const most = Math.max(...histograms.map(({ data }) => data.counts.reduce((sum, count) => sum + count, 0)));
  return Math.min(MOST_BINS, Math.max(FEWEST_BINS, Math.ceil(4 * Math.sqrt(most))));
}

export function histogramPlot(subject: string, histograms: readonly Named<Histogram>[]): Markup {
  const height = lanesHeight(histograms.length);
  const box = plotBox(height);
  const bins = commonBins(
    histograms.map(({ data }) => data),
    binsFor(histograms),
  );
  const { widthNs } = bins[0];
  const low = Math.min(...bins.map(({ first }) => first)) * widthNs;
  const high = Math.max(...bins.map(({ first, counts }) => first + counts.length)) * widthNs;
  const x = durationAxis([low, high], across(box), { name: 'interval', ticks: 5 });
  const most = bins.flatMap(({ counts }) => counts).reduce((a, b) => Math.max(a, b), 1);
  const lanes = laneBoxes(box, histograms.length).map((lane, i) => {
    const y = countAxis(most, upwards(lane));
    const area = html`<path class="area ${histograms[i].colour}" d="${outline(bins[i], x, y, lane)}"/>`;
    return html`${axisLeft(i === 0 ? y : { ...y, title: '' }, lane)}${area}`;
  });
  const words = histograms.map(({ name }, i) => inWords(name, bins[i]));
  return figure(
    'Histogram of intervals',
    drawing(height, `Histogram of the intervals of ${subject}. ${words.join('; ')}.`, axisBelow(x, box), lanes),
    `in bins of ${formatValue(widthNs, 'ns')}`,
  );
}

/** Closed at the foot, so that it can be filled. */
function outline({ widthNs, first, counts }: Histogram, x: Axis, y: Axis, { bottom }: Box): string {
  let path = `M${px(x.place(first * widthNs))},${px(bottom)}`;
  let before = 0;
  counts.forEach((count, i) => {
    if (count === before) return;
    path += `H${px(x.place((first + i) * widthNs))}V${px(count === 0 ? bottom : y.place(count))}`;
    before = count;
  });
  return `${path}H${px(x.place((first + counts.length) * widthNs))}V${px(bottom)}Z`;
}

function inWords(name: string, { widthNs, first, counts }: Histogram): string {
  const most = counts.reduce((best, count, i) => (count > counts[best] ? i : best), 0);
  const from = formatValue((first + most) * widthNs, 'ns');
  const to = formatValue((first + most + 1) * widthNs, 'ns');
  return `${name}: most often from ${from} to ${to}, ${counts[most]} times`;
}
