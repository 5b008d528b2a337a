/** Drawings that stand in a table's row: bars beside numbers, and an interval beside its limit. */

import { scaleLinear } from 'd3-scale';
import type { Measurement } from '../../../metrics/measurement.js';
import { html, type Markup } from '../markup.js';
import { type Colour, px } from './frame.js';

const WIDTH = 144;
const BAR = 6;

/** A bar for each value, the greatest as long as there is room. For the eye alone: the numbers stand beside it. */
export function bars(values: readonly { readonly value: number | null; readonly colour: Colour }[]): Markup {
  const most = Math.max(...values.map(({ value }) => Math.abs(value ?? 0)));
  if (!(most > 0) || !Number.isFinite(most)) return html``;
  const drawn = values.map(({ value, colour }, i) => {
    const length = (Math.abs(value ?? 0) / most) * WIDTH;
    return html`<rect class="bar ${colour}" y="${2 + i * (BAR + 1)}" width="${px(length)}" height="${BAR}"/>`;
  });
  return html`<svg class="bars" viewBox="0 0 ${WIDTH} ${2 + values.length * (BAR + 1)}" aria-hidden="true">${drawn}</svg>`;
}

/** One bar, as a part of `most`. */
export function bar(value: number, most: number, colour: Colour): Markup {
  if (!(most > 0)) return html``;
  const length = px((value / most) * WIDTH);
  return html`<svg class="bars" viewBox="0 0 ${WIDTH} ${BAR + 6}" aria-hidden="true"><rect class="bar ${colour}" y="4" width="${length}" height="${BAR}"/></svg>`;
}

const GLYPH_WIDTH = 112;
const GLYPH_HEIGHT = 16;

/** The limit as a band, the interval as a line, the value as a dot; nothing where they are one number. */
export function limitGlyph({ value, low, high, limit, outcome }: Measurement): Markup {
  const ends = [value, low, high, limit.min, limit.max].filter(
    (x) => x !== undefined && Number.isFinite(x),
  ) as number[];
  const from = Math.min(...ends);
  const to = Math.max(...ends);
  if (outcome === 'not-applicable' || !Number.isFinite(value) || from === to) return html``;
  const scale = scaleLinear([from, to], [10, GLYPH_WIDTH - 10]).clamp(false);
  const place = (x: number, open: number): number => (Number.isFinite(x) ? scale(x) : open);
  const limitFrom = place(limit.min ?? Number.NaN, 0);
  const limitTo = place(limit.max ?? Number.NaN, GLYPH_WIDTH);
  const limitEnds = [limit.min, limit.max].filter((x) => x !== undefined);
  const middle = GLYPH_HEIGHT / 2;
  return html`<svg class="glyph" viewBox="0 0 ${GLYPH_WIDTH} ${GLYPH_HEIGHT}" aria-hidden="true"><rect class="limit" x="${px(limitFrom)}" y="2" width="${px(limitTo - limitFrom)}" height="${GLYPH_HEIGHT - 4}"/>${limitEnds.map((x) => html`<path class="limit-end" d="M${px(scale(x))},1V${GLYPH_HEIGHT - 1}"/>`)}<path class="found" d="M${px(place(low, 0))},${middle}H${px(place(high, GLYPH_WIDTH))}"/><circle class="found-value" cx="${px(scale(value))}" cy="${middle}" r="3"/></svg>`;
}
