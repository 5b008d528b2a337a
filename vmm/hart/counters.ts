/** `mcycle` and `minstret`: retired instructions plus an offset of the guest's own (Privileged specification 1.12, sections 3.1.10 to 3.1.12). */

import { type HartState, WORD } from './hart-state.js';

const TWO_32 = 0x1_0000_0000;

/** A counter: its bit in `mcountinhibit`, and the word where its offset is. */
export interface Counter {
  readonly bit: number;
  readonly offset: number;
}

export const CYCLE: Counter = { bit: 0, offset: WORD.mcycleOffset };
export const INSTRET: Counter = { bit: 2, offset: WORD.minstretOffset };

/** Both count `instret`, so that a guest that writes them does not disturb the count that the machine goes by. */
export class Counters {
  readonly #state: HartState;

  constructor(state: HartState) {
    this.#state = state;
  }

  low({ bit, offset }: Counter): number {
    const { words } = this.#state;
    return (words[offset] + (this.#isInhibited(bit) ? 0 : words[WORD.instret])) | 0;
  }

  high({ bit, offset }: Counter): number {
    const { words } = this.#state;
    if (this.#isInhibited(bit)) return words[offset + 1];
    const carry = (words[offset] >>> 0) + (words[WORD.instret] >>> 0) >= TWO_32 ? 1 : 0;
    return (words[offset + 1] + words[WORD.instret + 1] + carry) | 0;
  }

  /** Makes the next instruction read this low half; the high one stays. */
  setLow(counter: Counter, low: number): void {
    this.set(counter, low, this.high(counter));
  }

  /** Makes the next instruction read this high half, which does not stop the low one. */
  setHigh(counter: Counter, high: number): void {
    this.set(counter, this.low(counter) + (this.#isInhibited(counter.bit) ? 0 : 1), high);
  }

  /** Makes the next instruction read `low` and `high`: the writing instruction's own retirement is not counted. */
  set({ bit, offset }: Counter, low: number, high: number): void {
    const { words } = this.#state;
    if (this.#isInhibited(bit)) {
      words[offset] = low;
      words[offset + 1] = high;
      return;
    }
    const count = this.#state.instret + 1;
    const difference = (low >>> 0) - (count % TWO_32);
    words[offset] = difference;
    words[offset + 1] = high - Math.floor(count / TWO_32) - (difference < 0 ? 1 : 0);
  }

  /** Stopping a counter keeps its value in the offset; starting it makes the offset relative again. */
  writeInhibit(value: number): void {
    this.#inhibit(CYCLE, value);
    this.#inhibit(INSTRET, value);
  }

  #inhibit(counter: Counter, value: number): void {
    const { words } = this.#state;
    if ((((words[WORD.mcountinhibit] ^ value) >> counter.bit) & 1) === 0) return;
    const low = this.low(counter);
    const high = this.high(counter);
    words[WORD.mcountinhibit] ^= 1 << counter.bit;
    this.set(counter, low, high);
  }

  #isInhibited(bit: number): boolean {
    return ((this.#state.words[WORD.mcountinhibit] >>> bit) & 1) !== 0;
  }
}
