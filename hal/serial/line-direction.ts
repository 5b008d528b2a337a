/** One direction of an asynchronous line: bytes go in, characters come out at the other end when their last bit has passed. */

import { type Clock, Timer } from '../../base/index.js';
import { LineSampler } from './line-sampler.js';
import { parityBit, sameLine } from './line-settings.js';
import { characterEndNs, type LineSettings } from './serial-port.js';
import { TransmitQueue } from './transmit-queue.js';

export interface LineDirectionOptions {
  readonly clock: Clock;
  /** Named in errors. */
  readonly where: string;
  /** More bytes than this never wait. */
  readonly backlogLimit: number;
  /** Settings of the transmitter; read when a character begins. */
  readonly transmitter: () => LineSettings;
  /** Settings of the receiver; read when a character begins. */
  readonly receiver: () => LineSettings;
  /** A character is complete at the receiver. */
  readonly deliver: (byte: number, lineStatus: number) => void;
  /** Nothing is queued and nothing is on the line any more. */
  readonly idle?: () => void;
}

/**
 * After so many characters the exact time falls on a whole nanosecond, so a burst may be counted from there anew and stays
 * within exact arithmetic. Odd rates above 500,000 and fractional ones lose less than a nanosecond there.
 */
function exactPeriod(line: LineSettings): number {
  const rate = line.baudRate;
  if (!Number.isInteger(rate) || rate > 1_000_000) return 500_000;
  return rate % 2 === 0 ? rate / 2 : Math.min(rate, 500_000);
}

/**
 * Paces characters at exact byte times: character n of an uninterrupted burst ends at `characterEndNs(line, start, n)`, whole
 * nanoseconds rounded down once and never added up. While both ends are set alike a character arrives as it was sent; else
 * its bits are sampled at the receiver's rate (`LineSampler`). One timer paces, one delivers what the sampler finds;
 * a byte costs no allocation.
 */
export class LineDirection {
  readonly #clock: Clock;
  readonly #options: LineDirectionOptions;
  readonly #queue: TransmitQueue;
  readonly #sampler = new LineSampler();
  readonly #pacer = new Timer(() => this.#ended());
  readonly #sampled = new Timer(() => this.#deliverSampled());
  #busy = false;
  /** The byte on the line that will arrive unchanged; -1 when none is, or the sampler decides. */
  #unchanged = -1;
  #endNs = 0;
  #burstLine: LineSettings | undefined;
  #burstStartNs = 0;
  #burstIndex = 0;
  #burstPeriod = 0;
  #breakHeld = false;
  #lineLow = false;
  #stopped = false;

  constructor(options: LineDirectionOptions) {
    this.#clock = options.clock;
    this.#options = options;
    this.#queue = new TransmitQueue(options.backlogLimit, options.where);
  }

  /** Bytes and breaks queued, the one on the line included. */
  get backlog(): number {
    return this.#queue.length + (this.#busy ? 1 : 0);
  }

  transmit(bytes: Uint8Array, offset: number, length: number): void {
    this.#queue.pushBytes(bytes, offset, length);
    this.#kick();
  }

  breakFor(durationNs: number): void {
    this.#queue.pushBreak(durationNs);
    this.#kick();
  }

  /** Holds the line low from the end of the character in progress until it is called with false; queued bytes wait. */
  holdBreak(on: boolean): void {
    if (on === this.#breakHeld || this.#stopped) return;
    this.#breakHeld = on;
    if (this.#busy) return;
    if (on) this.#lower(this.#clock.now());
    else this.#raise();
  }

  /** Drops what waits and what is on the line; nothing is delivered afterwards. */
  stop(): void {
    this.#stopped = true;
    this.#clock.cancel(this.#pacer);
    this.#clock.cancel(this.#sampled);
    this.#queue.clear();
    this.#sampler.reset();
    this.#busy = false;
  }

  #kick(): void {
    if (this.#busy || this.#lineLow || this.#stopped) return;
    const nowNs = this.#clock.now();
    if (this.#next(Math.max(nowNs, this.#endNs))) this.#clock.schedule(this.#pacer, this.#endNs);
  }

  /** Puts the next entry on the line at `startNs`; answers false when nothing waits. */
  #next(startNs: number): boolean {
    const byte = this.#queue.shiftByte();
    if (byte >= 0) {
      this.#beginCharacter(byte, startNs);
    } else {
      const durationNs = this.#queue.shiftBreak();
      if (durationNs < 0) return false;
      this.#beginBreak(durationNs, startNs);
    }
    this.#busy = true;
    return true;
  }

  #beginCharacter(byte: number, startNs: number): void {
    const line = this.#options.transmitter();
    const continues =
      this.#burstLine !== undefined &&
      startNs === this.#endNs &&
      this.#burstIndex > 0 &&
      sameLine(line, this.#burstLine);
    if (!continues || this.#burstIndex === this.#burstPeriod) {
      this.#burstStartNs = startNs;
      this.#burstIndex = 0;
      this.#burstPeriod = exactPeriod(line);
    }
    this.#burstLine = line;
    this.#endNs = characterEndNs(line, this.#burstStartNs, this.#burstIndex++);
    const receiver = this.#options.receiver();
    if (this.#sampler.idle && sameLine(line, receiver)) {
      this.#unchanged = byte & ((1 << line.dataBits) - 1);
      return;
    }
    this.#unchanged = -1;
    this.#sampler.feed(1, startNs, receiver);
    this.#feedCharacter(byte, startNs, line, receiver);
    this.#armSampled();
  }

  #feedCharacter(byte: number, startNs: number, line: LineSettings, receiver: LineSettings): void {
    const bitEndNs = (bit: number): number => startNs + Math.floor(((bit + 1) * 1e9) / line.baudRate);
    this.#sampler.feed(0, bitEndNs(0), receiver);
    for (let bit = 0; bit < line.dataBits; bit++)
      this.#sampler.feed(((byte >> bit) & 1) as 0 | 1, bitEndNs(1 + bit), receiver);
    const parity = parityBit(line, byte);
    if (parity >= 0) this.#sampler.feed(parity as 0 | 1, bitEndNs(1 + line.dataBits), receiver);
    this.#sampler.feed(1, this.#endNs, receiver);
  }

  #beginBreak(durationNs: number, startNs: number): void {
    const line = this.#options.transmitter();
    const receiver = this.#options.receiver();
    const lowEndNs = startNs + Math.floor(durationNs);
    this.#unchanged = -1;
    this.#burstIndex = 0;
    this.#endNs = lowEndNs + Math.ceil(1e9 / line.baudRate);
    this.#sampler.feed(1, startNs, receiver);
    this.#sampler.feed(0, lowEndNs, receiver);
    this.#sampler.feed(1, this.#endNs, receiver);
    this.#armSampled();
  }

  #lower(atNs: number): void {
    this.#lineLow = true;
    this.#burstIndex = 0;
    const receiver = this.#options.receiver();
    this.#sampler.feed(1, atNs, receiver);
    this.#sampler.feed(0, atNs, receiver);
    this.#armSampled();
  }

  #raise(): void {
    const nowNs = this.#clock.now();
    this.#lineLow = false;
    this.#sampler.feed(0, nowNs, this.#options.receiver());
    this.#sampler.feed(1, nowNs, this.#options.receiver());
    this.#endNs = nowNs + Math.ceil(1e9 / this.#options.transmitter().baudRate);
    this.#busy = true;
    this.#unchanged = -1;
    this.#clock.schedule(this.#pacer, this.#endNs);
    this.#armSampled();
  }

  /** What is on the line has passed. A late clock (wall time) catches up here with everything that is due. */
  #ended(): void {
    const nowNs = this.#clock.now();
    do {
      const byte = this.#unchanged;
      this.#unchanged = -1;
      if (byte >= 0) this.#options.deliver(byte, 0);
      else this.#deliverComplete(nowNs - 1);
      if (this.#stopped) return;
      this.#busy = false;
      if (this.#breakHeld) {
        this.#lower(this.#endNs);
        return;
      }
    } while (this.#next(this.#endNs) && this.#endNs <= nowNs);
    if (this.#busy) this.#clock.schedule(this.#pacer, this.#endNs);
    else this.#options.idle?.();
  }

  #deliverSampled(): void {
    const nowNs = this.#clock.now();
    if (this.#busy && this.#endNs < nowNs) {
      // A late clock came here first. What followed on the line must be known before its level is taken for idle.
      this.#clock.cancel(this.#pacer);
      this.#ended();
    }
    if (this.#sampler.knownUntilNs < nowNs) this.#sampler.feed(this.#lineLow ? 0 : 1, nowNs, this.#options.receiver());
    this.#deliverComplete(nowNs);
    if (!this.#stopped) this.#armSampled();
  }

  /** Hands over what the sampler had complete at `untilNs`. */
  #deliverComplete(untilNs: number): void {
    for (let found = this.#sampler.take(untilNs); found >= 0 && !this.#stopped; found = this.#sampler.take(untilNs))
      this.#options.deliver(found & 0xff, found >> 8);
  }

  #armSampled(): void {
    const endNs = this.#sampler.nextEndNs();
    if (endNs < Number.POSITIVE_INFINITY) this.#clock.schedule(this.#sampled, endNs);
  }
}
