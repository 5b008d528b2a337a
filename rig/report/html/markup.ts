/** HTML as a type of its own: whatever is not marked up already is escaped when it goes in. */

/** Text that may stand in a document as it is. Made by `html` and `trusted` alone. */
export class Markup {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

export type Content = Markup | string | number | undefined | readonly Content[];

/** A piece of a document. Every inserted text is escaped, for content and for quoted attributes; lists are joined. */
export function html(literals: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = literals[0];
  values.forEach((value, i) => {
    text += render(value) + literals[i + 1];
  });
  return new Markup(text);
}

/** Marks a constant of the program as HTML. Never for anything that comes from a plan, a profile, a device or a guest. */
export function trusted(constant: string): Markup {
  return new Markup(constant);
}

function render(content: Content): string {
  if (content === undefined) return '';
  if (content instanceof Markup) return content.toString();
  if (typeof content === 'object') return content.map(render).join('');
  return escapeText(String(content));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

// HTML knows no control characters but tab and line ends; those that turn the direction of text could hide what it says.
const INVISIBLE = /[\p{Cc}\p{Cs}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu;

/** Safe as content and in quoted attributes. Invisible characters are shown: controls as their pictures, others as U+FFFD. */
export function escapeText(text: string): string {
  return text.replace(INVISIBLE, visible).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

const CONTROL_PICTURES = 0x2400;

function visible(character: string): string {
  if (character === '\n' || character === '\t') return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(CONTROL_PICTURES + code);
  return code === 0x7f ? '\u2421' : '\uFFFD';
}

/** The start of a text that may be long, and how long it is. */
export function clip(text: string, most = 2000): string {
  return text.length <= most ? text : `${text.slice(0, most)} [... ${text.length - most} characters more]`;
}

/** A file beside the report, as a link: its path relative to the report, with `/`. */
export function fileLink(path: string, text: Content): Markup {
  // A path with a colon in front of its first slash would be taken for a scheme.
  return html`<a href="./${path.split('/').map(encodePart).join('/')}">${text}</a>`;
}

function encodePart(part: string): string {
  return encodeURIComponent(part.replace(/\p{Cs}/gu, '\uFFFD'));
}
