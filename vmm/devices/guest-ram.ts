/** How devices reach guest RAM: the machine's one door for DMA, where what they write is journalled. */

/**
 * Guest RAM by guest physical address, little-endian. Callers pass only ranges for which `contains` is true.
 * Calls take effect in their order, also for a guest that runs in another thread: what was written before
 * `writeU16` or `writeU32` is visible to whoever sees their value. Each write is one journal entry, so devices gather bytes first.
 */
export interface GuestRam {
  /** All of [gpa, gpa + length) is RAM; any number may be asked about. */
  contains(gpa: number, length: number): boolean;
  /** Copies `length` bytes from guest RAM to `target` at `offset`. */
  read(gpa: number, target: Uint8Array, offset: number, length: number): void;
  /** Copies `length` bytes of `source` from `offset` on to guest RAM. */
  write(gpa: number, source: Uint8Array, offset: number, length: number): void;
  readU16(gpa: number): number;
  readU32(gpa: number): number;
  writeU16(gpa: number, value: number): void;
  writeU32(gpa: number, value: number): void;
}
