/** Starts, watches and ends a process that owns a native device library, and speaks with it. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HalError } from '../errors.js';
import type { HostConnection } from './host-connection.js';
import type { HostExchange, HostFailure, HostReply, HostRequest, RequestTable } from './protocol.js';

export interface HostProcessOptions {
  /** What it is for, as a person would name it: `/dev/ttyUSB0`. */
  readonly where: string;
  /** The program. */
  readonly module: URL;
  /** What the program is told when it is started. */
  readonly args?: readonly string[];
  /** Options for its Node.js; none when absent. */
  readonly nodeOptions?: readonly string[];
  /** How long it may take to end once it has been asked to; default 1000. */
  readonly endMs?: number;
  /** The process is asked for a sign of life so often; default 1000. */
  readonly heartbeatMs?: number;
  /** Heartbeats in a row without one before it counts as hung; default 5. */
  readonly missedHeartbeats?: number;
}

/** A request that the host answered with an error of its own. */
export class HostRequestError extends Error {
  readonly code: string | undefined;
  readonly canceled: boolean;
  readonly partial: Uint8Array | undefined;

  constructor(failure: HostFailure) {
    super(failure.message);
    this.code = failure.code;
    this.canceled = failure.canceled === true;
    this.partial = failure.partial;
  }
}

/** Whose request it is and what it asks, where the process passes it on to one of several devices. */
export interface RequestSubject {
  readonly where: string;
  readonly what: string;
  readonly answered: (exchange: HostExchange) => void;
}

/** What a request rejects with that has reached its deadline. */
export function requestTimeout(where: string, what: string, deadlineMs: number): HalError {
  return new HalError('HAL_TIMEOUT', `${where}: ${what} did not finish within ${deadlineMs} ms`, {
    where,
    hint: 'The driver or the device does not respond: check flow control, then unplug and plug in the device.',
  });
}

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: NodeJS.Timeout | undefined;
  readonly subject: RequestSubject;
  readonly askedNs: bigint;
}

function tellAnswered({ subject, askedNs }: Pending, { heardNs, doneNs }: HostReply): void {
  if (heardNs === undefined || doneNs === undefined) return;
  subject.answered({ op: subject.what, askedNs, heardNs, doneNs, answeredNs: process.hrtime.bigint() });
}

const END_MS = 1_000;
/** `RIGVISOR_PATIENCE`: how many times longer than on an ordinary machine a child may take, from 1 (emulated machines). */
const PATIENCE = Math.max(1, Number(process.env.RIGVISOR_PATIENCE ?? 1) || 1);
/** How long a request may take that names no deadline of its own. */
export const DEFAULT_REQUEST_MS = 10_000 * PATIENCE;
/** Loading a program takes an overloaded host so many times longer than an answer of one that runs. */
const START_FACTOR = 6;
/** How much of its error output is kept for the last words. */
const LAST_WORDS_BYTES = 2048;

/**
 * A supervised child, with its requests, what it sends of itself (`Event`) and what it is told without an answer
 * (`Message`). Every request has a deadline in wall time (`HAL_TIMEOUT`). When the child ends by itself or shows no
 * sign of life, every pending and later request rejects with `HAL_HOST_PROCESS`, whose message carries its last words, and `onLost` is told once.
 */
export class HostProcess<
  Requests extends RequestTable<Requests>,
  Event extends object = never,
  Message extends object = never,
> implements HostConnection<Requests, Event, Message>
{
  readonly #child: ChildProcess;
  readonly #where: string;
  readonly #pending = new Map<number, Pending>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #exited: Promise<void>;
  readonly #endMs: number;
  #nextId = 1;
  #missed = 0;
  /** It has answered or told something. */
  #isHeard = false;
  #hung = false;
  #ending = false;
  #lost: HalError | undefined;
  #lastWords = '';
  /** What the host sends of itself. */
  onEvent: (event: Event) => void = () => {};
  onLost: (error: HalError) => void = () => {};
  onAnswered: (exchange: HostExchange) => void = () => {};

  constructor(options: HostProcessOptions) {
    this.#where = options.where;
    this.#endMs = options.endMs ?? END_MS * PATIENCE;
    this.#child = fork(fileURLToPath(options.module), options.args ?? [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [...(options.nodeOptions ?? [])],
    });
    this.#child.on('message', (message) => this.#hear(message as HostReply | Event));
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString('utf8')).slice(-LAST_WORDS_BYTES);
    });
    this.#exited = this.#watchEnd();
    const missedLimit = options.missedHeartbeats ?? 5 * PATIENCE;
    this.#heartbeat = setInterval(() => this.#beat(missedLimit), options.heartbeatMs ?? 1000);
    this.#heartbeat.unref();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Rejects with `HostRequestError`, `HAL_TIMEOUT` or `HAL_HOST_PROCESS`. `Infinity`: the child watches the time itself. */
  request<Op extends keyof Requests & string>(
    op: Op,
    args: Requests[Op]['args'],
    deadlineMs = DEFAULT_REQUEST_MS,
    subject: RequestSubject = { where: this.#where, what: op, answered: (exchange) => this.onAnswered(exchange) },
  ): Promise<Requests[Op]['answer']> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const deadline =
        deadlineMs === Number.POSITIVE_INFINITY
          ? undefined
          : setTimeout(() => this.#expire(id, subject, deadlineMs), deadlineMs);
      this.#pending.set(id, {
        resolve: resolve as (answer: unknown) => void,
        reject,
        deadline,
        subject,
        askedNs: process.hrtime.bigint(),
      });
      this.#post({ id, op, args });
    });
  }

  send(message: Message): void {
    this.#post(message);
  }

  #post(message: Message | HostRequest<Requests>): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Ends the process: kindly, then by force. Resolves when it is gone. */
  async end(): Promise<void> {
    this.#ending = true;
    clearInterval(this.#heartbeat);
    if (this.#child.connected) this.#child.disconnect();
    const force = setTimeout(() => this.#child.kill('SIGKILL'), this.#endMs);
    await this.#exited;
    clearTimeout(force);
  }

  /** Resolves when the process is gone and its last words are in. */
  async #watchEnd(): Promise<void> {
    const child = this.#child;
    const spoken = new Promise<void>((resolve) => child.stderr?.once('close', () => resolve()));
    const end = await new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`cannot be started or reached: ${error.message}`));
      child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `exit code ${code}`}`));
    });
    if (child.pid !== undefined) await spoken;
    this.#lose(this.#hung ? 'gave no sign of life and was ended' : end);
  }

  #hear(message: HostReply | Event): void {
    this.#missed = 0;
    this.#isHeard = true;
    if (!('id' in message)) {
      this.onEvent(message);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    clearTimeout(pending.deadline);
    if (message.failure !== undefined) {
      pending.reject(new HostRequestError(message.failure));
      return;
    }
    tellAnswered(pending, message);
    pending.resolve(message.answer);
  }

  #beat(missedLimit: number): void {
    const limit = this.#isHeard ? missedLimit : START_FACTOR * missedLimit;
    if (this.#missed < limit) {
      this.#missed++;
      this.#post({ id: 0, op: 'ping', args: undefined });
      return;
    }
    // This process may have been the one that stood still: hear first what has come meanwhile.
    setImmediate(() => {
      if (this.#missed < limit || this.#ending) return;
      this.#hung = true;
      this.#child.kill('SIGKILL');
    });
  }

  #expire(id: number, { where, what }: RequestSubject, deadlineMs: number): void {
    setImmediate(() => {
      const pending = this.#pending.get(id);
      if (pending === undefined) return;
      this.#pending.delete(id);
      pending.reject(requestTimeout(where, what, deadlineMs));
    });
  }

  #lose(what: string): void {
    if (this.#lost !== undefined) return;
    clearInterval(this.#heartbeat);
    const words = this.#lastWords.trim();
    this.#lost = new HalError(
      'HAL_HOST_PROCESS',
      `the process that owns ${this.#where} ${what}${words === '' ? '' : `; its last words: ${words}`}`,
      { where: this.#where, hint: 'Open the port again; report the last words if it happens twice.' },
    );
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.deadline);
      pending.reject(this.#lost);
    }
    this.#pending.clear();
    if (!this.#ending) this.onLost(this.#lost);
  }
}
