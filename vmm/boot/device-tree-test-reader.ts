/** A strict reader of flattened device trees, for tests: it trusts nothing of what the builder wrote. */

export interface ReadNode {
  readonly name: string;
  readonly properties: Map<string, Uint8Array>;
  readonly children: ReadNode[];
}

const decoder = new TextDecoder('utf-8', { fatal: true });

class Reader {
  readonly #view: DataView;
  #at: number;

  constructor(
    readonly blob: Uint8Array,
    readonly strings: number,
    readonly stringsEnd: number,
    start: number,
    readonly end: number,
  ) {
    this.#view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
    this.#at = start;
  }

  get done(): boolean {
    return this.#at === this.end;
  }

  cell(): number {
    if (this.#at + 4 > this.end) throw new RangeError('the structure block ends within a token');
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }

  text(at: number, end: number): string {
    const stop = this.blob.indexOf(0, at);
    if (at < 0 || stop < 0 || stop >= end) throw new RangeError(`the string at ${at} has no end`);
    return decoder.decode(this.blob.subarray(at, stop));
  }

  /** After FDT_BEGIN_NODE. */
  node(): ReadNode {
    const name = this.text(this.#at, this.end);
    this.#skip(name.length + 1);
    const node: ReadNode = { name, properties: new Map(), children: [] };
    for (;;) {
      const token = this.cell();
      if (token === 2) return node;
      if (token === 1) node.children.push(this.node());
      else if (token === 3 && node.children.length === 0) this.#property(node);
      else throw new RangeError(`token ${token} is out of place`);
    }
  }

  #property(node: ReadNode): void {
    const length = this.cell();
    const name = this.text(this.strings + this.cell(), this.stringsEnd);
    const value = this.blob.slice(this.#at, this.#at + length);
    this.#skip(length);
    if (node.properties.has(name)) throw new RangeError(`property ${name} comes twice`);
    node.properties.set(name, value);
  }

  #skip(length: number): void {
    const padded = Math.ceil(length / 4) * 4;
    for (let i = length; i < padded; i++)
      if (this.blob[this.#at + i] !== 0) throw new RangeError('padding is not zero');
    this.#at += padded;
    if (this.#at > this.end) throw new RangeError('the structure block is exceeded');
  }
}

/** Reads a blob of version 17. @throws RangeError for anything that the format does not allow. */
export function readDeviceTree(blob: Uint8Array): ReadNode {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const [magic, total, structure, strings, reservations, version, compatible] = Array.from({ length: 7 }, (_, i) =>
    view.getUint32(4 * i),
  );
  const stringsEnd = strings + view.getUint32(32);
  const structureEnd = structure + view.getUint32(36);
  if (magic !== 0xd00dfeed || version !== 17 || compatible !== 16) throw new RangeError('the header is wrong');
  if (total !== blob.length || stringsEnd > total || structureEnd > strings) throw new RangeError('blocks overlap');
  if (reservations % 8 !== 0 || structure % 4 !== 0) throw new RangeError('a block is misaligned');
  if (view.getBigUint64(reservations) !== 0n || view.getBigUint64(reservations + 8) !== 0n)
    throw new RangeError('there are memory reservations');
  const reader = new Reader(blob, strings, stringsEnd, structure, structureEnd);
  if (reader.cell() !== 1) throw new RangeError('there is no root');
  const root = reader.node();
  if (reader.cell() !== 9 || !reader.done) throw new RangeError('FDT_END is out of place');
  return root;
}

/** The node at `path`. @throws RangeError when there is none. */
export function nodeAt(root: ReadNode, path: string): ReadNode {
  let node = root;
  for (const name of path.split('/').slice(1)) {
    const child = node.children.find((c) => c.name === name);
    if (child === undefined) throw new RangeError(`there is no ${name} on the way to ${path}`);
    node = child;
  }
  return node;
}

export function cellsOf(node: ReadNode, property: string): number[] {
  const value = node.properties.get(property) ?? new Uint8Array(0);
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return Array.from({ length: value.length / 4 }, (_, i) => view.getUint32(4 * i));
}

export function stringsOf(node: ReadNode, property: string): string[] {
  return decoder.decode(node.properties.get(property)).split('\0').slice(0, -1);
}
