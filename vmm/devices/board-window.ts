/** The board of a partitioned guest: its registers are a page of guest RAM that the cell's I/O loop polls, so no access is an exit. */

import { dmaRead, dmaWrite } from './board-dma.js';
import type { BoardBackend, BoardFrontend } from './board-seam.js';
import type { GuestRam } from './guest-ram.js';
import { checkRingArea } from './ring-area.js';

/** Which words of a board's BAR 0 mean something in a page that is polled. */
export interface BoardWindowLayout {
  /** Bytes of the page, a multiple of 64. */
  readonly bytes: number;
  /** What the guest writes: words from `first` up to `end`. The last ones publish those before them. */
  readonly control: { readonly first: number; readonly end: number };
  /** What the board says: words from `first` up to `end`. The last one is written last. */
  readonly status: { readonly first: number; readonly end: number };
}

export interface BoardWindowOptions {
  readonly ram: GuestRam;
  /** Guest physical address of the page, 64-byte aligned. */
  readonly base: number;
  readonly layout: BoardWindowLayout;
  /** Sets bit 16 of `mip`. */
  doorbell(): void;
}

/**
 * Guest and rig write different words, and each word is a level: written twice it does nothing, and a value that was
 * replaced before a poll was never meant. So neither waits for the other. Works on guest RAM alone: the guest may run in
 * another thread.
 */
export class BoardWindow implements BoardFrontend {
  readonly #options: BoardWindowOptions;
  readonly #control: Uint32Array;
  readonly #seen: Uint32Array;
  readonly #status: Uint32Array;
  #backend: BoardBackend | undefined;
  #level = false;
  #rose = false;

  /** @throws VmmError `VMM_CONFIG` when the page is not RAM. */
  constructor(options: BoardWindowOptions) {
    const { ram, base, layout } = options;
    checkRingArea(ram, base, layout.bytes, 'board window');
    this.#options = options;
    this.#control = new Uint32Array((layout.control.end - layout.control.first) / 4);
    this.#seen = new Uint32Array(this.#control.length);
    this.#status = new Uint32Array((layout.status.end - layout.status.first) / 4);
  }

  attach(backend: BoardBackend): void {
    this.#backend = backend;
  }

  /** Writes what the board's registers hold into the page; after `attach`, before the guest boots. */
  initialise(): void {
    const { ram, base, layout } = this.#options;
    const page = new Uint32Array(layout.bytes / 4);
    const last = Math.max(layout.control.end, layout.status.end);
    for (let at = 0; at < last; at += 4) page[at / 4] = this.#backend?.readRegister(at) ?? 0xffff_ffff;
    ram.write(base, new Uint8Array(page.buffer), 0, layout.bytes);
    this.#seen.set(page.subarray(layout.control.first / 4, layout.control.end / 4));
    this.#status.set(page.subarray(layout.status.first / 4, layout.status.end / 4));
  }

  /** Carries the guest's control words that changed to the board, then shows its status. Returns how many changed. */
  poll(): number {
    const { ram, base, layout } = this.#options;
    const { first } = layout.control;
    const control = this.#control;
    // Downwards: who sees a new publishing word sees all that the guest wrote before it.
    for (let i = control.length - 1; i >= 0; i--) control[i] = ram.readU32(base + first + 4 * i);
    let changes = 0;
    for (let i = 0; i < control.length; i++) {
      if (control[i] === this.#seen[i]) continue;
      this.#seen[i] = control[i];
      this.#backend?.writeRegister(first + 4 * i, control[i]);
      changes++;
    }
    this.flush();
    return changes;
  }

  /**
   * Shows the guest the status words that changed. Rings once behind them when the board's line rose, or is high and there
   * is something new: a guest that acknowledged what it saw and sleeps would not see a line that never fell.
   */
  flush(): void {
    const { ram, base, layout, doorbell } = this.#options;
    const { first } = layout.status;
    const status = this.#status;
    let isNews = this.#rose;
    for (let i = 0; i < status.length; i++) {
      const value = this.#backend?.readRegister(first + 4 * i) ?? 0xffff_ffff;
      if (value === status[i]) continue;
      status[i] = value;
      isNews = true;
      ram.writeU32(base + first + 4 * i, value);
    }
    this.#rose = false;
    if (this.#level && isNews) doorbell();
  }

  /** The doorbell follows with the status words that say why. */
  interrupt(level: boolean): void {
    this.#rose = level && !this.#level;
    this.#level = level;
  }

  dmaRead(address: number, target: Uint8Array, offset: number, length: number): boolean {
    return dmaRead(this.#options.ram, address, target, offset, length);
  }

  dmaWrite(address: number, source: Uint8Array, offset: number, length: number): boolean {
    return dmaWrite(this.#options.ram, address, source, offset, length);
  }
}
