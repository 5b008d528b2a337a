/** Transfers of one endpoint over a library that takes one at a time and cannot take one back. */

import { URB_STATUS, type Urb } from '../../base/index.js';
import { HalError } from '../errors.js';

export interface LaneOptions {
  readonly isInbound: boolean;
  readonly packetBytes: number;
  /** Performs a transfer of `length` bytes; a rejection's `partial` are bytes that came. */
  run(urb: Urb, length: number): Promise<{ status: number; bytes: Uint8Array; actualLength: number }>;
  completed(urb: Urb): void;
  failed(error: unknown): void;
}

/** In order, one at the library at a time. What comes for a transfer that was taken back is kept for the next. */
export class TransferLane {
  readonly #options: LaneOptions;
  readonly #queue: Urb[] = [];
  /** Packets that came for nobody. */
  readonly #kept: Uint8Array[] = [];
  #running: Urb | undefined;
  #busy = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  submit(urb: Urb): void {
    this.#queue.push(urb);
    queueMicrotask(() => void this.#next());
  }

  cancel(urb: Urb): void {
    const index = this.#queue.indexOf(urb);
    if (index < 0) return;
    this.#queue.splice(index, 1);
    if (this.#running === urb) this.#running = undefined;
    this.#complete(urb, URB_STATUS.unlinked, 0);
  }

  endAll(status: number): void {
    this.#running = undefined;
    for (const urb of this.#queue.splice(0)) this.#complete(urb, status, 0);
  }

  async #next(): Promise<void> {
    while (!this.#busy && this.#queue.length > 0) {
      const [urb] = this.#queue;
      const kept = this.#kept.shift();
      if (kept !== undefined) {
        this.#take(urb, URB_STATUS.ok, kept, kept.length);
        continue;
      }
      this.#busy = true;
      this.#running = urb;
      await this.#perform(urb);
      this.#busy = false;
    }
  }

  async #perform(urb: Urb): Promise<void> {
    const { isInbound, packetBytes } = this.#options;
    const length = isInbound ? Math.ceil(urb.length / packetBytes) * packetBytes : urb.length;
    try {
      const { status, bytes, actualLength } = await this.#options.run(urb, length);
      this.#arrived(urb, status, bytes, actualLength);
    } catch (error) {
      const partial = error instanceof HalError ? (error.partial ?? NOTHING) : NOTHING;
      this.#arrived(urb, statusOfError(error), partial, partial.length);
      this.#options.failed(error);
    }
  }

  /** The transfer may have been taken back meanwhile; then what came goes to the one that waits now, or is kept. */
  #arrived(urb: Urb, status: number, bytes: Uint8Array, actualLength: number): void {
    if (this.#running === urb) {
      this.#running = undefined;
      this.#take(urb, status, bytes, actualLength);
      return;
    }
    if (bytes.length > 0) this.#kept.push(bytes.slice());
  }

  #take(urb: Urb, status: number, bytes: Uint8Array, actualLength: number): void {
    const index = this.#queue.indexOf(urb);
    if (index >= 0) this.#queue.splice(index, 1);
    if (!urb.inbound) {
      this.#complete(urb, status, actualLength);
      return;
    }
    const count = Math.min(bytes.length, urb.length);
    urb.data.set(bytes.subarray(0, count));
    this.#complete(urb, bytes.length > urb.length ? URB_STATUS.overflow : status, count);
  }

  #complete(urb: Urb, status: number, actualLength: number): void {
    urb.status = status;
    urb.actualLength = actualLength;
    this.#options.completed(urb);
  }
}

const NOTHING = new Uint8Array(0);

function statusOfError(error: unknown): number {
  if (!(error instanceof HalError)) return URB_STATUS.protocol;
  switch (error.code) {
    case 'HAL_DISCONNECTED':
    case 'HAL_HOST_PROCESS':
    case 'HAL_CLOSED':
      return URB_STATUS.shutdown;
    case 'HAL_STALL':
      return URB_STATUS.stall;
    case 'HAL_INVALID':
    case 'HAL_UNSUPPORTED':
      return URB_STATUS.invalid;
    default:
      return URB_STATUS.protocol;
  }
}
