/** One device's seat in the I/O process, as the rig process sees it. */

import { HalError } from '../errors.js';
import type { HostConnection } from './host-connection.js';
import { DEFAULT_REQUEST_MS } from './host-process.js';
import type { IoChild } from './io-process.js';
import type { HostExchange } from './protocol.js';

export interface IoSeatOptions {
  readonly number: number;
  readonly where: string;
  readonly factory: URL;
  /** The process, once it runs. */
  readonly child: Promise<IoChild>;
  /** Told when the seat is free again. */
  readonly left: () => void;
}

type Requests = Record<string, { args: unknown; answer: unknown }>;

/** Made by `IoProcess.connect`. The error of a loss names this seat's device. */
export class IoSeat implements HostConnection<Requests, object, object> {
  readonly #options: IoSeatOptions;
  readonly #taken: Promise<IoChild>;
  #child: IoChild | undefined;
  #lost: HalError | undefined;
  #ended: Promise<void> | undefined;
  onEvent: (event: object) => void = () => {};
  onLost: (error: HalError) => void = () => {};
  onAnswered: (exchange: HostExchange) => void = () => {};

  constructor(options: IoSeatOptions) {
    this.#options = options;
    this.#taken = this.#take();
    // Told by the first request.
    this.#taken.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#lost === undefined ? this.#child?.pid : undefined;
  }

  async request(op: string, args: unknown, deadlineMs = DEFAULT_REQUEST_MS): Promise<unknown> {
    const { number, where } = this.#options;
    if (this.#ended !== undefined) throw new HalError('HAL_CLOSED', `${op}: ${where} is closed`, { where });
    try {
      const child = this.#child ?? (await this.#taken);
      const answered = (exchange: HostExchange): void => this.onAnswered(exchange);
      return await child.request('call', { seat: number, op, args }, deadlineMs, { where, what: op, answered });
    } catch (error) {
      throw this.#named(error);
    }
  }

  send(body: object): void {
    this.#child?.send({ seat: this.#options.number, body });
  }

  hear(body: object): void {
    if (this.#ended === undefined) this.onEvent(body);
  }

  /** The process is gone. */
  lose(error: HalError): void {
    const lost = this.#named(error) as HalError;
    if (this.#ended === undefined) this.onLost(lost);
  }

  end(): Promise<void> {
    this.#ended ??= this.#leave();
    return this.#ended;
  }

  async #take(): Promise<IoChild> {
    const { number, factory, child, where } = this.#options;
    const running = await child;
    const subject = { where, what: 'open', answered: () => {} };
    await running.request('take', { seat: number, factory: factory.href }, undefined, subject);
    this.#child = running;
    return running;
  }

  async #leave(): Promise<void> {
    const { number, left } = this.#options;
    try {
      const child = await this.#taken;
      await child.request('leave', number);
    } catch {
      // The process is gone, and with it whatever the seat held.
    } finally {
      left();
    }
  }

  /** What the process was lost by, in the words of this seat: the same error each time. */
  #named(error: unknown): unknown {
    if (!(error instanceof HalError) || error.code !== 'HAL_HOST_PROCESS') return error;
    const { where } = this.#options;
    this.#lost ??= new HalError('HAL_HOST_PROCESS', `${where}: ${error.message}`, {
      where,
      cause: error,
      hint: error.hint ?? 'Open the device again.',
    });
    return this.#lost;
  }
}
