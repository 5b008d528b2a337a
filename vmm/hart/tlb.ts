/** The software TLB that the engines read; the slow path alone fills and empties it. */

import type { SharedWasmMemory } from '../cpu/guest-memory.js';
import { STATE, TLB } from '../cpu/state-layout.js';

const SETS = 12;
const SET_WORDS = TLB.setBytes >> 2;
const ENTRY_WORDS = TLB.entryBytes >> 2;
const ADDEND_WORD = TLB.addend >> 2;
const SPAN_WORD = TLB.span >> 2;
const PAGE_MASK = ~0xfff;

/** Set numbers, `TLB.user` and so on plus where a kind of access begins, are turned into byte offsets by `offset`. */
const KIND = { read: 0, write: 4, fetch: 8 } as const;

/** Fills under translation that are remembered, so that a flush need not touch every entry. */
const REMEMBERED = 2048;

/** Entries by the byte offset of their set, as `STATE.tlbRead` and its like hold it. */
export class SoftTlb {
  readonly #words: Int32Array;
  /** Indices of the entries under translation that were filled since the last flush; useless when there were more. */
  readonly #filled = new Int32Array(REMEMBERED);
  #fills = 0;
  /** Sets that may have entries. */
  #usedSets = 0;

  constructor(memory: SharedWasmMemory) {
    this.#words = new Int32Array(memory.buffer, STATE.tlb, SETS * SET_WORDS);
  }

  /** Byte offset of a set, for `STATE.tlbRead`, `tlbWrite` or `tlbFetch`. */
  static offset(kind: keyof typeof KIND, set: number): number {
    return STATE.tlb + (KIND[kind] + set) * TLB.setBytes;
  }

  /** Makes the set at byte offset `set` answer for the page of this address; `span` counts in fetch sets alone. */
  fill(set: number, vaLow: number, vaHigh: number, addend: number, span = 0): void {
    const index = this.#index(set, vaLow);
    this.#words[index] = vaLow & PAGE_MASK;
    this.#words[index + 1] = vaHigh;
    this.#words[index + ADDEND_WORD] = addend;
    this.#words[index + SPAN_WORD] = span;
    this.#usedSets |= 1 << ((set - STATE.tlb) / TLB.setBytes);
    if (this.#fills < REMEMBERED) this.#filled[this.#fills] = index;
    this.#fills++;
  }

  /** The addend of the page, or undefined when the set at byte offset `set` does not know it. */
  lookUp(set: number, vaLow: number, vaHigh: number): number | undefined {
    const index = this.#index(set, vaLow);
    const isHit = this.#words[index] === (vaLow & PAGE_MASK) && this.#words[index + 1] === vaHigh;
    return isHit ? this.#words[index + ADDEND_WORD] : undefined;
  }

  flushAll(): void {
    this.#words.fill(-1);
    this.#fills = 0;
    this.#usedSets = 0;
  }

  /** Entries for writes to the page at `hostPage`: it became code, and the next write to it must be seen. */
  flushWritesTo(hostPage: number): void {
    const words = this.#words;
    for (let set = KIND.write; set < KIND.fetch; set++) {
      if (((this.#usedSets >> set) & 1) === 0) continue;
      const end = (set + 1) * SET_WORDS;
      for (let index = set * SET_WORDS; index < end; index += ENTRY_WORDS) {
        if (((words[index] + words[index + ADDEND_WORD]) & PAGE_MASK) === (hostPage | 0)) this.#invalidate(index);
      }
    }
  }

  /** Entries for fetches that lead to the decoded slots at `slots`. */
  flushFetchesOf(slots: number): void {
    const words = this.#words;
    for (let index = KIND.fetch * SET_WORDS; index < words.length; index += ENTRY_WORDS) {
      if (words[index + ADDEND_WORD] === (slots | 0)) this.#invalidate(index);
    }
  }

  /** The sets for reads under translation: `mstatus.MXR` changed what they may answer. */
  flushTranslatedReads(): void {
    this.#words.fill(-1, KIND.read * SET_WORDS, (KIND.read + TLB.machine) * SET_WORDS);
  }

  /** All sets under translation: `satp` changed. */
  flushTranslated(): void {
    if (this.#fills <= REMEMBERED) {
      for (let i = 0; i < this.#fills; i++) {
        const index = this.#filled[i];
        if (((index / SET_WORDS) & TLB.machine) !== TLB.machine) this.#invalidate(index);
      }
    } else {
      for (const kind of [KIND.read, KIND.write, KIND.fetch]) {
        this.#words.fill(-1, kind * SET_WORDS, (kind + TLB.machine) * SET_WORDS);
      }
    }
    this.#fills = 0;
  }

  /** What any set has in the place of this page. */
  flushPage(vaLow: number): void {
    for (let set = 0; set < SETS; set++) this.#invalidate(this.#index(STATE.tlb + set * TLB.setBytes, vaLow));
  }

  #invalidate(index: number): void {
    this.#words[index] = -1;
    this.#words[index + 1] = -1;
  }

  #index(set: number, vaLow: number): number {
    return ((set - STATE.tlb) >> 2) + ((vaLow >>> 12) & (TLB.entries - 1)) * ENTRY_WORDS;
  }
}
