/** Loads, stores and atomics that the hot loop leaves out: misaligned, protected, outside RAM. */

import { ID } from './decoded-code.js';
import type { GuestMemory } from './guest-memory.js';
import { type HartState, WORD } from './hart-state.js';
import { ACCESS, type Pmp } from './pmp.js';

/** How an access ended. */
export const ACCESS_RESULT = {
  /** It is done; a load's or atomic's value is in `value`. */
  done: 0,
  /** Aligned and permitted, but not RAM: for a device. */
  outside: 1,
  /** An access fault; its address is in `faultGpa`. */
  fault: 2,
  /** An atomic that is not naturally aligned. */
  misaligned: 3,
} as const;

/**
 * One access at a time, with its result left in fields so that nothing is allocated. Misaligned accesses are done byte
 * by byte in RAM, and nothing is written when one byte of them is not permitted; outside RAM they are access faults,
 * because no device has registers across its register boundaries.
 */
export class DataPath {
  /** What was loaded: unsigned for loads, signed 32 bits for atomics. */
  value = 0;
  faultGpa = 0;
  readonly #memory: GuestMemory;
  readonly #state: HartState;
  readonly #pmp: Pmp;

  constructor(memory: GuestMemory, state: HartState, pmp: Pmp) {
    this.#memory = memory;
    this.#state = state;
    this.#pmp = pmp;
  }

  load(gpa: number, size: number): number {
    const result = this.#check(gpa, size, ACCESS.read);
    if (result !== ACCESS_RESULT.done) return result;
    const offset = gpa - this.#memory.ramBase;
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = (value << 8) | this.#memory.u8[offset + i];
    this.value = value >>> 0;
    return result;
  }

  store(gpa: number, size: number, value: number): number {
    const result = this.#check(gpa, size, ACCESS.write);
    if (result !== ACCESS_RESULT.done) return result;
    const offset = gpa - this.#memory.ramBase;
    if ((gpa & (size - 1)) === 0) {
      if (size === 4) this.#memory.i32[offset / 4] = value;
      else if (size === 2) this.#memory.i16[offset / 2] = value;
      else this.#memory.i8[offset] = value;
      return result;
    }
    for (let i = 0; i < size; i++) this.#memory.u8[offset + i] = value >>> (8 * i);
    return result;
  }

  /** LR: memory outside RAM cannot be reserved and faults. */
  loadReserved(gpa: number): number {
    const result = this.#checkAtomic(gpa, ACCESS.read);
    if (result !== ACCESS_RESULT.done) return result;
    this.value = Atomics.load(this.#memory.i32, this.#wordIndex(gpa));
    this.#state.words[WORD.reservation] = gpa;
    this.#state.words[WORD.reservation + 1] = 0;
    this.#state.words[WORD.reservedValue] = this.value;
    return result;
  }

  /** SC: `value` is 0 when it stored, else 1. Every SC ends the reservation. */
  storeConditional(gpa: number, value: number): number {
    const result = this.#checkAtomic(gpa, ACCESS.write);
    if (result !== ACCESS_RESULT.done) return result;
    const { words } = this.#state;
    this.value = 1;
    if (words[WORD.reservation] === (gpa | 0)) {
      const expected = words[WORD.reservedValue];
      const found = Atomics.compareExchange(this.#memory.i32, this.#wordIndex(gpa), expected, value);
      if (found === expected) this.value = 0;
    }
    this.#state.dropReservation();
    return result;
  }

  /** The AMO with instruction number `id`; `value` is what memory held. */
  modify(id: number, gpa: number, operand: number): number {
    const result = this.#checkAtomic(gpa, ACCESS.read | ACCESS.write);
    if (result !== ACCESS_RESULT.done) return result;
    this.value = modifyWord(this.#memory.i32, this.#wordIndex(gpa), id - ID.amoswap, operand);
    return result;
  }

  #wordIndex(gpa: number): number {
    return (gpa - this.#memory.ramBase) / 4;
  }

  #checkAtomic(gpa: number, access: number): number {
    if ((gpa & 3) !== 0) return ACCESS_RESULT.misaligned;
    const result = this.#check(gpa, 4, access);
    if (result === ACCESS_RESULT.outside) {
      this.faultGpa = gpa;
      return ACCESS_RESULT.fault;
    }
    return result;
  }

  #check(gpa: number, size: number, access: number): number {
    if ((gpa & (size - 1)) !== 0) return this.#checkBytes(gpa, size, access);
    if (!this.#pmp.allows(gpa, access, this.#state.dataPrivilege)) {
      this.faultGpa = gpa;
      return ACCESS_RESULT.fault;
    }
    return this.#memory.contains(gpa, size) ? ACCESS_RESULT.done : ACCESS_RESULT.outside;
  }

  #checkBytes(gpa: number, size: number, access: number): number {
    for (let i = 0; i < size; i++) {
      const address = (gpa + i) >>> 0;
      const isRam = this.#memory.contains(address, 1);
      if (isRam && this.#pmp.allows(address, access, this.#state.dataPrivilege)) continue;
      this.faultGpa = address;
      return ACCESS_RESULT.fault;
    }
    return ACCESS_RESULT.done;
  }
}

/** In the order of the instruction numbers from `amoswap.w`; minimum and maximum retry until no other thread interferes. */
function modifyWord(words: Int32Array, index: number, operation: number, operand: number): number {
  switch (operation) {
    case 0:
      return Atomics.exchange(words, index, operand);
    case 1:
      return Atomics.add(words, index, operand);
    case 2:
      return Atomics.xor(words, index, operand);
    case 3:
      return Atomics.and(words, index, operand);
    case 4:
      return Atomics.or(words, index, operand);
  }
  for (;;) {
    const old = Atomics.load(words, index);
    const next = chooseWord(operation, old, operand);
    if (Atomics.compareExchange(words, index, old, next) === old) return old;
  }
}

function chooseWord(operation: number, a: number, b: number): number {
  switch (operation) {
    case 5:
      return Math.min(a, b);
    case 6:
      return Math.max(a, b);
    case 7:
      return Math.min(a >>> 0, b >>> 0);
    default:
      return Math.max(a >>> 0, b >>> 0);
  }
}
