/** Hosts in the calling thread: for a cell, whose main thread owns its device and which ends with it. */

import { HalError } from '../errors.js';
import { type AnyHost, type HostConnection, type HostProvider, loadHost } from './host-connection.js';
import { DEFAULT_REQUEST_MS, HostRequestError, requestTimeout } from './host-process.js';
import type { HostExchange, RequestTable } from './protocol.js';
import { failureOf } from './serve-host.js';

/**
 * The library runs in this thread; there is no child and no message, and `onLost` never comes. Errors look as those of a
 * process do. A crash or a hang of the library is one of the whole thread, so whoever uses it is supervised by another process.
 */
export class LocalHost<
  Requests extends RequestTable<Requests>,
  Event extends object = never,
  Message extends object = never,
> implements HostConnection<Requests, Event, Message>
{
  readonly pid = process.pid;
  readonly #where: string;
  readonly #loading: Promise<AnyHost>;
  #host: AnyHost | undefined;
  #ended: Promise<void> | undefined;
  onEvent: (event: Event) => void = () => {};
  onLost: (error: HalError) => void = () => {};
  onAnswered: (exchange: HostExchange) => void = () => {};

  constructor(factory: URL, where: string) {
    this.#where = where;
    this.#loading = loadHost(factory.href, (event) => {
      if (this.#ended === undefined) this.onEvent(event as Event);
    });
    this.#loading.then(
      (host) => {
        this.#host = host;
      },
      // Told by the first request.
      () => {},
    );
  }

  request<Op extends keyof Requests & string>(
    op: Op,
    args: Requests[Op]['args'],
    deadlineMs = DEFAULT_REQUEST_MS,
  ): Promise<Requests[Op]['answer']> {
    if (this.#ended !== undefined) return Promise.reject(this.#closed(op));
    return new Promise((resolve, reject) => {
      const deadline =
        deadlineMs === Number.POSITIVE_INFINITY
          ? undefined
          : setTimeout(() => reject(requestTimeout(this.#where, op, deadlineMs)), deadlineMs);
      this.#ask(op, structuredClone(args))
        .then(resolve, (error: unknown) => reject(new HostRequestError(failureOf(error))))
        .finally(() => clearTimeout(deadline));
    });
  }

  send(message: Message): void {
    this.#host?.hear?.(message);
  }

  end(): Promise<void> {
    this.#ended ??= this.#loading.then((host) => host.end?.()).catch(() => {});
    return this.#ended;
  }

  async #ask(op: string, args: unknown): Promise<unknown> {
    const askedNs = process.hrtime.bigint();
    const host = this.#host ?? (await this.#loading);
    const heardNs = process.hrtime.bigint();
    const answer = await host.handlers[op](args);
    const doneNs = process.hrtime.bigint();
    this.onAnswered({ op, askedNs, heardNs, doneNs, answeredNs: doneNs });
    return answer;
  }

  #closed(op: string): HalError {
    return new HalError('HAL_CLOSED', `${op}: ${this.#where} is closed`, { where: this.#where });
  }
}

/** Every connection in the calling thread. */
export const LOCAL_HOSTS: HostProvider = {
  connect: (factory, where) => new LocalHost(factory, where),
};
