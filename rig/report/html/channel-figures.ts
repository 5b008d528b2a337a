/** The plots of report channels: latency, intervals over time and their histogram, several paths or guests in one. */

import type { ChannelDetail } from '../run-detail.js';
import { counted } from './format.js';
import { html, type Markup } from './markup.js';
import type { PageState } from './page-parts.js';
import type { Named } from './plots/frame.js';
import { histogramPlot } from './plots/histogram-plot.js';
import { intervalPlot } from './plots/interval-plot.js';
import { percentilePlot } from './plots/percentile-plot.js';

interface Channel {
  readonly name: string;
  readonly series: readonly Named<ChannelDetail>[];
}

/** Fewer intervals show nothing that the table does not. */
const FEWEST_INTERVALS = 3;

/** A block for each channel; those without latencies folded away. `provenance` stands with every block. */
export function channelFigures(
  sources: readonly Named<readonly ChannelDetail[]>[],
  provenance: string,
  state: PageState,
): Markup {
  const names = [...new Set(sources.flatMap(({ data }) => data.map(({ name }) => name)))];
  const channels: readonly Channel[] = names.map((name) => ({
    name,
    series: sources.flatMap(({ data, ...source }) =>
      data.filter((channel) => channel.name === name).map((channel) => ({ ...source, data: channel })),
    ),
  }));
  const first = channels.filter(({ series }) => series.some(({ data }) => data.latency !== undefined));
  const others = channels.filter((channel) => !first.includes(channel));
  const draw = ({ name, series }: Channel): Markup => {
    const drawn = plots(name, series, state);
    if (drawn.length === 0) return html``;
    return html`<h4>Channel ${name} <span class="soft">${provenance}</span></h4>
<div class="figures">${drawn}</div>
`;
  };
  const main = first.map(draw);
  const rest = others.map(draw);
  if (rest.every((drawn) => drawn.toString() === '')) return html`${main}`;
  const otherNames = others.map(({ name }) => name).join(', ');
  return html`${main}<details><summary>Plots of the other channels: ${otherNames}</summary>${rest}</details>
`;
}

function plots(name: string, series: readonly Named<ChannelDetail>[], state: PageState): Markup[] {
  const latencies = series.flatMap(({ data, ...source }) =>
    data.latency === undefined ? [] : [{ ...source, data: data.latency }],
  );
  const timed = series.filter(({ data }) => data.intervals.count >= FEWEST_INTERVALS);
  const wanted = [
    ...(latencies.length > 0 ? [() => percentilePlot(name, latencies)] : []),
    ...(timed.length > 0
      ? [
          () =>
            intervalPlot(
              name,
              timed.map(({ data, ...source }) => ({ ...source, data: { ...data.intervals, gapsNs: data.gapsNs } })),
            ),
          () =>
            histogramPlot(
              name,
              timed.map(({ data, ...source }) => ({ ...source, data: data.histogram })),
            ),
        ]
      : []),
  ];
  const left = state.figuresLeft;
  state.figuresLeft = Math.max(0, left - wanted.length);
  if (wanted.length <= left) return wanted.map((draw) => draw());
  return [html`<p class="soft">${counted(wanted.length, 'plot')} left out: the report has as many as it may.</p>`];
}
