/** The pages of guest code that are decoded: their snapshots, their blocks of slots, and what has changed under them. */

import { CODE_BLOCKS, CODE_PAGE, heatOf } from '../cpu/code-page-layout.js';
import { OPERATION } from '../cpu/decoded-slot.js';
import type { GuestMemory } from '../cpu/guest-memory.js';
import { type DecodedInstruction, type Decoder, isLongInstruction } from '../isa/decoder.js';
import { encodeSlot } from './encode-slot.js';

const PAGE_SHIFT = 12;
const PAGE_BYTES = CODE_PAGE.pageBytes;
const BLOCK_SHIFT = 15;
/** Bytes of a page that are compared at once. */
const PIECE_BYTES = 256;
/** Instructions decoded ahead of the one that is needed. */
const AHEAD = 32;

/** What has to follow when decoded code comes or goes. */
export interface CodePageEvents {
  /** The page of RAM holds code from now on: no TLB entry may let a store to it pass unseen. */
  protect(page: number): void;
  /** Some of the page's code is decoded anew from now on: what was made of it is out of date. */
  changed(page: number): void;
  /** The page has no slots any more: nothing may lead to those that were at `slots`. */
  emptied(slots: number): void;
}

/**
 * A page is copied whole when its first instruction is executed, and decoded from that copy: what the guest executes
 * depends on what it has executed and on `fence.i`, never on how far an engine looked ahead. A store to a page of code
 * marks it (`written`); `fence.i` then compares marked pages with their copies and forgets what differs.
 */
export class CodePages {
  /** By page of RAM: 1 while it holds code that no store has touched. Generated code looks here before it stores. */
  readonly state: Uint8Array;
  readonly #decoder: Decoder;
  readonly #events: CodePageEvents;
  readonly #ram: Buffer;
  readonly #words: Int32Array;
  readonly #ramWords: Int32Array;
  readonly #areaOffset: number;
  /** By page of RAM: its block, or 0. */
  readonly #blockOf: Int32Array;
  /** By block: its page of RAM. */
  readonly #pageOf = new Int32Array(CODE_BLOCKS);
  /** The area of the blocks: their copies are compared and read here. */
  readonly #area: Buffer;
  /** Blocks given out so far; block 0 is for instructions that are executed one by one. */
  #used = 1;
  readonly #free: number[] = [];
  readonly #marked = new Set<number>();
  readonly #decoded: DecodedInstruction = { id: 0, length: 0, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, imm: 0 };

  constructor(memory: GuestMemory, decoder: Decoder, events: CodePageEvents) {
    this.#decoder = decoder;
    this.#events = events;
    const { buffer } = memory.memory;
    this.#ram = Buffer.from(buffer, memory.u8.byteOffset, memory.ramBytes);
    this.#areaOffset = memory.codeAreaOffset;
    this.#area = Buffer.from(buffer, this.#areaOffset, CODE_BLOCKS * CODE_PAGE.blockBytes);
    this.#words = new Int32Array(buffer, this.#areaOffset, (CODE_BLOCKS * CODE_PAGE.blockBytes) / 4);
    this.#ramWords = memory.i32;
    this.state = new Uint8Array(buffer, memory.codeStateOffset, memory.ramBytes >>> PAGE_SHIFT);
    this.#blockOf = new Int32Array(memory.ramBytes >>> PAGE_SHIFT);
  }

  /** Address of the slots of the page of RAM, which is copied now if it was not. */
  slots(page: number): number {
    let block = this.#blockOf[page];
    if (block === 0) {
      block = this.#allocate();
      this.#blockOf[page] = block;
      this.#pageOf[block] = page;
      this.#ram.copy(this.#area, copyOf(block), page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      this.#words[this.#wordOf(block) + CODE_PAGE.slotsBytes / 4] = OPERATION.pageEnd;
      this.state[page] = 1;
      this.#events.protect(page);
    }
    return this.#areaOffset + block * CODE_PAGE.blockBytes;
  }

  /** Whether the page of RAM has been copied. */
  has(page: number): boolean {
    return this.#blockOf[page] !== 0;
  }

  /** Page of RAM and byte within it that the slot at `address` stands for, as one RAM offset. */
  offsetOf(address: number): number {
    const at = address - this.#areaOffset;
    const block = at >>> BLOCK_SHIFT;
    return this.#pageOf[block] * PAGE_BYTES + ((at & (CODE_PAGE.slotsBytes - 1)) >>> 2);
  }

  /** The halfword of the copy at an even RAM offset, whose page has been copied. */
  halfword(offset: number): number {
    return this.#area.readUInt16LE(copyOf(this.#blockOf[offset >>> PAGE_SHIFT]) + (offset & (PAGE_BYTES - 1)));
  }

  /** Decodes the instruction of the slot at `address`, and some behind it. */
  decode(address: number): void {
    let index = (address - this.#areaOffset) >>> 2;
    const copyAt = copyOf((index * 4) >>> BLOCK_SHIFT);
    let offset = ((index * 4) & (CODE_PAGE.slotsBytes - 1)) >>> 2;
    for (let i = 0; i < AHEAD && offset < PAGE_BYTES && this.#words[index] === OPERATION.undecoded; i++) {
      const low = this.#area.readUInt16LE(copyAt + offset);
      const isLong = isLongInstruction(low);
      if (isLong && offset + 2 === PAGE_BYTES) {
        this.#words[index] = OPERATION.straddling;
        return;
      }
      const bits = isLong ? this.#area.readInt32LE(copyAt + offset) : low;
      this.#encode(bits, index);
      const bytes = isLong ? 4 : 2;
      index += bytes;
      offset += bytes;
    }
  }

  /** Decodes `bits` into the slot that is executed alone; returns its address. */
  single(bits: number): number {
    this.#encode(bits, 0);
    return this.#areaOffset;
  }

  /** Writes a slot that only faults, to be executed alone; returns its address. */
  singleFault(): number {
    this.#words[0] = OPERATION.fetchFault;
    return this.#areaOffset;
  }

  #encode(bits: number, index: number): void {
    this.#decoder.decode(bits, this.#decoded);
    encodeSlot(this.#decoded, bits, this.#words, index);
  }

  /** The heat of the slot at `address`: a `HEAT`. */
  heat(address: number): number {
    return this.#words[(heatOf(address) - this.#areaOffset) >>> 2];
  }

  setHeat(address: number, heat: number): void {
    this.#words[(heatOf(address) - this.#areaOffset) >>> 2] = heat;
  }

  /** A store reaches the page, which holds code: nobody looks at stores to it until the next `fence.i`. */
  written(page: number): void {
    this.state[page] = 0;
    this.#marked.add(page);
  }

  /** A fence from outside, after writes that nobody has told of: any page may have changed. */
  synchronizeAll(): void {
    for (let block = 1; block < this.#used; block++) {
      const page = this.#pageOf[block];
      if (this.#blockOf[page] === block) this.#marked.add(page);
    }
    this.synchronize();
  }

  /** `fence.i`: what has changed in the marked pages is decoded anew from now on, and they are protected again. */
  synchronize(): void {
    if (this.#marked.size === 0) return;
    for (const page of this.#marked) {
      const block = this.#blockOf[page];
      if (block === 0) continue;
      this.#refresh(page, block);
      this.state[page] = 1;
      this.#events.protect(page);
    }
    this.#marked.clear();
  }

  /** `length` bytes at RAM offset `offset` were written from outside: the copies follow at once. */
  changed(offset: number, length: number): void {
    const end = offset + length;
    for (let at = offset; at < end; ) {
      const page = at >>> PAGE_SHIFT;
      const stop = Math.min(end, (page + 1) * PAGE_BYTES);
      if (this.#blockOf[page] !== 0) this.#changedInPage(page, at, stop);
      at = stop;
    }
    // An instruction that straddles into the range is never kept decoded.
  }

  /** Forgets everything. */
  clear(): void {
    for (let block = 1; block < this.#used; block++) {
      const page = this.#pageOf[block];
      if (this.#blockOf[page] === block) this.#drop(page);
    }
    this.#marked.clear();
  }

  #changedInPage(page: number, from: number, to: number): void {
    const block = this.#blockOf[page];
    const start = page * PAGE_BYTES;
    const copyAt = copyOf(block);
    if (this.#ram.compare(this.#area, copyAt + from - start, copyAt + to - start, from, to) === 0) return;
    this.#ram.copy(this.#area, copyAt + from - start, from, to);
    // The halfword before may begin an instruction that reaches into the range.
    const first = Math.max(0, ((from - start) & ~1) - 2);
    const base = this.#wordOf(block);
    for (let i = first; i < to - start; i += 2) this.#words[base + i] = OPERATION.undecoded;
    // Translated code was read from the copy, whether its slots are decoded or not.
    this.#events.changed(page);
  }

  /** The copy becomes what memory is now; instructions that touch changed words are forgotten, the others stay. */
  #refresh(page: number, block: number): void {
    const copyAt = copyOf(block);
    const at = page * PAGE_BYTES;
    let hasChanged = false;
    // Native code finds the pieces that differ.
    for (let piece = 0; piece < PAGE_BYTES; piece += PIECE_BYTES) {
      const end = piece + PIECE_BYTES;
      if (this.#ram.compare(this.#area, copyAt + piece, copyAt + end, at + piece, at + end) === 0) continue;
      this.#refreshPiece(page, block, piece / 4);
      hasChanged = true;
    }
    if (hasChanged) this.#events.changed(page);
  }

  /** Words of the page from number `first` on. */
  #refreshPiece(page: number, block: number, first: number): void {
    const words = this.#words;
    const base = this.#wordOf(block);
    const copy = base + CODE_PAGE.copy / 4;
    const ram = page * (PAGE_BYTES / 4);
    for (let i = first; i < first + PIECE_BYTES / 4; i++) {
      if (words[copy + i] === this.#ramWords[ram + i]) continue;
      words[copy + i] = this.#ramWords[ram + i];
      // The halfword before may begin an instruction that reaches into the word.
      for (let offset = Math.max(0, 4 * i - 2); offset < 4 * i + 4; offset += 2)
        words[base + offset] = OPERATION.undecoded;
    }
  }

  #drop(page: number): void {
    const block = this.#blockOf[page];
    const base = this.#wordOf(block);
    this.#words.fill(0, base, base + CODE_PAGE.blockBytes / 4);
    this.#blockOf[page] = 0;
    this.state[page] = 0;
    this.#free.push(block);
    this.#events.changed(page);
    this.#events.emptied(this.#areaOffset + block * CODE_PAGE.blockBytes);
  }

  #allocate(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#used === CODE_BLOCKS) {
      this.clear();
      return this.#allocate();
    }
    return this.#used++;
  }

  #wordOf(block: number): number {
    return (block * CODE_PAGE.blockBytes) / 4;
  }
}

/** Where a block's copy of its page begins in the area. */
function copyOf(block: number): number {
  return block * CODE_PAGE.blockBytes + CODE_PAGE.copy;
}
