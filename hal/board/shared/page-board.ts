/** The board's side of mapped memory: its registers in a page that is polled, its DMA in an area, its interrupt masked once sent. */

import { CONTROL_WORDS, DAQ_REGISTER, STATUS_WORDS } from '../../simulators/daq-board/registers.js';
import type { BoardPort } from '../board-port.js';
import type { DmaArea } from '../mapped/bounce-ring.js';

const CONTROL_COUNT = (CONTROL_WORDS.end - CONTROL_WORDS.first) / 4;
const FIRST_CONTROL = CONTROL_WORDS.first / 4;
const RUNNING: number = DAQ_REGISTER.running / 4;
const FIFO_DATA = DAQ_REGISTER.fifoData / 4;

export class PageBoard {
  readonly #board: BoardPort;
  readonly #page: Uint32Array;
  readonly #interrupt: () => void;
  readonly #control = new Uint32Array(CONTROL_COUNT);
  readonly #seen = new Uint32Array(CONTROL_COUNT);
  #level = false;
  #isArmed = false;

  /** `page`: BAR 0 in 32-bit words. `interrupt` is called when the line is high and was let through. */
  constructor(board: BoardPort, page: Uint32Array, dma: DmaArea, interrupt: () => void) {
    this.#board = board;
    this.#page = page;
    this.#interrupt = interrupt;
    const { bytes, busAddress } = dma;
    const isInside = (address: number, length: number): boolean =>
      address >= busAddress && address + length <= busAddress + bytes.length;
    board.attach(
      { interrupt: (level) => (this.#level = level), disconnected: () => {} },
      {
        read: (address, target, offset, length) => {
          if (!isInside(address, length)) return false;
          const from = address - busAddress;
          for (let i = 0; i < length; i++) target[offset + i] = bytes[from + i];
          return true;
        },
        write: (address, source, offset, length) => {
          if (!isInside(address, length)) return false;
          const to = address - busAddress;
          for (let i = 0; i < length; i++) bytes[to + i] = source[offset + i];
          return true;
        },
      },
    );
    for (let word = 0; word < STATUS_WORDS.end / 4; word++) Atomics.store(page, word, board.readRegister(4 * word));
    Atomics.store(page, FIFO_DATA, 0xffff_ffff);
  }

  /** Whether a run is on, so that looking often is worth it. */
  get isRunning(): boolean {
    return this.#seen[DAQ_REGISTER.run / 4 - FIRST_CONTROL] !== 0;
  }

  /** Carries control words that changed to the board, then shows its status, then interrupts. */
  poll(): void {
    const control = this.#control;
    // Downwards: who sees RUN or TAIL sees what was written before it. Carried upwards, RUN last.
    for (let i = CONTROL_COUNT - 1; i >= 0; i--) control[i] = Atomics.load(this.#page, FIRST_CONTROL + i);
    for (let i = 0; i < CONTROL_COUNT; i++) {
      if (control[i] === this.#seen[i]) continue;
      this.#seen[i] = control[i];
      this.#board.writeRegister(CONTROL_WORDS.first + 4 * i, control[i]);
    }
    for (let word = STATUS_WORDS.first / 4; word < STATUS_WORDS.end / 4; word++) if (word !== RUNNING) this.#show(word);
    // Behind all that is said of its run: the host believes nothing of another.
    this.#show(RUNNING);
    if (!this.#level || !this.#isArmed) return;
    this.#isArmed = false;
    this.#interrupt();
  }

  /** The host lets the next interrupt through; what it wrote before is carried first. */
  rearm(): void {
    this.#isArmed = false;
    this.poll();
    this.#isArmed = true;
    this.poll();
  }

  #show(word: number): void {
    const value = this.#board.readRegister(4 * word);
    if (value !== Atomics.load(this.#page, word)) Atomics.store(this.#page, word, value);
  }
}
