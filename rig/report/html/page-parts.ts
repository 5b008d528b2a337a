/** Small parts that every section of the report is made of. */

import type { ErrorRecord, Verdict } from '../../verdict/verdict.js';
import { type Content, clip, html, type Markup } from './markup.js';

/** What the sections share while one report is made. */
export interface PageState {
  /** Plots are large; a session with very many cells draws those of the first ones. */
  figuresLeft: number;
}

export function badge(verdict: Verdict): Markup {
  return html`<span class="badge v-${verdict.toLowerCase()}">${verdict}</span>`;
}

/** A table that scrolls sideways within the page where it is too wide. `caption` names it for everybody. */
export function tableBox(caption: string, head: readonly Column[], bodies: Content): Markup {
  const heads = head.map(
    ({ title, numeric }) => html`<th scope="col"${numeric === true ? html` class="number"` : ''}>${title}</th>`,
  );
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table><caption><span>${caption}</span></caption><thead><tr>${heads}</tr></thead>${bodies}</table></div>
`;
}

export interface Column {
  readonly title: string;
  /** Set right, so that digits stand below digits. */
  readonly numeric?: boolean;
}

/** A value with what bounds it in small print. */
export function numberCell(value: string, interval = ''): Markup {
  const small = interval === '' ? '' : html`<span class="interval">${interval}</span>`;
  return html`<td class="number">${value}${small}</td>`;
}

/** Terms and what they are. */
export function facts(entries: readonly (readonly [term: string, what: Content])[]): Markup {
  return html`<dl class="facts">${entries.map(([term, what]) => html`<dt>${term}</dt><dd>${what}</dd>`)}</dl>
`;
}

export interface TroubleFrame {
  /** What stands before the layer, for example a badge. */
  readonly head?: Content;
  readonly places?: Content;
}

/** What went wrong, with the layer it went wrong in, its place and what to do. */
export function trouble(
  verdict: Verdict,
  message: string,
  error: ErrorRecord | undefined,
  { head, places }: TroubleFrame = {},
): Markup {
  const layer = error === undefined ? '' : html`<span class="soft">${error.layer} layer, ${error.code}</span>`;
  const where = error?.where === undefined ? '' : html`<p class="soft">at ${clip(error.where)}</p>`;
  const hint = error?.hint === undefined ? '' : html`<p>To do: ${clip(error.hint)}</p>`;
  return html`<div class="trouble v-${verdict.toLowerCase()}">${head}${layer}<p>${clip(message)}</p>${where}${hint}${places}</div>
`;
}
