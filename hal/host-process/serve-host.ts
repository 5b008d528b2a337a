/** The inner side of a host process: answers requests, and ends well when its parent is done with it or gone. */

import type { HostFailure, HostReply, RequestTable } from './protocol.js';

export type HostHandlers<Requests extends RequestTable<Requests>> = {
  readonly [Op in keyof Requests]: (args: Requests[Op]['args']) => Promise<Requests[Op]['answer']>;
};

export interface HostService<Message extends object> {
  /** Messages that are no requests. */
  readonly hear?: (message: Message) => void;
  /** What to give back before the process ends, once its channel is gone; it ends after `END_GRACE_MS` in any case. */
  readonly end?: () => Promise<void>;
}

/** How long giving things back may take once nobody listens any more. */
export const END_GRACE_MS = 5_000;

/** An error with what had arrived before it. */
export class PartialError extends Error {
  constructor(
    message: string,
    readonly code: string | undefined,
    readonly partial: Uint8Array | undefined,
  ) {
    super(message);
  }
}

/** `error` as it crosses the process boundary. */
export function failureOf(error: unknown): HostFailure {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code, canceled, partial } = error as { code?: unknown; canceled?: unknown; partial?: unknown };
  return {
    message: error.message,
    code: typeof code === 'string' ? code : undefined,
    canceled: canceled === true,
    partial: partial instanceof Uint8Array ? partial : undefined,
  };
}

/** Sends to the parent, as long as there is one. */
export function sendToParent(message: object): void {
  // The channel may close between the question and the call; nobody is left to be told then.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

/** Answers the parent's requests until the channel ends; then the process ends. */
export function serveHost<Requests extends RequestTable<Requests>, Message extends object = never>(
  handlers: HostHandlers<Requests>,
  service: HostService<Message> = {},
): void {
  const answer = async (id: number, op: keyof Requests, args: unknown): Promise<void> => {
    const heardNs = process.hrtime.bigint();
    try {
      const handler = handlers[op] as (args: unknown) => Promise<unknown>;
      const answer = await handler(args);
      sendToParent({ id, answer, heardNs, doneNs: process.hrtime.bigint() } satisfies HostReply);
    } catch (error) {
      sendToParent({ id, failure: failureOf(error) } satisfies HostReply);
    }
  };
  process.on('message', (message: { id?: number; op?: string; args?: unknown }) => {
    if (message.id === undefined) service.hear?.(message as Message);
    else if (message.op === 'ping') sendToParent({ id: message.id });
    else void answer(message.id, message.op as keyof Requests, message.args);
  });
  // Ctrl-C in a terminal reaches every process of its group. The parent decides what it means, and still needs the device to end well.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  // The parent is gone or has done with this process: the operating system closes what is not given back.
  process.on('disconnect', () => {
    if (service.end === undefined) process.exit(0);
    setTimeout(() => process.exit(1), END_GRACE_MS).unref();
    service.end().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
