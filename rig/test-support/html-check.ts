/** A strict reader for the HTML that the report writes: what it does not know, it refuses. */

import { expect } from 'chai';

export interface HtmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: HtmlElement[];
  /** Of this element alone. */
  text: string;
}

const VOID = new Set(['meta']);
const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*)(\/?)>/y;
const ATTRIBUTE = /([a-zA-Z-]+)(?:="([^"]*)")?/g;
const ENTITY = /&(?!(?:amp|lt|gt|quot|#39);)/;

/**
 * The document as a tree. Fails on a tag that is not closed where it should be, a `<`, `>` or `&` outside of tags and
 * entities, and an attribute without double quotes: any of these would be a text that went in without being escaped.
 */
export function parseHtml(text: string): HtmlElement {
  const doctype = '<!DOCTYPE html>\n';
  expect(text.startsWith(doctype), 'a doctype').to.equal(true);
  const root: HtmlElement = { name: '#document', attributes: {}, children: [], text: '' };
  const open = [root];
  let at = doctype.length;
  while (at < text.length) {
    const current = open[open.length - 1];
    const end = current.name === 'style' ? text.indexOf('</style>', at) : text.indexOf('<', at);
    const stop = end < 0 ? text.length : end;
    const between = text.slice(at, stop);
    if (current.name !== 'style' && (ENTITY.test(between) || between.includes('>')))
      throw new Error(`not escaped: ${between.slice(0, 200)}`);
    current.text += decode(between);
    at = stop;
    if (at < text.length) at = readTag(text, at, open);
  }
  expect(
    open.map(({ name }) => name),
    'every element is closed',
  ).to.deep.equal(['#document']);
  return root;
}

function readTag(text: string, at: number, open: HtmlElement[]): number {
  TAG.lastIndex = at;
  const tag = TAG.exec(text);
  if (tag === null) throw new Error(`not a tag: ${text.slice(at, at + 200)}`);
  const [all, slash, name, attributes, closed] = tag;
  if (ENTITY.test(attributes)) throw new Error(`not escaped: ${all}`);
  if (slash === '/') {
    const last = open.pop();
    if (last?.name !== name) throw new Error(`</${name}> closes <${last?.name}>: ${text.slice(at - 200, at)}`);
  } else {
    const element: HtmlElement = {
      name,
      attributes: Object.fromEntries(
        [...attributes.matchAll(ATTRIBUTE)].map(([, key, value]) => [key, decode(value ?? '')]),
      ),
      children: [],
      text: '',
    };
    open[open.length - 1].children.push(element);
    if (closed === '' && !VOID.has(name)) open.push(element);
  }
  return at + all.length;
}

const CHARACTERS: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function decode(text: string): string {
  return text.replace(/&([a-z0-9#]+);/g, (entity, name: string) => CHARACTERS[name] ?? entity);
}

/** Every element below, in the order of the text. */
export function* elementsOf(element: HtmlElement): Generator<HtmlElement> {
  for (const child of element.children) {
    yield child;
    yield* elementsOf(child);
  }
}

/** The text of an element and all below it. */
export function textOf(element: HtmlElement): string {
  return element.text + element.children.map(textOf).join(' ');
}

/**
 * What holds for every report: no script, nothing fetched, no handler of events; ids are unique and links within the page
 * lead somewhere; tables have captions and heads, images say what they show. Answers the links to files.
 */
export function expectSoundReport(root: HtmlElement): string[] {
  const all = [...elementsOf(root)];
  const forbidden = ['script', 'iframe', 'object', 'embed', 'link', 'img', 'base', 'form', 'foreignObject', 'use'];
  expect(all.filter(({ name }) => forbidden.includes(name))).to.deep.equal([]);
  const names = new Set(all.flatMap(({ attributes }) => Object.keys(attributes)));
  expect([...names].filter((name) => name.startsWith('on') || name === 'src' || name === 'style')).to.deep.equal([]);
  const ids = all.flatMap(({ attributes: { id } }) => id ?? []);
  expect(ids, 'ids').to.deep.equal([...new Set(ids)]);
  const links = all.flatMap(({ attributes: { href } }) => href ?? []);
  const within = links.filter((href) => href.startsWith('#'));
  expect(within.filter((href) => !ids.includes(href.slice(1)))).to.deep.equal([]);
  const files = links.filter((href) => !href.startsWith('#'));
  expect(files.filter((href) => !/^\.\/[^:?#]+$/.test(href))).to.deep.equal([]);
  for (const table of all.filter(({ name }) => name === 'table'))
    expect(table.children.map(({ name }) => name).slice(0, 2)).to.deep.equal(['caption', 'thead']);
  for (const svg of all.filter(({ name }) => name === 'svg'))
    expect(svg.attributes['aria-hidden'] === 'true' || (svg.attributes['aria-label'] ?? '').length > 20).to.equal(true);
  return files;
}
