/** The scatter-gather DMA engine of the RV-DAQ16: takes blocks from the FIFO to where the host's descriptors say. */

import type { BoardMemory } from '../../board/board-port.js';
import { DESCRIPTOR, DESCRIPTOR_BYTES, MOST_BLOCK_BYTES, MOST_DESCRIPTORS } from './registers.js';
import type { NumberedFifo } from './sample-fifo.js';

export interface RingPlace {
  readonly address: number;
  /** Descriptors, a power of two. */
  readonly size: number;
}

/** Indices run freely modulo 2^32, as in the registers TAIL and HEAD. */
export class DmaRing {
  /** Descriptors the board has completed. */
  head = 0;
  /** Accesses that the host's memory refused, and descriptors that make no sense. The first one stops the ring. */
  errors = 0;
  readonly #fifo: NumberedFifo;
  readonly #place: RingPlace;
  readonly #descriptor = new Uint8Array(DESCRIPTOR_BYTES);
  readonly #view = new DataView(this.#descriptor.buffer);
  readonly #block = new Uint8Array(MOST_BLOCK_BYTES);
  #loaded = false;
  /** Samples of the block in hand, those moved, the number and instant of its first. */
  #size = 0;
  #moved = 0;
  #firstNumber = 0;
  #firstNs = 0;

  constructor(fifo: NumberedFifo, place: RingPlace) {
    this.#fifo = fifo;
    this.#place = place;
    const { size } = place;
    if (size < 2 || size > MOST_DESCRIPTORS || (size & (size - 1)) !== 0) this.errors = 1;
  }

  /** The host has given no descriptor that is not done. */
  isEmpty(tail: number): boolean {
    return this.head === tail;
  }

  /** Samples that the FIFO must hold before the engine moves anything; infinite while it cannot move. */
  wanted(memory: BoardMemory, tail: number): number {
    if (!this.#load(memory, tail)) return Number.POSITIVE_INFINITY;
    return Math.min(this.#size - this.#moved, this.#fifo.capacity / 2);
  }

  /** Moves what is due; returns the number of blocks that were completed. */
  move(memory: BoardMemory, tail: number): number {
    let completed = 0;
    while (this.#fifo.length > 0 && this.#load(memory, tail)) {
      const missing = this.#size - this.#moved;
      const first = this.#fifo.number(0);
      if (this.#moved === 0) {
        this.#firstNumber = first;
        this.#firstNs = this.#fifo.timeNs(0);
      }
      const n = this.#fifo.unbroken(this.#firstNumber + this.#moved, missing);
      // A loss ends the block: within one, samples follow each other without a gap.
      const ends = n === missing || n < this.#fifo.length;
      if (!ends && n < this.#fifo.capacity / 2) break;
      if (n > 0 && !this.#transfer(memory, n)) break;
      if (!ends) continue;
      if (!this.#writeBack(memory)) break;
      completed++;
    }
    return completed;
  }

  #load(memory: BoardMemory, tail: number): boolean {
    if (this.errors > 0) return false;
    if (this.#loaded) return true;
    const waiting = (tail - this.head) >>> 0;
    if (waiting === 0) return false;
    if (waiting > this.#place.size || !memory.read(this.#slot(), this.#descriptor, 0, DESCRIPTOR_BYTES)) {
      return this.#fail();
    }
    const length = this.#view.getUint32(DESCRIPTOR.length, true);
    if (length < 2 || length > MOST_BLOCK_BYTES || length % 2 !== 0) return this.#fail();
    this.#size = length / 2;
    this.#moved = 0;
    this.#loaded = true;
    return true;
  }

  #transfer(memory: BoardMemory, samples: number): boolean {
    for (let i = 0; i < samples; i++) {
      const code = this.#fifo.code(i);
      this.#block[2 * i] = code;
      this.#block[2 * i + 1] = code >>> 8;
    }
    const low = this.#view.getUint32(DESCRIPTOR.addressLow, true);
    const high = this.#view.getUint32(DESCRIPTOR.addressHigh, true);
    const address = high * 0x1_0000_0000 + low + 2 * this.#moved;
    if (!Number.isSafeInteger(address) || !memory.write(address, this.#block, 0, 2 * samples)) return this.#fail();
    this.#fifo.drop(samples);
    this.#moved += samples;
    return true;
  }

  #writeBack(memory: BoardMemory): boolean {
    const view = this.#view;
    view.setUint32(DESCRIPTOR.doneLength, 2 * this.#moved, true);
    view.setUint32(DESCRIPTOR.sequence, this.#firstNumber % 0x1_0000_0000, true);
    view.setUint32(DESCRIPTOR.timeLow, this.#firstNs % 0x1_0000_0000, true);
    view.setUint32(DESCRIPTOR.timeHigh, Math.floor(this.#firstNs / 0x1_0000_0000), true);
    const { doneLength } = DESCRIPTOR;
    if (!memory.write(this.#slot() + doneLength, this.#descriptor, doneLength, DESCRIPTOR_BYTES - doneLength)) {
      return this.#fail();
    }
    this.#loaded = false;
    this.head = (this.head + 1) >>> 0;
    return true;
  }

  #slot(): number {
    return this.#place.address + DESCRIPTOR_BYTES * (this.head & (this.#place.size - 1));
  }

  #fail(): false {
    this.errors++;
    return false;
  }
}
