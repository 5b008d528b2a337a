/** The descriptors of a replay's guest: recorded blocks are brought to where the guest wants them. */

import { DESCRIPTOR, DESCRIPTOR_BYTES, MOST_BLOCK_BYTES, MOST_DESCRIPTORS } from '../simulators/daq-board/registers.js';
import type { BoardMemory } from './board-port.js';

const HIGH = 0x1_0000_0000;
const DONE = DESCRIPTOR.doneLength;

/** One run's; errors and waiting are those of the board (docs/daq-board.md, "Descriptors"). */
export class ReplayedRing {
  /** Blocks done, counted freely modulo 2^32. */
  head = 0;
  /** Samples up to the last block, lost ones included; and those of them that were lost. */
  samples = 0;
  lost = 0;
  hasError = false;
  /** The recorded block has no descriptor. */
  isWaiting = false;
  /** What the guest's blocks have that the recorded ones have not; '' as long as they are alike. */
  mismatch = '';
  readonly #address: number;
  readonly #size: number;
  readonly #descriptor = new Uint8Array(DESCRIPTOR_BYTES);
  readonly #view = new DataView(this.#descriptor.buffer);
  #isLoaded = false;
  #moved = 0;
  /** The last block ended before its end, which only a loss explains. */
  #wasShort = false;

  constructor(address: number, size: number) {
    this.#address = address;
    this.#size = size;
    this.hasError = size < 2 || size > MOST_DESCRIPTORS || (size & (size - 1)) !== 0;
  }

  /** Has the descriptor of the present block at hand; false when there is none, or one that stops the ring. */
  load(memory: BoardMemory, tail: number): boolean {
    if (this.hasError) return false;
    if (this.#isLoaded) return true;
    const given = (tail - this.head) >>> 0;
    this.isWaiting = given === 0;
    if (this.isWaiting) return false;
    const length = memory.read(this.#slot(), this.#descriptor, 0, DESCRIPTOR_BYTES) ? this.#length : 0;
    this.hasError = given > this.#size || length < 2 || length > MOST_BLOCK_BYTES || length % 2 !== 0;
    this.#isLoaded = !this.hasError;
    this.#moved = 0;
    return this.#isLoaded;
  }

  /** Brings a piece of the present block. */
  fill(memory: BoardMemory, bytes: Uint8Array, length: number): void {
    if (this.#moved + length > this.#length) {
      this.mismatch = `gives a block of ${this.#length} bytes where at least ${this.#moved + length} were recorded`;
      return;
    }
    const low = this.#view.getUint32(DESCRIPTOR.addressLow, true);
    const address = this.#view.getUint32(DESCRIPTOR.addressHigh, true) * HIGH + low + this.#moved;
    this.hasError = !Number.isSafeInteger(address) || !memory.write(address, bytes, 0, length);
    this.#moved += length;
  }

  /** Ends the present block with what was recorded of it, its time moved by `shiftNs`. */
  complete(memory: BoardMemory, bytes: Uint8Array, shiftNs: number): boolean {
    for (let i = DONE; i < DESCRIPTOR_BYTES; i++) this.#descriptor[i] = bytes[i - DONE];
    const view = this.#view;
    const time = view.getUint32(DESCRIPTOR.timeHigh, true) * HIGH + view.getUint32(DESCRIPTOR.timeLow, true) + shiftNs;
    view.setUint32(DESCRIPTOR.timeLow, time % HIGH, true);
    view.setUint32(DESCRIPTOR.timeHigh, Math.floor(time / HIGH), true);
    const count = view.getUint32(DONE, true) / 2;
    const lost = (view.getUint32(DESCRIPTOR.sequence, true) - this.samples) >>> 0;
    if (this.#wasShort && lost === 0) {
      this.mismatch = `gives blocks of ${this.#length} bytes, longer than the recorded ones`;
      return false;
    }
    if (!memory.write(this.#slot() + DONE, this.#descriptor, DONE, DESCRIPTOR_BYTES - DONE)) {
      this.hasError = true;
      return false;
    }
    this.#wasShort = 2 * count < this.#length;
    this.lost += lost;
    this.samples += lost + count;
    this.#isLoaded = false;
    this.head = (this.head + 1) >>> 0;
    return true;
  }

  get #length(): number {
    return this.#view.getUint32(DESCRIPTOR.length, true);
  }

  #slot(): number {
    return this.#address + DESCRIPTOR_BYTES * (this.head & (this.#size - 1));
  }
}
