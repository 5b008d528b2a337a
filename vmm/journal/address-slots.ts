/** The dictionary of (address, length) pairs with which a journal chunk names again what it has named before. */

import { SLOT } from './journal-format.js';

const HASH_SLOTS = 256;

/** Writer and reader each keep one per chunk and kind of access, filled in the same order. */
export class AddressSlots {
  readonly #gpa = new Float64Array(SLOT.count);
  readonly #length = new Float64Array(SLOT.count);
  readonly #bySlotHash = new Uint8Array(HASH_SLOTS);
  #added = 0;

  clear(): void {
    this.#added = 0;
    this.#bySlotHash.fill(0);
  }

  /** The slot of a pair, -1 when it has none (or lost its place in the hash to another). */
  find(gpa: number, length: number): number {
    const slot = this.#bySlotHash[hash(gpa, length)] - 1;
    if (slot < 0 || this.#gpa[slot] !== gpa || this.#length[slot] !== length) return -1;
    return slot;
  }

  /** Gives the pair the next slot, round robin. */
  add(gpa: number, length: number): void {
    const slot = this.#added % SLOT.count;
    this.#gpa[slot] = gpa;
    this.#length[slot] = length;
    this.#bySlotHash[hash(gpa, length)] = slot + 1;
    this.#added++;
  }

  holds(slot: number): boolean {
    return slot < SLOT.count && slot < this.#added;
  }

  gpa(slot: number): number {
    return this.#gpa[slot];
  }

  length(slot: number): number {
    return this.#length[slot];
  }
}

function hash(gpa: number, length: number): number {
  return (gpa ^ (gpa >>> 7) ^ (gpa >>> 12) ^ Math.imul(length, 37)) & (HASH_SLOTS - 1);
}
