/** Builder for flattened device trees (Devicetree Specification 0.4, chapter 5: format version 17). */

import { VmmError } from '../errors.js';

const FDT_MAGIC = 0xd00dfeed;
const FDT_VERSION = 17;
const FDT_LAST_COMPATIBLE_VERSION = 16;
const FDT_BEGIN_NODE = 1;
const FDT_END_NODE = 2;
const FDT_PROP = 3;
const FDT_END = 9;
const HEADER_BYTES = 40;
const RESERVATION_BYTES = 16;

/** Section 2.2.1: name and unit address. */
const NODE_NAME = /^[A-Za-z][0-9A-Za-z,._+-]{0,30}(@[0-9A-Za-z,._+-]{1,64})?$/;
/** Section 2.2.4. */
const PROPERTY_NAME = /^[0-9A-Za-z,._+?#-]{1,31}$/;

const encoder = new TextEncoder();

/** A node under construction. Properties and children keep the order in which they were added. */
export class DeviceTreeNode {
  readonly children: DeviceTreeNode[] = [];
  readonly properties = new Map<string, Uint8Array>();

  /** For `DeviceTree` and `node`, which check the name. */
  constructor(
    readonly name: string,
    /** Full path, `/` for the root. */
    readonly path: string,
  ) {}

  /** Adds a child. @throws VmmError `VMM_CONFIG` for a name that is not well-formed or already there. */
  node(name: string): DeviceTreeNode {
    if (!NODE_NAME.test(name)) throw invalid(`'${name}' is not a device tree node name`, this.path);
    if (this.children.some((child) => child.name === name)) throw invalid(`node '${name}' exists already`, this.path);
    const child = new DeviceTreeNode(name, this.path === '/' ? `/${name}` : `${this.path}/${name}`);
    this.children.push(child);
    return child;
  }

  /** Sets a property to raw bytes. @throws VmmError `VMM_CONFIG` for a name that is not well-formed. */
  bytes(name: string, value: Uint8Array): this {
    if (!PROPERTY_NAME.test(name)) throw invalid(`'${name}' is not a device tree property name`, this.path);
    this.properties.set(name, value);
    return this;
  }

  /** A property whose presence is its value. */
  empty(name: string): this {
    return this.bytes(name, new Uint8Array(0));
  }

  /** `<cell cell …>`: unsigned 32-bit integers. */
  cells(name: string, ...cells: readonly number[]): this {
    const value = new Uint8Array(4 * cells.length);
    const view = new DataView(value.buffer);
    cells.forEach((cell, i) => {
      if (!Number.isInteger(cell) || cell < 0 || cell > 0xffff_ffff)
        throw invalid(`property '${name}': ${cell} does not fit into 32 bits`, this.path);
      view.setUint32(4 * i, cell);
    });
    return this.bytes(name, value);
  }

  /** Pairs of 64-bit address and 64-bit length, as `reg` wants them under a node with two cells for each. */
  ranges64(name: string, ...values: readonly number[]): this {
    const cells: number[] = [];
    for (const value of values) {
      if (!Number.isSafeInteger(value) || value < 0)
        throw invalid(`property '${name}': ${value} is not an address or length`, this.path);
      cells.push(Math.floor(value / 0x1_0000_0000), value % 0x1_0000_0000);
    }
    return this.cells(name, ...cells);
  }

  /** `"string", "string", …`. @throws VmmError `VMM_CONFIG` for a string with a NUL. */
  strings(name: string, ...strings: readonly string[]): this {
    if (strings.some((text) => text.includes('\0')))
      throw invalid(`property '${name}' has a NUL in its text`, this.path);
    return this.bytes(name, encoder.encode(strings.map((text) => `${text}\0`).join('')));
  }
}

function invalid(message: string, path: string): VmmError {
  return new VmmError('VMM_CONFIG', message, { where: path });
}

/** Property names, each stored once. */
class StringTable {
  readonly #offsets = new Map<string, number>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.#length;
    this.#offsets.set(text, offset);
    this.#length += text.length + 1;
    return offset;
  }

  writeTo(target: Uint8Array, at: number): void {
    for (const [text, offset] of this.#offsets) encoder.encodeInto(text, target.subarray(at + offset));
  }
}

/** A growing sequence of big-endian cells. */
class StructureBlock {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  cell(value: number): void {
    this.#grow(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
  }

  /** Appends `bytes` and zeroes up to the next cell. */
  padded(bytes: Uint8Array): void {
    const length = Math.ceil(bytes.length / 4) * 4;
    this.#grow(length);
    this.#bytes.set(bytes, this.#length);
    this.#length += length;
  }

  #grow(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * (this.#length + length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** A device tree: build it from `root`, then turn it into a blob. */
export class DeviceTree {
  readonly root = new DeviceTreeNode('', '/');
  #lastPhandle = 0;

  /** A phandle that no node of this tree has yet; gives it to `node`. */
  phandle(node: DeviceTreeNode): number {
    const phandle = ++this.#lastPhandle;
    node.cells('phandle', phandle);
    return phandle;
  }

  /** The blob; `bootCpuId` is the `reg` of the hart that boots. */
  toBlob(bootCpuId = 0): Uint8Array {
    const names = new StringTable();
    const structure = new StructureBlock();
    writeNode(this.root, structure, names);
    structure.cell(FDT_END);
    const structureAt = HEADER_BYTES + RESERVATION_BYTES;
    const stringsAt = structureAt + structure.bytes.length;
    const blob = new Uint8Array(Math.ceil((stringsAt + names.length) / 8) * 8);
    const header = [
      FDT_MAGIC,
      blob.length,
      structureAt,
      stringsAt,
      HEADER_BYTES,
      FDT_VERSION,
      FDT_LAST_COMPATIBLE_VERSION,
      bootCpuId,
      names.length,
      structure.bytes.length,
    ];
    const view = new DataView(blob.buffer);
    header.forEach((cell, i) => {
      view.setUint32(4 * i, cell);
    });
    blob.set(structure.bytes, structureAt);
    names.writeTo(blob, stringsAt);
    return blob;
  }
}

function writeNode(node: DeviceTreeNode, structure: StructureBlock, names: StringTable): void {
  structure.cell(FDT_BEGIN_NODE);
  structure.padded(encoder.encode(`${node.name}\0`));
  for (const [name, value] of node.properties) {
    structure.cell(FDT_PROP);
    structure.cell(value.length);
    structure.cell(names.add(name));
    structure.padded(value);
  }
  for (const child of node.children) writeNode(child, structure, names);
  structure.cell(FDT_END_NODE);
}
