/** The seam between a frontend that shows a guest a board on a memory bus and whatever owns the board. */

/** Nearer the hardware. Calls come at the guest's local time and must not block. */
export interface BoardBackend {
  /** The 32-bit register at `offset` of BAR 0, a multiple of 4, unsigned. */
  readRegister(offset: number): number;
  writeRegister(offset: number, value: number): void;
  /** A read of `offset` was not answered in time, and the guest read all ones; where the two are in different threads. */
  overdue?(offset: number): void;
}

/** Nearer the guest: the board's interrupt and its way into the guest's memory. */
export interface BoardFrontend {
  /** Connects the backend; once, before the guest starts. */
  attach(backend: BoardBackend): void;
  interrupt(level: boolean): void;
  /** Copies guest RAM at `address` to `target` from `offset` on; false, and nothing is read, when not all of it is RAM. */
  dmaRead(address: number, target: Uint8Array, offset: number, length: number): boolean;
  /** Copies `source` from `offset` on to guest RAM; false, and nothing is written, when not all of it is RAM. */
  dmaWrite(address: number, source: Uint8Array, offset: number, length: number): boolean;
}
