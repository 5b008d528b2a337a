/** The plots of report channels: latency, intervals over time and their histogram, several paths or guests in one. */

import type { ChannelDetail } from '../run-detail.js';
import { counted } from './format.js';
import { html, type Markup } from './markup.js';
import type { PageState } from './page-parts.js';
import type { Named } from './plots/frame.js';
import { histogramPlot } from './plots/histogram-plot.js';
import { intervalPlot } from './plots/interval-plot.js';
import { percentilePlot } from './plots/percentile-plot.js';

/** Fewer intervals show nothing that the table does not. */
const FEWEST_INTERVALS = 3;

/** A block for each channel, those with latencies first. `provenance` stands with every block. */
export function channelFigures(
  sources: readonly Named<readonly ChannelDetail[]>[],
  provenance: string,
  state: PageState,
): Markup {
  const names = [...new Set(sources.flatMap(({ data }) => data.map(({ name }) => name)))];
  const channels = names.map((name) => ({
    name,
    series: sources.flatMap(({ data, ...source }) =>
      data.filter((channel) => channel.name === name).map((channel) => ({ ...source, data: channel })),
    ),
  }));
  const first = channels.filter(({ series }) => series.some(({ data }) => data.latency !== undefined));
  return html`${[...first, ...channels.filter((channel) => !first.includes(channel))].map(({ name, series }) => {
    const drawn = plots(name, series, state);
    if (drawn.length === 0) return html``;
    return html`<h4>Channel ${name}</h4>
<p class="soft">${provenance}</p>
<div class="figures">${drawn}</div>
`;
  })}`;
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
