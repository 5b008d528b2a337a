/** Input reports between a device and whoever takes them: queued, bounded, read one by one or given to listeners. */

import { EventEmitter } from 'node:events';
import { type Clock, NS_PER_MS, Timer } from '../../base/index.js';
import { HalError } from '../errors.js';
import type { HidEvents } from './hid-device.js';

interface PendingRead {
  readonly resolve: (report: Buffer | undefined) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer | undefined;
}

type Listener = (...args: unknown[]) => void;

/** The receiving half of a `HidDevice`; its guarantees are those of that contract. */
export class ReportInbox {
  readonly #where: string;
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #emitter = new EventEmitter<HidEvents>();
  readonly #queue: Buffer[] = [];
  #read: PendingRead | undefined;
  #paused = false;
  #flowing = false;
  #told = false;
  #closed = false;
  /** Reports dropped because nobody took them in time. */
  lost = 0;
  /** Why nothing comes any more. */
  failure: HalError | undefined;

  /** Keeps at most `limit` reports. */
  constructor(where: string, clock: Clock, limit: number) {
    this.#where = where;
    this.#clock = clock;
    this.#limit = limit;
  }

  get closed(): boolean {
    return this.#closed;
  }

  on<E extends keyof HidEvents>(method: 'on' | 'once', event: E, listener: (...args: HidEvents[E]) => void): void {
    (this.#emitter as EventEmitter)[method](event, listener as Listener);
    // What waits comes once whoever listens has finished setting up.
    queueMicrotask(() => this.#flow());
  }

  off<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): void {
    (this.#emitter as EventEmitter).off(event, listener as Listener);
  }

  async read(timeoutMs?: number): Promise<Buffer | undefined> {
    const where = this.#where;
    if (this.#closed) throw this.closedError('read');
    if (this.#read !== undefined) throw new HalError('HAL_INVALID', `a read of ${where} is already waiting`, { where });
    if (this.#emitter.listenerCount('data') > 0)
      throw new HalError('HAL_INVALID', `read: the reports of ${where} go to its listeners`, { where });
    const first = this.#queue.shift();
    if (first !== undefined) return first;
    if (this.failure !== undefined) throw this.failure;
    if (timeoutMs !== undefined && !(timeoutMs > 0)) return undefined;
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === undefined
          ? undefined
          : new Timer(() => {
              this.#read = undefined;
              resolve(undefined);
            });
      this.#read = { resolve, reject, timer };
      if (timer !== undefined && timeoutMs !== undefined)
        this.#clock.schedule(timer, this.#clock.now() + Math.round(timeoutMs * NS_PER_MS));
    });
  }

  /** A report has come; the buffer is the inbox's from now on. */
  push(report: Buffer): void {
    if (this.#closed || this.failure !== undefined) return;
    if (this.#read !== undefined) {
      this.#settleRead(({ resolve }) => resolve(report));
      return;
    }
    this.#queue.push(report);
    this.#flow();
    if (this.#queue.length <= this.#limit) return;
    this.#queue.shift();
    this.lost++;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#flow();
  }

  /** Nothing comes any more; what is queued can still be taken. The first reason stays. */
  fail(error: HalError): void {
    if (this.#closed || this.failure !== undefined) return;
    this.failure = error;
    this.#settleRead(({ reject }) => reject(error));
    this.#flow();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#settleRead(({ reject }) => reject(this.closedError('read')));
    this.#queue.length = 0;
  }

  /** Tells that the device has been closed. */
  announceClose(): void {
    this.#emitter.emit('close');
    this.#emitter.removeAllListeners();
  }

  closedError(what: string): HalError {
    return new HalError('HAL_CLOSED', `${what}: ${this.#where} is closed`, { where: this.#where });
  }

  /** Hands reports to the listeners, then the failure, if there is one. A listener may call anything. */
  #flow(): void {
    if (this.#flowing) return;
    this.#flowing = true;
    while (!this.#paused && !this.#closed && this.#emitter.listenerCount('data') > 0) {
      const first = this.#queue.shift();
      if (first === undefined) break;
      this.#deliver(first);
    }
    this.#flowing = false;
    if (this.failure === undefined || this.#told || this.#queue.length > 0 || this.#closed) return;
    if (this.#emitter.listenerCount('error') === 0) return;
    this.#told = true;
    this.#emitter.emit('error', this.failure);
  }

  /** Every listener gets a copy of its own; one that throws fails by itself and takes no report from anybody. */
  #deliver(report: Buffer): void {
    for (const listener of this.#emitter.rawListeners('data') as ((report: Buffer) => void)[])
      try {
        listener.call(this.#emitter, Buffer.from(report));
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
  }

  #settleRead(settle: (read: PendingRead) => void): void {
    const read = this.#read;
    if (read === undefined) return;
    this.#read = undefined;
    if (read.timer !== undefined) this.#clock.cancel(read.timer);
    settle(read);
  }
}
