/** The frame of every plot: axes, grid and titles around what is drawn, scaled by its container. */

import { type Content, html, type Markup } from '../markup.js';
import type { Axis, Span } from './axis.js';

/** Colour of a series, by a class of the style sheet. */
export type Colour = 'c0' | 'c1' | 'c2' | 'c3';

/** A series with the name and colour of the path it was taken on. */
export interface Named<T> {
  readonly name: string;
  readonly colour: Colour;
  readonly data: T;
}

/** Made for a column of about this width, so that letters keep their size; narrower ones shrink it a little. */
export const WIDTH = 380;

export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Height of one of several parts of a plot that stand below each other. */
export const LANE = 74;
const LANES_GAP = 10;

/** Height of a plot with so many lanes; a single one is as high as two. */
export function lanesHeight(lanes: number): number {
  return 56 + (lanes === 1 ? 2 * LANE : lanes * LANE + (lanes - 1) * LANES_GAP);
}

/** The boxes of the lanes in the box of a plot, from the top. */
export function laneBoxes(box: Box, lanes: number): Box[] {
  const height = lanes === 1 ? 2 * LANE : LANE;
  return Array.from({ length: lanes }, (_, i) => {
    const top = box.top + i * (height + LANES_GAP);
    return { ...box, top, bottom: top + height };
  });
}

/** Inside of a plot of that height: room for the tick texts at the left and below. */
export function plotBox(height: number): Box {
  return { left: 50, right: WIDTH - 18, top: 20, bottom: height - 36 };
}

/** Horizontal places of a box. */
export function across({ left, right }: Box): Span {
  return [left, right];
}

/** Vertical places of a box, from its foot up. */
export function upwards({ top, bottom }: Box): Span {
  return [bottom, top];
}

/** One decimal is finer than a screen shows. */
export function px(place: number): string {
  return String(Math.round(place * 10) / 10);
}

/** The drawing as an image with a text that says what it shows. */
export function drawing(height: number, alternative: string, ...content: readonly Content[]): Markup {
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${alternative}">${content}</svg>`;
}

/** Ticks below and a faint line up from each. */
export function axisBelow(axis: Axis, box: Box): Markup {
  const ticks = axis.ticks.map(({ at, text }) => {
    const x = px(axis.place(at));
    return html`<path class="grid" d="M${x},${px(box.top)}V${px(box.bottom)}"/><text x="${x}" y="${px(box.bottom + 14)}" text-anchor="middle">${text}</text>`;
  });
  const middle = px((box.left + box.right) / 2);
  return html`${ticks}<path class="axis" d="M${px(box.left)},${px(box.bottom)}H${px(box.right)}"/><text class="title" x="${middle}" y="${px(box.bottom + 30)}" text-anchor="middle">${axis.title}</text>`;
}

/** Ticks at the left, a faint line from each, and the title above them. */
export function axisLeft(axis: Axis, box: Box, titleY = 11): Markup {
  const ticks = axis.ticks.map(({ at, text }) => {
    const y = axis.place(at);
    return html`<path class="grid" d="M${px(box.left)},${px(y)}H${px(box.right)}"/><text x="${px(box.left - 6)}" y="${px(y + 3.5)}" text-anchor="end">${text}</text>`;
  });
  return html`${ticks}<text class="title" x="4" y="${titleY}">${axis.title}</text>`;
}

/** A drawing with its caption. */
export function figure(title: string, picture: Markup, caption: string): Markup {
  return html`<figure><figcaption><strong>${title}</strong> <span>${caption}</span></figcaption>${picture}</figure>`;
}

/** Names the colours; nothing when there is one series. */
export function legend(series: readonly Named<unknown>[]): Markup {
  if (series.length < 2) return html``;
  const items = series.map(
    ({ name, colour }) =>
      html`<li><svg viewBox="0 0 18 8" aria-hidden="true"><path class="swatch ${colour}" d="M1,4H17"/></svg>${name}</li>`,
  );
  return html`<ul class="legend">${items}</ul>`;
}
