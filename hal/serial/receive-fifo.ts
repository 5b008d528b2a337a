/** The FIFO of a UART or a USB adapter and the software that empties it: where characters wait, and where they get lost. */

import { ByteQueue, type Clock, Timer } from '../../base/index.js';
import { HalError } from '../errors.js';
import { LINE_STATUS } from './serial-port.js';

/** How one end takes what it receives. Left out entirely, every character is taken the moment it is complete. */
export interface ReceiverOptions {
  /** Characters held before one is lost (NS16550A: 16, FT232R: 128); default 16. */
  readonly rxFifoDepth?: number;
  /** Service is requested when so many characters wait (NS16550A: 1, 4, 8, 14; FT232R: 62); default 1. */
  readonly rxTriggerLevel?: number;
  /** Service is requested when the oldest character has waited so long (NS16550A: 4 characters, FTDI latency timer: 16 ms); default: never. */
  readonly rxTimeoutNs?: number;
  /** From the request until the software empties the FIFO (interrupt latency, polling); default 0. */
  readonly serviceDelayNs?: number;
}

/**
 * A receive FIFO. When it is full the newest character is lost and the next character taken carries `LINE_STATUS.overrun`
 * (PC16550D, section 8.4, bit 1 of the LSR). While held nobody empties it. Allocates nothing per character.
 */
export class ReceiveFifo {
  readonly #clock: Clock;
  readonly #deliver: (byte: number, lineStatus: number) => void;
  readonly #queue: ByteQueue;
  readonly #triggerLevel: number;
  readonly #timeoutNs: number;
  readonly #delayNs: number;
  readonly #service = new Timer(() => this.#empty());
  #requested = false;
  #held = false;
  #overrun = 0;
  #lost = 0;

  constructor(clock: Clock, options: ReceiverOptions, deliver: (byte: number, lineStatus: number) => void) {
    const depth = options.rxFifoDepth ?? 16;
    const trigger = options.rxTriggerLevel ?? 1;
    if (!Number.isInteger(depth) || depth < 1 || depth > 1 << 20)
      throw new HalError('HAL_INVALID', `rxFifoDepth ${depth} is not a whole number from 1 to ${1 << 20}`);
    if (!Number.isInteger(trigger) || trigger < 1 || trigger > depth)
      throw new HalError('HAL_INVALID', `rxTriggerLevel ${trigger} is not a whole number from 1 to the depth ${depth}`);
    this.#clock = clock;
    this.#deliver = deliver;
    this.#queue = new ByteQueue(depth);
    this.#triggerLevel = trigger;
    this.#timeoutNs = options.rxTimeoutNs ?? Number.POSITIVE_INFINITY;
    this.#delayNs = options.serviceDelayNs ?? 0;
  }

  /** Characters lost so far. */
  get lost(): number {
    return this.#lost;
  }

  /** Characters waiting now. */
  get waiting(): number {
    return this.#queue.length;
  }

  push(byte: number, lineStatus: number): void {
    if (!this.#queue.push(byte, lineStatus)) {
      this.#lost++;
      this.#overrun = LINE_STATUS.overrun;
      return;
    }
    this.#request();
  }

  /** The software stops emptying the FIFO: a stalled host. */
  hold(): void {
    this.#held = true;
    this.#clock.cancel(this.#service);
    this.#requested = false;
  }

  /** The software is back and empties the FIFO at once. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#empty();
  }

  /** Drops what waits. */
  stop(): void {
    this.#clock.cancel(this.#service);
    this.#queue.clear();
  }

  #request(): void {
    if (this.#held || this.#requested) return;
    if (this.#queue.length >= this.#triggerLevel) {
      this.#requested = true;
      if (this.#delayNs === 0) this.#empty();
      else this.#clock.schedule(this.#service, this.#clock.now() + this.#delayNs);
    } else if (this.#queue.length === 1 && this.#timeoutNs < Number.POSITIVE_INFINITY) {
      this.#clock.schedule(this.#service, this.#clock.now() + this.#timeoutNs + this.#delayNs);
    }
  }

  #empty(): void {
    this.#clock.cancel(this.#service);
    this.#requested = false;
    // Only what waits now: a receiver that causes more characters cannot keep this loop going.
    for (let left = this.#queue.length; left > 0 && !this.#held && this.#queue.length > 0; left--) {
      const status = this.#queue.peekStatus() | this.#overrun;
      this.#overrun = 0;
      this.#deliver(this.#queue.shift(), status);
    }
    if (this.#queue.length > 0) this.#request();
  }
}
