/** LR, SC and the AMOs (Unprivileged specification 20191213, chapter 8). */

import type { GuestMemory } from '../cpu/guest-memory.js';
import type { CodeGuard } from './code-guard.js';
import { ACCESS_RESULT, type DataPath } from './data-path.js';
import { type HartState, WORD } from './hart-state.js';
import { ACCESS } from './pmp.js';

/** AMOs in the order of the instruction numbers from `amoswap.w` and from `amoswap.d`. */
const AMO = { swap: 0, add: 1, xor: 2, and: 3, or: 4, min: 5, max: 6, minu: 7, maxu: 8 } as const;

/**
 * One operation at a time; an `ACCESS_RESULT`, with `done` the value in `valueLow` and `valueHigh`, sign-extended.
 * Words are atomic towards other threads, for which `Atomics` is used. Doublewords are atomic for the guest, whose one
 * hart this is, but two words for another thread: `Atomics` on them would allocate at every instruction.
 */
export class AtomicUnit {
  valueLow = 0;
  valueHigh = 0;
  readonly #memory: GuestMemory;
  readonly #state: HartState;
  readonly #data: DataPath;
  readonly #guard: CodeGuard;
  #resultLow = 0;
  #resultHigh = 0;

  constructor(memory: GuestMemory, state: HartState, data: DataPath, guard: CodeGuard) {
    this.#memory = memory;
    this.#state = state;
    this.#data = data;
    this.#guard = guard;
  }

  /** LR: memory outside RAM cannot be reserved and faults. */
  loadReserved(vaLow: number, vaHigh: number, size: number): number {
    const result = this.#check(vaLow, vaHigh, size, ACCESS.read, ACCESS.read);
    if (result !== ACCESS_RESULT.done) return result;
    const index = this.#wordIndex();
    const { words } = this.#state;
    const low = Atomics.load(this.#memory.i32, index);
    const high = size === 8 ? Atomics.load(this.#memory.i32, index + 1) : low >> 31;
    words[WORD.reservation] = this.#data.gpa;
    words[WORD.reservation + 1] = size === 8 ? 1 : 0;
    words[WORD.reservedValue] = low;
    words[WORD.reservedValue + 1] = high;
    this.#answer(low, high);
    return result;
  }

  /** SC: the value is 0 when it stored, else 1. Every SC that does not trap ends the reservation. */
  storeConditional(vaLow: number, vaHigh: number, size: number, low: number, high: number): number {
    const result = this.#check(vaLow, vaHigh, size, ACCESS.write, ACCESS.write);
    if (result !== ACCESS_RESULT.done) return result;
    const { words } = this.#state;
    const isReserved =
      words[WORD.reservation] === (this.#data.gpa | 0) && words[WORD.reservation + 1] === (size === 8 ? 1 : 0);
    const hasStored = isReserved && (size === 8 ? this.#exchangeDouble(low, high) : this.#exchangeWord(low));
    this.#answer(hasStored ? 0 : 1, 0);
    this.#state.dropReservation();
    return result;
  }

  /** The AMO `operation`, counted from swap; the value is what memory held. */
  modify(operation: number, vaLow: number, vaHigh: number, size: number, low: number, high: number): number {
    const result = this.#check(vaLow, vaHigh, size, ACCESS.write, ACCESS.read | ACCESS.write);
    if (result !== ACCESS_RESULT.done) return result;
    this.#guard.beforeWrite(this.#data.gpa - this.#memory.ramBase);
    const index = this.#wordIndex();
    const { i32 } = this.#memory;
    if (size === 4) {
      const old = modifyWord(i32, index, operation, low);
      this.#answer(old, old >> 31);
      return result;
    }
    const oldLow = i32[index];
    const oldHigh = i32[index + 1];
    this.#combine(operation, oldLow, oldHigh, low, high);
    i32[index] = this.#resultLow;
    i32[index + 1] = this.#resultHigh;
    this.#answer(oldLow, oldHigh);
    return result;
  }

  #answer(low: number, high: number): void {
    this.valueLow = low;
    this.valueHigh = high;
  }

  #wordIndex(): number {
    return (this.#data.gpa - this.#memory.ramBase) / 4;
  }

  #exchangeWord(value: number): boolean {
    const expected = this.#state.words[WORD.reservedValue];
    this.#guard.beforeWrite(this.#data.gpa - this.#memory.ramBase);
    return Atomics.compareExchange(this.#memory.i32, this.#wordIndex(), expected, value) === expected;
  }

  #exchangeDouble(low: number, high: number): boolean {
    const { words } = this.#state;
    const { i32 } = this.#memory;
    const index = this.#wordIndex();
    if (i32[index] !== words[WORD.reservedValue] || i32[index + 1] !== words[WORD.reservedValue + 1]) return false;
    this.#guard.beforeWrite(this.#data.gpa - this.#memory.ramBase);
    i32[index] = low;
    i32[index + 1] = high;
    return true;
  }

  #check(vaLow: number, vaHigh: number, size: number, access: number, rights: number): number {
    if ((vaLow & (size - 1)) !== 0) return ACCESS_RESULT.misaligned;
    const result = this.#data.check(vaLow, vaHigh, size, access, rights);
    if (result !== ACCESS_RESULT.outside) return result;
    this.#data.faultLow = vaLow;
    this.#data.faultHigh = vaHigh;
    return ACCESS_RESULT.accessFault;
  }

  /** What an AMO of a doubleword writes. */
  #combine(operation: number, aLow: number, aHigh: number, bLow: number, bHigh: number): void {
    let low: number;
    let high: number;
    switch (operation) {
      case AMO.swap:
        low = bLow;
        high = bHigh;
        break;
      case AMO.add:
        low = (aLow + bLow) | 0;
        high = aHigh + bHigh + (low >>> 0 < aLow >>> 0 ? 1 : 0);
        break;
      case AMO.xor:
        low = aLow ^ bLow;
        high = aHigh ^ bHigh;
        break;
      case AMO.and:
        low = aLow & bLow;
        high = aHigh & bHigh;
        break;
      case AMO.or:
        low = aLow | bLow;
        high = aHigh | bHigh;
        break;
      default: {
        const wantsLess = operation === AMO.min || operation === AMO.minu;
        const flip = operation >= AMO.minu ? 1 << 31 : 0;
        const isLess = isBelow(aLow, aHigh ^ flip, bLow, bHigh ^ flip);
        low = isLess === wantsLess ? aLow : bLow;
        high = isLess === wantsLess ? aHigh : bHigh;
      }
    }
    this.#resultLow = low;
    this.#resultHigh = high | 0;
  }
}

function isBelow(aLow: number, aHigh: number, bLow: number, bHigh: number): boolean {
  return aHigh < bHigh || (aHigh === bHigh && aLow >>> 0 < bLow >>> 0);
}

/** Minimum and maximum retry until no other thread interferes. */
function modifyWord(words: Int32Array, index: number, operation: number, operand: number): number {
  switch (operation) {
    case AMO.swap:
      return Atomics.exchange(words, index, operand);
    case AMO.add:
      return Atomics.add(words, index, operand);
    case AMO.xor:
      return Atomics.xor(words, index, operand);
    case AMO.and:
      return Atomics.and(words, index, operand);
    case AMO.or:
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
    case AMO.min:
      return Math.min(a, b);
    case AMO.max:
      return Math.max(a, b);
    case AMO.minu:
      return Math.min(a >>> 0, b >>> 0);
    default:
      return Math.max(a >>> 0, b >>> 0);
  }
}
