/** The software TLB that the engines read; the slow path alone fills and empties it. */

import type { SharedWasmMemory } from '../cpu/guest-memory.js';
import { STATE, TLB } from '../cpu/state-layout.js';

const SETS = 12;
const SET_WORDS = TLB.setBytes >> 2;
const ENTRY_WORDS = TLB.entryBytes >> 2;
const ADDEND_WORD = TLB.addend >> 2;
const PAGE_MASK = ~0xfff;

/** Set numbers, `TLB.user` and so on plus where a kind of access begins, are turned into byte offsets by `offset`. */
const KIND = { read: 0, write: 4, fetch: 8 } as const;

/** Entries by the byte offset of their set, as `STATE.tlbRead` and its like hold it. */
export class SoftTlb {
  readonly #words: Int32Array;

  constructor(memory: SharedWasmMemory) {
    this.#words = new Int32Array(memory.buffer, STATE.tlb, SETS * SET_WORDS);
  }

  /** Byte offset of a set, for `STATE.tlbRead`, `tlbWrite` or `tlbFetch`. */
  static offset(kind: keyof typeof KIND, set: number): number {
    return STATE.tlb + (KIND[kind] + set) * TLB.setBytes;
  }

  /** Makes the set at byte offset `set` answer for the page of this address. */
  fill(set: number, vaLow: number, vaHigh: number, addend: number): void {
    const index = this.#index(set, vaLow);
    this.#words[index] = vaLow & PAGE_MASK;
    this.#words[index + 1] = vaHigh;
    this.#words[index + ADDEND_WORD] = addend;
  }

  /** The addend of the page, or undefined when the set at byte offset `set` does not know it. */
  lookUp(set: number, vaLow: number, vaHigh: number): number | undefined {
    const index = this.#index(set, vaLow);
    const isHit = this.#words[index] === (vaLow & PAGE_MASK) && this.#words[index + 1] === vaHigh;
    return isHit ? this.#words[index + ADDEND_WORD] : undefined;
  }

  flushAll(): void {
    this.#words.fill(-1);
  }

  /** All sets for writes: pages became code, and the next write to them must be seen. */
  flushWrites(): void {
    this.#words.fill(-1, KIND.write * SET_WORDS, KIND.fetch * SET_WORDS);
  }

  /** The sets for fetches. */
  flushFetches(): void {
    this.#words.fill(-1, KIND.fetch * SET_WORDS);
  }

  /** The sets for reads under translation: `mstatus.MXR` changed what they may answer. */
  flushTranslatedReads(): void {
    this.#words.fill(-1, KIND.read * SET_WORDS, (KIND.read + TLB.machine) * SET_WORDS);
  }

  /** All sets under translation: `satp` changed. */
  flushTranslated(): void {
    for (const kind of [KIND.read, KIND.write, KIND.fetch]) {
      this.#words.fill(-1, kind * SET_WORDS, (kind + TLB.machine) * SET_WORDS);
    }
  }

  /** What any set has in the place of this page. */
  flushPage(vaLow: number): void {
    for (let set = 0; set < SETS; set++) {
      const index = this.#index(STATE.tlb + set * TLB.setBytes, vaLow);
      this.#words[index] = -1;
      this.#words[index + 1] = -1;
    }
  }

  #index(set: number, vaLow: number): number {
    return ((set - STATE.tlb) >> 2) + ((vaLow >>> 12) & (TLB.entries - 1)) * ENTRY_WORDS;
  }
}
