/** The host controller's side of one endpoint: transfers that wait for it, and how far the first one is. */

import type { TransferType, Urb } from '../../base/index.js';
import { HalError } from '../errors.js';

/** More transfers than this never wait for one endpoint: their host has lost its pacing. */
export const PIPE_LIMIT = 1024;

/** A queue that allocates only when it grows. */
export class Pipe {
  /** Bytes of the first transfer that have crossed the bus. */
  progress = 0;
  /** The device answered NAK and has not said that it would answer otherwise. */
  asleep = false;
  /** When an interrupt endpoint may be asked next. */
  dueNs = 0;
  /** The first transfer was taken back while a packet of it was on the bus. */
  cancelled = false;
  /** Where a control transfer is. */
  stage: 'setup' | 'data' | 'status' = 'setup';
  /** A zero-length packet is still to be sent behind the data. */
  trailer = false;
  #urbs: (Urb | undefined)[] = new Array(16).fill(undefined);
  #start = 0;
  #count = 0;

  constructor(
    readonly address: number,
    readonly type: TransferType,
    readonly maxPacketBytes: number,
    /** Polling period of an interrupt endpoint. */
    readonly intervalNs: number,
  ) {}

  get count(): number {
    return this.#count;
  }

  get first(): Urb | undefined {
    return this.#count === 0 ? undefined : this.#urbs[this.#start];
  }

  /** Throws `HAL_OVERRUN` beyond `PIPE_LIMIT`. */
  push(urb: Urb): void {
    if (this.#count === PIPE_LIMIT)
      throw new HalError('HAL_OVERRUN', `more than ${PIPE_LIMIT} transfers would wait for one endpoint`, {
        hint: 'Wait for transfers to complete before submitting more.',
      });
    if (this.#count === this.#urbs.length) {
      const old = this.#urbs;
      this.#urbs = Array.from({ length: 2 * old.length }, (_, i) =>
        i < old.length ? old[(this.#start + i) % old.length] : undefined,
      );
      this.#start = 0;
    }
    this.#urbs[(this.#start + this.#count++) % this.#urbs.length] = urb;
  }

  /** Takes the first one out and makes ready for the next. */
  shift(): Urb | undefined {
    const urb = this.first;
    if (urb === undefined) return undefined;
    this.#urbs[this.#start] = undefined;
    this.#start = (this.#start + 1) % this.#urbs.length;
    this.#count--;
    this.progress = 0;
    this.cancelled = false;
    this.stage = 'setup';
    this.trailer = false;
    return urb;
  }

  /** Takes one out that is not the first; false when it does not wait here. */
  remove(urb: Urb): boolean {
    for (let i = 0; i < this.#count; i++) {
      if (this.#urbs[(this.#start + i) % this.#urbs.length] !== urb) continue;
      for (let k = i; k + 1 < this.#count; k++)
        this.#urbs[(this.#start + k) % this.#urbs.length] = this.#urbs[(this.#start + k + 1) % this.#urbs.length];
      this.#count--;
      this.#urbs[(this.#start + this.#count) % this.#urbs.length] = undefined;
      return true;
    }
    return false;
  }
}
