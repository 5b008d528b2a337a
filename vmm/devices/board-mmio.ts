/** The board of a hosted guest: every register access is an exit, its DMA goes through the door of guest RAM. */

import type { InterruptLine, MmioDevice } from '../bus/mmio-device.js';
import { dmaRead, dmaWrite } from './board-dma.js';
import type { BoardBackend, BoardFrontend } from './board-seam.js';
import type { GuestRam } from './guest-ram.js';

export interface BoardMmioOptions {
  readonly ram: GuestRam;
  readonly line: InterruptLine;
}

/** Registers take aligned accesses of 32 bits alone; any other reads all ones and writes nothing, as does a board without backend. */
export class BoardMmio implements MmioDevice, BoardFrontend {
  readonly #ram: GuestRam;
  readonly #line: InterruptLine;
  #backend: BoardBackend | undefined;

  constructor({ ram, line }: BoardMmioOptions) {
    this.#ram = ram;
    this.#line = line;
  }

  attach(backend: BoardBackend): void {
    this.#backend = backend;
  }

  interrupt(level: boolean): void {
    this.#line.set(level);
  }

  read(offset: number, size: number): number {
    if (size !== 4 || offset % 4 !== 0 || this.#backend === undefined) return 0xffff_ffff;
    return this.#backend.readRegister(offset) >>> 0;
  }

  write(offset: number, size: number, value: number): void {
    if (size === 4 && offset % 4 === 0) this.#backend?.writeRegister(offset, value);
  }

  dmaRead(address: number, target: Uint8Array, offset: number, length: number): boolean {
    return dmaRead(this.#ram, address, target, offset, length);
  }

  dmaWrite(address: number, source: Uint8Array, offset: number, length: number): boolean {
    return dmaWrite(this.#ram, address, source, offset, length);
  }
}
