/** Decoded guest code of one privilege mode, with the page copies that tell at `fence.i` what has changed. */

import { createDecodedInstruction, type Decoder, isLongInstruction } from '../isa/decoder.js';
import { createRegion, OP, REGION_BYTES, REGION_SHIFT, storeDecoded, storeTrapping } from './decoded-code.js';
import type { GuestMemory } from './guest-memory.js';

export const PAGE_SHIFT = 12;
const PAGE_BYTES = 1 << PAGE_SHIFT;
/** More code than this and the cache starts anew, which bounds its memory to 80 MiB whatever the guest executes. */
const MAX_PAGES = 4096;

/** Whether the halfword at `gpa` may be fetched in the cache's privilege mode. */
export type FetchPermission = (gpa: number) => boolean;

/**
 * Decodes each instruction when it is first executed. Every decoded slot agrees with the copy of its page, so comparing
 * copies with memory finds exactly the stale pages. Without `fence.i` the guest goes on executing what was decoded.
 */
export class CodeCache {
  readonly #memory: GuestMemory;
  readonly #decoder: Decoder;
  readonly #mayFetch: FetchPermission;
  readonly #everDecoded: Uint8Array;
  /** Sparse: by region number and by page number. */
  #regions: (Int32Array | undefined)[] = [];
  #copies: (Buffer | undefined)[] = [];
  /** Numbers of the pages that have a copy. */
  #pages: number[] = [];
  /** All RAM, to compare and copy by native code. */
  readonly #ram: Buffer;
  readonly #decoded = createDecodedInstruction();

  /** `everDecoded` gets a 1 for each page that code was decoded from, and never loses it: a page without has no code here. */
  constructor(memory: GuestMemory, decoder: Decoder, everDecoded: Uint8Array, mayFetch: FetchPermission) {
    this.#memory = memory;
    this.#decoder = decoder;
    this.#everDecoded = everDecoded;
    this.#mayFetch = mayFetch;
    this.#ram = Buffer.from(memory.u8.buffer, memory.u8.byteOffset, memory.ramBytes);
  }

  /** The region that holds RAM offset `offset`, which lies in RAM. */
  region(offset: number): Int32Array {
    const number = offset >>> REGION_SHIFT;
    let region = this.#regions[number];
    if (region === undefined) {
      region = createRegion();
      this.#regions[number] = region;
    }
    return region;
  }

  /** Fills the slot of the instruction at RAM offset `offset`, which is even and lies in RAM. */
  decode(offset: number): void {
    const { ramBase, ramBytes, u16 } = this.#memory;
    if (this.#pages.length >= MAX_PAGES) this.clear();
    const gpa = ramBase + offset;
    const region = this.region(offset);
    const index = offset % REGION_BYTES;
    this.#keepPage(offset);
    if (!this.#mayFetch(gpa)) {
      storeTrapping(region, index, OP.fetchFault, gpa);
      return;
    }
    const low = u16[offset / 2];
    let word = low;
    if (isLongInstruction(low)) {
      if (offset + 2 >= ramBytes || !this.#mayFetch(gpa + 2)) {
        storeTrapping(region, index, OP.fetchFault, gpa + 2);
        return;
      }
      this.#keepPage(offset + 2);
      word |= u16[offset / 2 + 1] << 16;
    }
    this.#decoder.decode(word, this.#decoded);
    if (this.#decoded.id === 0) storeTrapping(region, index, OP.illegal, word);
    else storeDecoded(region, index, gpa - index, ramBase, this.#decoded, word);
  }

  /** `fence.i`: forgets the pages whose memory is no longer what was decoded. */
  dropChanged(): void {
    const changed = this.#pages.filter((page) => !this.#isCurrent(page));
    for (const page of changed) this.#dropPage(page);
    if (changed.length > 0) this.#pages = this.#pages.filter((page) => this.#copies[page] !== undefined);
  }

  /**
   * Forgets the instructions that touch `length` bytes from RAM offset `offset`. Nothing more, and nothing is allocated:
   * a device may write its buffer, byte by byte, in a page that holds code.
   */
  drop(offset: number, length: number): void {
    const end = offset + length;
    for (let at = offset; at < end; at = this.#pageEnd(at)) {
      const start = at - (at % PAGE_BYTES);
      const copy = this.#copies[start / PAGE_BYTES];
      if (copy === undefined) continue;
      const stop = Math.min(end, start + PAGE_BYTES);
      for (let i = at; i < stop; i++) copy[i - start] = this.#memory.u8[i];
      this.#clearSlots(at - (at % 2), stop + (stop % 2));
      this.#clearSlotBefore(at - (at % 2));
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#regions = [];
    this.#copies = [];
    this.#pages = [];
  }

  #isCurrent(page: number): boolean {
    const copy = this.#copies[page];
    const start = page * PAGE_BYTES;
    return copy !== undefined && this.#ram.compare(copy, 0, PAGE_BYTES, start, start + PAGE_BYTES) === 0;
  }

  /** Makes sure that the page has a copy which agrees with memory at the halfword `offset`. */
  #keepPage(offset: number): void {
    const page = Math.floor(offset / PAGE_BYTES);
    const start = page * PAGE_BYTES;
    const copy = this.#copies[page];
    if (copy !== undefined) {
      if (copy.readUInt16LE(offset - start) === this.#memory.u16[offset / 2]) return;
      this.#dropPage(page);
      this.#pages = this.#pages.filter((other) => other !== page);
    }
    this.#copies[page] = Buffer.from(this.#ram.subarray(start, start + PAGE_BYTES));
    this.#pages.push(page);
    this.#everDecoded[page] = 1;
  }

  #dropPage(page: number): void {
    this.#copies[page] = undefined;
    const start = page * PAGE_BYTES;
    this.#clearSlots(start, start + PAGE_BYTES);
    this.#clearSlotBefore(start);
  }

  #pageEnd(offset: number): number {
    return offset - (offset % PAGE_BYTES) + PAGE_BYTES;
  }

  /** From the even RAM offset `start` to `end`, which lie in one page. */
  #clearSlots(start: number, end: number): void {
    const index = start % REGION_BYTES;
    this.#regions[Math.floor(start / REGION_BYTES)]?.fill(OP.undecoded, index, index + end - start);
  }

  /** The instruction one halfword before `offset` may reach over it. */
  #clearSlotBefore(offset: number): void {
    if (offset > 0) this.#clearSlots(offset - 2, offset);
  }
}
