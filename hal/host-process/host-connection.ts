/** How a device speaks with whatever owns its library: a process of its own, a seat in a shared one, or the calling thread. */

import type { HalError } from '../errors.js';
import type { HostExchange, RequestTable } from './protocol.js';
import type { HostHandlers, HostService } from './serve-host.js';

/**
 * The outer side. Requests reject with `HostRequestError` (the library's own words), `HAL_TIMEOUT` after their deadline
 * (milliseconds of wall time; `Infinity`: the host watches the time itself), or `HAL_HOST_PROCESS` once the host is lost.
 * Requests and messages reach the host in the order in which they were given, its events come in the order of the host.
 */
export interface HostConnection<
  Requests extends RequestTable<Requests>,
  Event extends object = never,
  Message extends object = never,
> {
  /** The process that has the library. */
  readonly pid: number | undefined;
  /** What the host sends of itself. Bytes in it are the receiver's. */
  onEvent: (event: Event) => void;
  /** The host is lost without having been ended. Told once; whatever waited has rejected with the same error. */
  onLost: (error: HalError) => void;
  /** Told of each request that was answered, before whoever asked is. Requests that failed are not told. */
  onAnswered: (exchange: HostExchange) => void;
  request<Op extends keyof Requests & string>(
    op: Op,
    args: Requests[Op]['args'],
    deadlineMs?: number,
  ): Promise<Requests[Op]['answer']>;
  send(message: Message): void;
  /** Gives the device back. Resolves when it is free. */
  end(): Promise<void>;
}

/** The inner side: one device's library and its state. `end` gives back what was not closed. */
export interface DeviceHost<Requests extends RequestTable<Requests>, Message extends object = never>
  extends HostService<Message> {
  readonly handlers: HostHandlers<Requests>;
}

/** Hands an event to the outer side. The host touches neither it nor its bytes afterwards. */
export type HostSend<Event extends object> = (event: Event) => void;

/**
 * What a kind of device is served by: the address of a module that exports `createHost(send: HostSend): DeviceHost`.
 * The list of kinds is open: whoever has such a module can take a seat.
 */
export type HostFactory = URL;

/** Where connections come from. */
export interface HostProvider {
  /** `where`: the device as a person names it. Answers at once; whatever hinders is told by the first request. */
  connect<Requests extends RequestTable<Requests>, Event extends object = never, Message extends object = never>(
    factory: HostFactory,
    where: string,
  ): HostConnection<Requests, Event, Message>;
}

/** A host of whatever kind, as those see it who only pass on. */
export interface AnyHost {
  readonly handlers: Readonly<Record<string, (args: unknown) => Promise<unknown>>>;
  readonly hear?: (message: object) => void;
  readonly end?: () => Promise<void>;
}

/** Loads the library's module and makes one host of it. */
export async function loadHost(factory: string, send: HostSend<object>): Promise<AnyHost> {
  const { createHost } = (await import(factory)) as { createHost(send: HostSend<object>): AnyHost };
  return createHost(send);
}
