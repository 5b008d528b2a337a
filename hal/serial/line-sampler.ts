/** A UART receiver as it is: waits for a falling edge, then samples the line in the middle of each bit at its own rate. */

import { parityBit } from './line-settings.js';
import { bitsPerCharacter, LINE_STATUS, type LineSettings } from './serial-port.js';

/** More characters than one transmitted character can look like: it has at most five falling edges. */
const COMPLETED_CAPACITY = 32;

/**
 * Makes characters out of line levels. Levels are fed as consecutive segments and may lie in the future; a completed
 * character waits until its time. After a missing stop bit the receiver waits for the high line before it accepts the
 * next start bit, and a line that stays low is one break (PC16550D, section 8.4, bits 3 and 4 of the LSR).
 * Times are integer nanoseconds, so the same levels always give the same characters.
 */
export class LineSampler {
  #knownUntilNs = 0;
  #marking = true;
  #line: LineSettings | undefined;
  #frameStartNs = 0;
  #frameEndNs = 0;
  #sampleCount = 0;
  #sample = 0;
  #shift = 0;
  readonly #endsNs = new Float64Array(COMPLETED_CAPACITY);
  readonly #characters = new Uint16Array(COMPLETED_CAPACITY);
  #head = 0;
  #length = 0;

  /** Whether no character is begun or waits: the line may be left unobserved until its next edge. */
  get idle(): boolean {
    return this.#line === undefined && this.#length === 0 && this.#marking;
  }

  /** Levels are known up to here. */
  get knownUntilNs(): number {
    return this.#knownUntilNs;
  }

  /** When the next character is complete, begun or waiting; `Infinity` when there is none. */
  nextEndNs(): number {
    if (this.#length > 0) return this.#endsNs[this.#head];
    return this.#line === undefined ? Number.POSITIVE_INFINITY : this.#frameEndNs;
  }

  /** Takes the oldest character complete at `nowNs`: byte in bits 0..7, `LINE_STATUS` in bits 8..15; -1 when there is none. */
  take(nowNs: number): number {
    if (this.#length === 0 || this.#endsNs[this.#head] > nowNs) return -1;
    const character = this.#characters[this.#head];
    this.#head = (this.#head + 1) % COMPLETED_CAPACITY;
    this.#length--;
    return character;
  }

  /** The line has `level` from where it was last known until `untilNs`; `line` is how the receiver is set. */
  feed(level: 0 | 1, untilNs: number, line: LineSettings): void {
    if (untilNs < this.#knownUntilNs) return;
    if (this.#line === undefined) {
      if (level === 1) this.#marking = true;
      else if (this.#marking) this.#begin(this.#knownUntilNs, line);
    }
    while (this.#line !== undefined) {
      const atNs = this.#frameStartNs + Math.floor(((2 * this.#sample + 1) * 1e9) / (2 * this.#line.baudRate));
      if (atNs >= untilNs) break;
      this.#observe(level, this.#line);
    }
    this.#knownUntilNs = untilNs;
  }

  /** Forgets a character in progress and those that wait; the line counts as high. */
  reset(): void {
    this.#line = undefined;
    this.#marking = true;
    this.#length = 0;
  }

  #begin(startNs: number, line: LineSettings): void {
    this.#line = line;
    this.#marking = false;
    this.#frameStartNs = startNs;
    this.#frameEndNs = startNs + Math.floor((bitsPerCharacter(line) * 1e9) / line.baudRate);
    this.#sampleCount = 2 + line.dataBits + (line.parity === 'none' ? 0 : 1);
    this.#sample = 0;
    this.#shift = 0;
  }

  #observe(level: 0 | 1, line: LineSettings): void {
    if (this.#sample === 0 && level === 1) {
      this.#line = undefined;
      this.#marking = true;
      return;
    }
    this.#shift |= level << this.#sample;
    this.#sample++;
    if (this.#sample < this.#sampleCount) return;
    this.#complete(line);
    this.#line = undefined;
    this.#marking = level === 1;
  }

  #complete(line: LineSettings): void {
    const byte = (this.#shift >> 1) & ((1 << line.dataBits) - 1);
    let status = 0;
    if (this.#shift === 0) {
      status = LINE_STATUS.break | LINE_STATUS.framing;
    } else {
      const expected = parityBit(line, byte);
      if (expected >= 0 && ((this.#shift >> (1 + line.dataBits)) & 1) !== expected) status |= LINE_STATUS.parity;
      if (((this.#shift >> (this.#sampleCount - 1)) & 1) === 0) status |= LINE_STATUS.framing;
    }
    if (this.#length === COMPLETED_CAPACITY) return;
    const tail = (this.#head + this.#length) % COMPLETED_CAPACITY;
    this.#endsNs[tail] = this.#frameEndNs;
    this.#characters[tail] = byte | (status << 8);
    this.#length++;
  }
}
