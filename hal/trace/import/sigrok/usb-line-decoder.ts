/** Recovers USB packets from the edges of D+ and D-: line states, SYNC, NRZI, bit stuffing, EOP (USB 2.0, section 7.1). */

export type UsbWireSpeed = 'full' | 'low';

export const USB_BIT_RATE: Readonly<Record<UsbWireSpeed, number>> = { full: 12_000_000, low: 1_500_000 };

/** What was wrong with a packet on the wire; its bytes cannot be trusted. */
export type UsbLineError = 'bit stuffing' | 'no end of packet' | 'broken off inside a byte' | 'too long';

export interface UsbPacketListener {
  /**
   * A packet: `length` bytes from the PID on, overwritten by the next. It began with the first edge of its SYNC at
   * `startSample`; its EOP began at `endSample`.
   */
  packet(
    bytes: Uint8Array,
    length: number,
    startSample: number,
    endSample: number,
    error: UsbLineError | undefined,
  ): void;
  /** Both lines were low for 2.5 µs or more and had not been so from the beginning: the host resets the bus, or the device was away. */
  reset(startSample: number, endSample: number): void;
}

/** Line states; J is the idle state of the speed. */
const J = 0;
const K = 1;
const ZERO = 2;
const ONE = 3;

/** PID, 1023 bytes, CRC-16, and some to spare: isochronous packets are the longest there are at these speeds. */
const MAX_PACKET = 1040;
const STUFF_AFTER = 6;
const RESET_NS = 2500;

/** Zeros in front of a SYNC's one that must be seen: hubs may swallow some of the seven. */
const SYNC_ZEROS = 3;

/**
 * Needs no clock of its own: every edge begins a zero, and the time to the next edge tells how many ones follow it, so
 * four samples a bit are enough. States in between, while one line has changed and the other has not, are shorter than a bit
 * and belong to the edge. Allocates nothing.
 */
export class UsbLineDecoder {
  readonly #bitSamples: number;
  readonly #resetSamples: number;
  readonly #listener: UsbPacketListener;
  /** Line state by levels: bit 0 D+, bit 1 D-. */
  readonly #states: readonly number[];
  readonly #bytes = new Uint8Array(MAX_PACKET);
  /** J or K, also through short states in between; -1 while nothing is known. */
  #state = -1;
  /** When it began. */
  #since = 0;
  /** Start of a state that is neither J nor K, -1 outside. */
  #gap = -1;
  #start = -1;
  #synced = false;
  #zeros = 0;
  #ones = 0;
  #shift = 0;
  #bits = 0;
  #length = 0;
  #error: UsbLineError | undefined;

  constructor(speed: UsbWireSpeed, samplesPerSecond: number, listener: UsbPacketListener) {
    this.#bitSamples = samplesPerSecond / USB_BIT_RATE[speed];
    this.#resetSamples = (samplesPerSecond * RESET_NS) / 1e9;
    this.#listener = listener;
    this.#states = speed === 'full' ? [ZERO, J, K, ONE] : [ZERO, K, J, ONE];
  }

  /** Start of the packet that is under way, `Infinity` between packets. */
  get openSample(): number {
    return this.#start < 0 ? Number.POSITIVE_INFINITY : this.#start;
  }

  /** From `sample` on the lines have these levels: bit 0 D+, bit 1 D-. */
  edge(sample: number, levels: number): void {
    const state = this.#states[levels & 3];
    if (state === ZERO || state === ONE) {
      if (this.#gap < 0) this.#gap = sample;
      return;
    }
    if (this.#gap < 0) {
      this.#change(sample, state);
      return;
    }
    const gap = this.#gap;
    const length = sample - gap;
    this.#gap = -1;
    if (length < this.#bitSamples * 0.85) this.#change(gap + length / 2, state);
    else this.#leaveGap(gap, sample, state);
  }

  /** The lines have not changed in front of `sample`: a packet that cannot end any more is given up. */
  advance(sample: number): void {
    if (this.#gap < 0 && this.#start >= 0 && sample - this.#since > 16 * this.#bitSamples) this.#abandon(this.#since);
  }

  #change(at: number, state: number): void {
    if (state === this.#state) return;
    if (this.#state >= 0) {
      if (this.#start >= 0) this.#run(at);
      else if (state === K) this.#begin(at);
    }
    this.#state = state;
    this.#since = at;
  }

  #leaveGap(gap: number, sample: number, state: number): void {
    if (this.#start >= 0) {
      this.#run(gap);
      this.#end(gap);
    }
    if (this.#state >= 0 && sample - gap >= this.#resetSamples) this.#listener.reset(gap, sample);
    this.#state = state;
    this.#since = sample;
    // A K right behind an EOP is no packet: those begin out of J.
  }

  #begin(at: number): void {
    this.#start = at;
    this.#synced = false;
    this.#zeros = 0;
    this.#ones = 0;
    this.#shift = 0;
    this.#bits = 0;
    this.#length = 0;
    this.#error = undefined;
  }

  /** The state has lasted until `at`: a zero at its beginning, ones behind it. */
  #run(at: number): void {
    const count = Math.max(1, Math.round((at - this.#since) / this.#bitSamples));
    if (count > 16) {
      this.#abandon(this.#since);
      return;
    }
    if (this.#ones === STUFF_AFTER) this.#ones = 0;
    else this.#bit(0);
    for (let i = 1; i < count; i++) this.#bit(1);
  }

  #bit(bit: number): void {
    if (!this.#synced) {
      if (bit === 0) {
        this.#zeros++;
        return;
      }
      this.#synced = this.#zeros >= SYNC_ZEROS;
      this.#zeros = 0;
      this.#ones = 1;
      return;
    }
    if (bit === 0) this.#ones = 0;
    else if (++this.#ones > STUFF_AFTER) this.#error ??= 'bit stuffing';
    this.#shift |= bit << this.#bits;
    if (++this.#bits < 8) return;
    if (this.#length < MAX_PACKET) this.#bytes[this.#length++] = this.#shift;
    else this.#error ??= 'too long';
    this.#shift = 0;
    this.#bits = 0;
  }

  #end(at: number): void {
    const start = this.#start;
    this.#start = -1;
    if (!this.#synced || (this.#length === 0 && this.#bits === 0)) return;
    // One bit more is what hubs may add in front of an EOP (USB 2.0, section 7.1.9).
    if (this.#bits > 1 || this.#length === 0) this.#error ??= 'broken off inside a byte';
    this.#listener.packet(this.#bytes, this.#length, start, at, this.#error);
  }

  /** The lines stay where they are and no EOP has come. Without a SYNC it was no packet: a resume, noise. */
  #abandon(at: number): void {
    const start = this.#start;
    this.#start = -1;
    if (this.#synced) this.#listener.packet(this.#bytes, this.#length, start, at, 'no end of packet');
  }
}
