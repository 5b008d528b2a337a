/** Finds the region of guest code that begins at a hot address: its instructions, its blocks, and where they lead. */

import type { CodePages } from '../engine/code-pages.js';
import { BRANCHES, semanticsOf } from '../engine/semantics/semantics.js';
import { type DecodedInstruction, type Decoder, isLongInstruction } from '../isa/decoder.js';
import { INSTRUCTIONS, type Instruction } from '../isa/instruction-table.js';

/** An instruction at a RAM offset. */
export interface RegionInstruction extends DecodedInstruction {
  readonly offset: number;
  readonly row: Instruction;
}

/** How a block ends; offsets are RAM offsets, and one that is no block of the region leaves it. */
export type Terminator =
  /** Straight on, or `jal x0`. */
  | { readonly kind: 'jump'; readonly target: number }
  | { readonly kind: 'branch'; readonly instruction: RegionInstruction; readonly taken: number; readonly next: number }
  /** `jal` with a link register: comes back to `next` when the callee returns. */
  | { readonly kind: 'call'; readonly instruction: RegionInstruction; readonly target: number; readonly next: number }
  /** `jalr`; `targets` are where it has been seen to lead. */
  | { readonly kind: 'indirect'; readonly instruction: RegionInstruction; readonly targets: readonly number[] }
  /** The instruction at `target` is not for translated code. */
  | { readonly kind: 'leave'; readonly target: number };

export interface Block {
  readonly offset: number;
  /** Those that generated code executes one after the other; a jump, branch or call at the end is in `terminator`. */
  readonly body: readonly RegionInstruction[];
  readonly terminator: Terminator;
  /** Instructions that retire when the block is left by its terminator. */
  readonly count: number;
}

/** A region is entered at its first block alone. */
export interface Region {
  readonly entry: number;
  readonly blocks: ReadonlyMap<number, Block>;
  /** Pages of RAM that its code lies in. */
  readonly pages: ReadonlySet<number>;
  readonly instructions: number;
}

/** RAM offsets within which addresses and RAM run alike. */
export interface Span {
  readonly first: number;
  readonly end: number;
  /** Binary logarithm of the bytes mapped alike under translation; 0 where nothing is translated. */
  readonly bits: number;
}

/** A region while it is found. */
interface Search {
  readonly span: Span;
  readonly known: KnownTargets;
  readonly found: Map<number, RegionInstruction>;
  readonly leaders: Set<number>;
  readonly waiting: number[];
}

const MOST_INSTRUCTIONS = 800;
const PAGE_SHIFT = 12;

const ROWS: readonly (Instruction | undefined)[] = rowsById();

function rowsById(): (Instruction | undefined)[] {
  const rows: (Instruction | undefined)[] = [];
  for (const row of INSTRUCTIONS) if (row.length === 4) rows[row.id] = row;
  return rows;
}

/** RAM offsets of indirect jumps, and where they lead. */
export type KnownTargets = ReadonlyMap<number, readonly number[]>;

/** Finds regions in decoded pages; nothing is copied or decoded for the guest by looking. */
export class RegionFinder {
  readonly #pages: CodePages;
  readonly #decoder: Decoder;
  readonly #xlen: 32 | 64;
  readonly #isQuick: (decoded: DecodedInstruction) => boolean;
  /** Decoded instructions by page of RAM and RAM offset: regions overlap, and begin anew in code that was seen before. */
  readonly #decoded = new Map<number, Map<number, RegionInstruction>>();

  /** `isQuick` says whether generated code executes the instruction with these operands. */
  constructor(pages: CodePages, decoder: Decoder, xlen: 32 | 64, isQuick: (decoded: DecodedInstruction) => boolean) {
    this.#pages = pages;
    this.#decoder = decoder;
    this.#xlen = xlen;
    this.#isQuick = isQuick;
  }

  /** The region that begins at RAM offset `entry`, within `span`; undefined when its first instruction is none to translate. */
  find(entry: number, span: Span, known: KnownTargets): Region | undefined {
    const found = new Map<number, RegionInstruction>();
    const leaders = new Set<number>([entry]);
    const waiting = [entry];
    const search = { span, known, found, leaders, waiting };
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) this.#explore(at, search);
    const blocks = new Map<number, Block>();
    const pages = new Set<number>();
    for (const leader of leaders) {
      if (!found.has(leader)) continue;
      const block = this.#block(leader, search);
      blocks.set(leader, block);
      pages.add(leader >>> PAGE_SHIFT);
    }
    for (const { offset, length } of found.values()) {
      pages.add(offset >>> PAGE_SHIFT);
      pages.add((offset + length - 1) >>> PAGE_SHIFT);
    }
    const first = blocks.get(entry);
    if (first === undefined || first.count === 0) return undefined;
    return { entry, blocks, pages, instructions: found.size };
  }

  /** The code of a page of RAM has changed. */
  forget(page: number): void {
    this.#decoded.delete(page);
  }

  forgetAll(): void {
    this.#decoded.clear();
  }

  #explore(from: number, { span, known, found, leaders, waiting }: Search): void {
    const lead = (offset: number): void => {
      if (leaders.has(offset) || offset < span.first || offset >= span.end) return;
      leaders.add(offset);
      waiting.push(offset);
    };
    for (let at = from; !found.has(at); ) {
      if (found.size >= MOST_INSTRUCTIONS) return;
      const instruction = this.#decode(at, span);
      if (instruction === undefined) return;
      found.set(at, instruction);
      const { row, imm, rd, length } = instruction;
      if (BRANCHES.has(row.name)) {
        lead(at + length);
        lead(at + imm);
        return;
      }
      if (row.name === 'jal') {
        lead(rd === 0 ? at + imm : at + length);
        return;
      }
      if (row.name === 'jalr') {
        for (const target of known.get(at) ?? []) lead(target);
        return;
      }
      if (!this.#isQuick(instruction)) return;
      at += length;
    }
    // Runs into code that another path found: a block begins there.
  }

  #decode(offset: number, span: Span): RegionInstruction | undefined {
    const page = offset >>> PAGE_SHIFT;
    if (offset < span.first || offset + 2 > span.end || !this.#pages.has(page)) return undefined;
    const known = this.#decoded.get(page)?.get(offset);
    if (known !== undefined) return known;
    const low = this.#pages.halfword(offset);
    let bits = low;
    if (isLongInstruction(low)) {
      const next = offset + 2;
      if (next + 2 > span.end || !this.#pages.has(next >>> PAGE_SHIFT)) return undefined;
      bits |= this.#pages.halfword(next) << 16;
    }
    const decoded: DecodedInstruction = { id: 0, length: 0, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, imm: 0 };
    this.#decoder.decode(bits, decoded);
    const row = ROWS[decoded.id];
    if (row === undefined) return undefined;
    const instruction = { ...decoded, offset, row };
    // One that straddles two pages depends on both, and is decoded again.
    if ((offset + decoded.length - 1) >>> PAGE_SHIFT === page) this.#remember(page, instruction);
    return instruction;
  }

  #remember(page: number, instruction: RegionInstruction): void {
    let known = this.#decoded.get(page);
    if (known === undefined) {
      known = new Map();
      this.#decoded.set(page, known);
    }
    known.set(instruction.offset, instruction);
  }

  #block(leader: number, { found, leaders, known }: Search): Block {
    const body: RegionInstruction[] = [];
    for (let at = leader; ; ) {
      const instruction = found.get(at);
      if (instruction === undefined || (at !== leader && leaders.has(at))) {
        return { offset: leader, body, terminator: { kind: 'jump', target: at }, count: body.length };
      }
      const terminator = this.#terminator(instruction, known);
      if (terminator !== undefined) {
        const retires = terminator.kind === 'leave' ? 0 : 1;
        return { offset: leader, body, terminator, count: body.length + retires };
      }
      body.push(instruction);
      at += instruction.length;
    }
  }

  #terminator(instruction: RegionInstruction, known: KnownTargets): Terminator | undefined {
    const { row, offset, imm, length, rd } = instruction;
    const next = offset + length;
    if (BRANCHES.has(row.name)) return { kind: 'branch', instruction, taken: offset + imm, next };
    if (row.name === 'jal') {
      const target = offset + imm;
      return rd === 0 ? { kind: 'jump', target } : { kind: 'call', instruction, target, next };
    }
    if (row.name === 'jalr') return { kind: 'indirect', instruction, targets: known.get(offset) ?? [] };
    if (semanticsOf(row.name, this.#xlen) === undefined || !this.#isQuick(instruction)) {
      return { kind: 'leave', target: offset };
    }
    return undefined;
  }
}
