/** What a mapped board asks of the one file that knows its registers. */

import type { BoardMemory } from '../board-port.js';

/** The board's interrupt on its way to the host. */
export interface MappedLine {
  /** Shows the host another level. */
  set(level: boolean): void;
  /** Lets the board's next interrupt through, or the present one if its line is still high. */
  rearm(): void;
}

/** Between a host's register accesses and a board whose registers and DMA memory are mapped. Offsets are multiples of 4. */
export interface RegisterTranslation {
  /** Idle, with everything that a former host left undone. Called once, before anything else. */
  attach(memory: BoardMemory, line: MappedLine): void;
  read(offset: number): number;
  write(offset: number, value: number): void;
  /** The board's interrupt came, and no other comes before `rearm`. */
  interrupted(): void;
  /** Ends the board's DMA; the line is low without a call. */
  stop(): void;
}
