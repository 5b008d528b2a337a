/** The transmitter half of an NS16550A: FIFO, shift register, byte time, and when the holding register counts as empty. */

import { ByteQueue, type Clock, Timer } from '../../base/index.js';
import { FIFO_DEPTH, LSR } from './ns16550a-registers.js';

export interface TransmitterEvents {
  /** The last stop bit of `byte` has left. */
  sent(byte: number): void;
  /** LSR or the interrupt state changed by the passing of time. */
  changed(): void;
}

/**
 * Transmitter FIFO, shift register and their part of LSR. Back-to-back characters keep the exact phase of the baud
 * rate: their ends are rounded to the nanosecond one by one, not added up.
 */
export class Transmitter {
  /** Duration of one character and of one bit, in ns; the owner keeps them up to date. Characters of no duration leave at once. */
  characterNs = 0;
  bitNs = 0;
  /** The THRE interrupt stands: raised when THR or its FIFO ran empty, reset by IIR read or THR write. */
  interruptPending = false;
  readonly #clock: Clock;
  readonly #events: TransmitterEvents;
  readonly #fifo = new ByteQueue(FIFO_DEPTH);
  readonly #timer = new Timer(() => this.#fire());
  #fifoEnabled = false;
  #thre = true;
  /** Character in the shift register, -1 when it is empty. */
  #shifting = -1;
  /** When its last bit ends, not rounded. */
  #endNs = 0;
  /** Most characters that stood in the FIFO at once since THRE was last set. */
  #peak = FIFO_DEPTH;
  #threDelayed = false;

  constructor(clock: Clock, events: TransmitterEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** THRE and TEMT. */
  get lineStatus(): number {
    if (!this.#thre) return 0;
    return this.#shifting < 0 ? LSR.THRE | LSR.TEMT : LSR.THRE;
  }

  /** THR. A full FIFO loses the new character; without FIFO it replaces the one that waits. */
  write(byte: number): void {
    if (this.characterNs === 0) {
      this.interruptPending = true;
      this.#events.sent(byte);
      return;
    }
    this.interruptPending = false;
    this.#thre = false;
    if (!this.#fifoEnabled) this.#fifo.clear();
    this.#fifo.push(byte);
    this.#peak = Math.max(this.#peak, this.#fifo.length);
    if (this.#shifting < 0) this.#start(this.#clock.now());
    else if (this.#threDelayed) this.#endDelay();
  }

  /** XMIT FIFO reset; the shift register goes on. */
  clear(): void {
    this.#fifo.clear();
    if (this.#threDelayed) this.#endDelay();
    if (!this.#thre) this.#empty();
  }

  /** Turning the FIFOs on or off clears them; the next THRE indication comes at once ("FIFO Interrupt Mode Operation"). */
  setFifo(enabled: boolean): void {
    if (enabled === this.#fifoEnabled) return;
    this.#fifoEnabled = enabled;
    this.clear();
    this.#peak = FIFO_DEPTH;
  }

  /** IER's ETBEI was set: an empty holding register interrupts at once. */
  interruptEnabled(): void {
    if (this.#thre) this.interruptPending = true;
  }

  #start(startNs: number): void {
    this.#shifting = this.#fifo.shift();
    this.#endNs = startNs + this.characterNs;
    // One character at a time: the indication waits for its end less the last stop bit ("FIFO Interrupt Mode Operation").
    this.#threDelayed = this.#fifo.length === 0 && this.#fifoEnabled && this.#peak < 2;
    if (this.#threDelayed) {
      this.#clock.schedule(this.#timer, Math.round(this.#endNs - this.bitNs));
      return;
    }
    if (this.#fifo.length === 0) this.#empty();
    this.#clock.schedule(this.#timer, Math.round(this.#endNs));
  }

  #empty(): void {
    this.#thre = true;
    this.interruptPending = true;
    this.#peak = 0;
  }

  #endDelay(): void {
    this.#threDelayed = false;
    this.#clock.schedule(this.#timer, Math.round(this.#endNs));
  }

  #fire(): void {
    if (this.#threDelayed) {
      this.#endDelay();
      this.#empty();
    } else {
      const byte = this.#shifting;
      this.#shifting = -1;
      if (this.#fifo.length > 0) this.#start(this.#endNs);
      this.#events.sent(byte);
    }
    this.#events.changed();
  }
}
