/** The files through which a board in another process is reached: what UIO gives, in one folder. */

import { join } from 'node:path';

/** Where the board finds the first byte of its DMA memory. */
export const DMA_BUS_ADDRESS = 0x4000_0000;
export const DMA_BYTES = 1 << 20;

export interface SharedBoardFiles {
  /** BAR 0, one page. */
  readonly registers: string;
  readonly dma: string;
  /** A named pipe: four bytes an interrupt, and none after it until the board has been let through again. */
  readonly interrupt: string;
  /** A named pipe: four bytes let the next interrupt through. */
  readonly rearm: string;
}

export function filesOf(folder: string): SharedBoardFiles {
  return {
    registers: join(folder, 'registers'),
    dma: join(folder, 'dma'),
    interrupt: join(folder, 'interrupt'),
    rearm: join(folder, 'rearm'),
  };
}
