/** Interrupts that come as four bytes from a descriptor, as Linux's UIO gives them (uio-howto, "Interrupts"). */

import { closeSync, readSync } from 'node:fs';
import { HalError } from '../../errors.js';
import { type MemoryCalls, POLL } from './memory-calls.js';

/** A wait is this long: a thread of the pool is free again so long after `close`, and a process that exits waits no longer. */
const WAIT_MS = 100;
const COUNT_BYTES = 4;
const ENDED = POLL.error | POLL.hangUp | POLL.invalid;

export interface InterruptDescriptorOptions {
  /** As a person names the board. */
  readonly where: string;
  /** Closed by `close`. */
  readonly fd: number;
  readonly calls: MemoryCalls;
  /** The board has asked for service; nothing more comes until its line is let through again. */
  fired(): void;
  /** The descriptor has ended; at most once, and not after `close`. */
  lost(error: HalError): void;
}

export class InterruptDescriptor {
  readonly #options: InterruptDescriptorOptions;
  readonly #count = new Uint8Array(COUNT_BYTES);
  readonly #waited = (events: number): void => this.#hear(events);
  #isClosed = false;
  #isWaiting = false;

  constructor(options: InterruptDescriptorOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#isClosed || this.#isWaiting) return;
    this.#isWaiting = true;
    this.#options.calls.wait(this.#options.fd, WAIT_MS, this.#waited);
  }

  /** Idempotent, also from inside `fired` and `lost`. The descriptor itself is closed when nobody waits for it any more, within 100 ms. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isWaiting) closeSync(this.#options.fd);
  }

  #hear(events: number): void {
    this.#isWaiting = false;
    if (this.#isClosed) closeSync(this.#options.fd);
    else if ((events & POLL.in) !== 0) this.#serve();
    else if ((events & ENDED) !== 0) this.#lose('its descriptor has ended', undefined);
    else this.start();
  }

  #serve(): void {
    if (!this.#take()) return;
    this.#options.fired();
    this.start();
  }

  /** A count that was taken says that there was an interrupt; how many they were does not matter to a level. */
  #take(): boolean {
    try {
      if (readSync(this.#options.fd, this.#count, 0, COUNT_BYTES, null) === COUNT_BYTES) return true;
      this.#lose('its descriptor gave no whole count', undefined);
    } catch (error) {
      this.#lose(`its interrupt cannot be read: ${(error as Error).message}`, error);
    }
    return false;
  }

  #lose(why: string, cause: unknown): void {
    const { where, lost } = this.#options;
    lost(
      new HalError('HAL_DISCONNECTED', `${where} is gone: ${why}`, {
        where,
        cause,
        hint: 'The driver was unbound or the process behind the board has ended; bind or start it again.',
      }),
    );
  }
}
