/** Where decoded code lies in the shared memory: behind guest RAM, one block of 32 KiB for every page of code. */

/**
 * A block holds 2,048 slots, one behind them that ends the page, a copy of the page as it was decoded, and a word of heat
 * for every slot (the translator's build of the interpreter counts there, and finds regions). Blocks are aligned to their size, so that a jump within a
 * page is recognised by the upper bits of a slot's address.
 */
export const CODE_PAGE = {
  blockBytes: 0x8000,
  slotsBytes: 0x4000,
  /** Within a block. */
  copy: 0x5000,
  heat: 0x6000,
  /** Guest bytes a page. */
  pageBytes: 0x1000,
} as const;

/** Blocks: the first is for instructions that are executed one by one. */
export const CODE_BLOCKS = 4096;
export const CODE_AREA_BYTES = CODE_BLOCKS * CODE_PAGE.blockBytes;

/** A word of heat: negative, and its other bits a place in the table of regions; or how often code was jumped to. */
export const HEAT = {
  region: 0x8000_0000 | 0,
  placeMask: 0x7fff_ffff,
  /** A jump target this hot is worth translating; it never gets hotter. */
  threshold: 1200,
  /** A target of an indirect jump in translated code this hot is worth being known to that code. */
  learned: 16,
} as const;

/** Address of the heat of the slot at `address`. */
export function heatOf(address: number): number {
  const at = address & (CODE_PAGE.slotsBytes - 1);
  return address - at + CODE_PAGE.heat + at / 2;
}
