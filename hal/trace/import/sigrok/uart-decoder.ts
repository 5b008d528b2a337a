/** Recovers characters of an asynchronous serial line from the line's edges. */

import { parityBit } from '../../../serial/line-settings.js';
import { bitsPerCharacter, LINE_STATUS, type LineSettings } from '../../../serial/serial-port.js';

export interface UartListener {
  /**
   * A character; `lineStatus` holds `LINE_STATUS` bits (parity, framing, break). It began with the edge at `startSample` and
   * is complete at `endSample`, when its last stop bit is over; that may be a fraction, and up to half a bit ahead of the
   * samples seen.
   */
  character(value: number, lineStatus: number, startSample: number, endSample: number): void;
}

/**
 * One direction of a line. Bits are looked at in their middle, counted from the start bit's edge (as receivers do); a start
 * bit that is over in its own middle is noise. A stop bit at the wrong level is a framing error, and a break when nothing
 * but zeros came before it; the next character begins with the next edge out of rest. Allocates nothing.
 */
export class UartDecoder {
  readonly #line: LineSettings;
  readonly #listener: UartListener;
  readonly #bitSamples: number;
  readonly #bits: number;
  readonly #parityIndex: number;
  /** Level at rest. */
  readonly #mark: number;
  #level = -1;
  #start = Number.POSITIVE_INFINITY;
  /** Bit of the character that is looked at next; 0 is the start bit. */
  #bit = 0;
  #value = 0;
  #ones = 0;
  #parityWrong = false;

  /** `inverted`: the line rests at the low level, as behind an RS-232 driver. `samplesPerSecond` at least four times the baud rate. */
  constructor(line: LineSettings, samplesPerSecond: number, listener: UartListener, inverted = false) {
    this.#line = line;
    this.#listener = listener;
    this.#bitSamples = samplesPerSecond / line.baudRate;
    this.#bits = bitsPerCharacter(line);
    this.#parityIndex = line.parity === 'none' ? 0 : 1 + line.dataBits;
    this.#mark = inverted ? 0 : 1;
  }

  /** Start of the character that is under way, `Infinity` between characters: no later call names an earlier time. */
  get openSample(): number {
    return this.#start;
  }

  /** From `sample` on the line has `level` (0 or 1). */
  edge(sample: number, level: number): void {
    this.advance(sample);
    if (level === this.#level) return;
    const known = this.#level >= 0;
    this.#level = level;
    if (!known || level === this.#mark || this.#start !== Number.POSITIVE_INFINITY) return;
    this.#start = sample;
    this.#bit = 0;
    this.#value = 0;
    this.#ones = 0;
    this.#parityWrong = false;
  }

  /** The level has not changed in front of `sample`. */
  advance(sample: number): void {
    while (this.#start + (this.#bit + 0.5) * this.#bitSamples < sample) this.#look();
  }

  #look(): void {
    const one = this.#level === this.#mark ? 1 : 0;
    const bit = this.#bit++;
    if (bit === 0) {
      if (one === 1) this.#start = Number.POSITIVE_INFINITY;
      return;
    }
    this.#ones += one;
    if (bit <= this.#line.dataBits) {
      this.#value |= one << (bit - 1);
      return;
    }
    if (bit === this.#parityIndex) {
      this.#parityWrong = one !== parityBit(this.#line, this.#value);
      return;
    }
    const start = this.#start;
    this.#start = Number.POSITIVE_INFINITY;
    this.#listener.character(this.#value, this.#status(one), start, start + this.#bits * this.#bitSamples);
  }

  #status(stopBit: number): number {
    if (stopBit === 0 && this.#ones === 0) return LINE_STATUS.break;
    return (stopBit === 0 ? LINE_STATUS.framing : 0) | (this.#parityWrong ? LINE_STATUS.parity : 0);
  }
}
