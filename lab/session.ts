/** One run of the suite inside a machine: its results as they come over TCP, and the services its tests ask for. */

import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { LabServices } from './host-services.js';
import { consoleTail, HOST_INSIDE, LabMachine } from './machine.js';
import {
  type Ask,
  type FromHost,
  type FromInside,
  type HostReply,
  lineReader,
  type TestName,
  type TestResult,
  testKey,
} from './protocol.js';

/** The kernel, the modules, Node.js and mocha: about 20 s with a core for each side, more where others work too. */
const READY_LIMIT_MS = 180_000;
const RUN_LIMIT_MS = 1_500_000;

export interface SessionOptions {
  /** Only tests whose full title contains it. */
  readonly grep?: string | undefined;
}

interface Wanted {
  readonly name: TestName;
  resolve(result: TestResult): void;
}

export class LabSession {
  /** Resolves when tests begin inside; rejects with the cause and the end of the console. */
  readonly ready: Promise<void>;
  readonly #token = randomBytes(16).toString('hex');
  readonly #startedMs = performance.now();
  readonly #server: Server;
  readonly #results = new Map<string, TestResult>();
  readonly #wanted = new Map<string, Wanted>();
  #machine: LabMachine | undefined;
  #services: LabServices | undefined;
  #over: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #becomeReady: () => void = () => {};
  #failReady: (error: Error) => void = () => {};
  #inside: Socket | undefined;

  private constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve;
      this.#failReady = reject;
    });
    // Who waits for it comes later, when the tests are listed.
    this.ready.catch(() => {});
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start({ grep }: SessionOptions): Promise<LabSession> {
    const session = new LabSession();
    await new Promise<void>((resolve) => session.#server.listen(0, '127.0.0.1', resolve));
    const { port } = session.#server.address() as AddressInfo;
    session.#limit(READY_LIMIT_MS, 'the machine was not ready');
    session.#machine = await LabMachine.start({
      command: 'exec "$LAB_NODE" --enable-source-maps dist/lab/inside/main.js',
      environment: {
        LAB_HOST: HOST_INSIDE,
        LAB_PORT: String(port),
        LAB_TOKEN: session.#token,
        RIGVISOR_PATIENCE: '10',
        ...(grep === undefined ? {} : { LAB_GREP: grep }),
      },
    });
    session.#services = new LabServices(session.#machine, (message) => session.#tell(message));
    void session.#machine.ended.then((end) => session.#end(`${end}; ${consoleTail()}`));
    return session;
  }

  /** Seconds since the start of the machine. */
  get elapsedS(): number {
    return (performance.now() - this.#startedMs) / 1000;
  }

  /** The result of a test; when none can come any more, a failure that says why. */
  result(name: TestName): Promise<TestResult> {
    const key = testKey(name);
    const result = this.#results.get(key);
    if (result !== undefined) return Promise.resolve(result);
    if (this.#over !== undefined) return Promise.resolve(notRun(name, this.#over));
    return new Promise((resolve) => this.#wanted.set(key, { name, resolve }));
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#inside?.destroy();
    this.#server.close();
    await this.#services?.close();
    await this.#machine?.stop();
  }

  #limit(ms: number, what: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#end(`${what} within ${ms / 1000} s; ${consoleTail()}`);
      void this.#machine?.stop();
    }, ms);
  }

  #accept(socket: Socket): void {
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    let trusted = false;
    const take = lineReader((message) => {
      const from = message as FromInside;
      if (from.kind === 'hello') trusted = from.token === this.#token;
      if (!trusted) throw new Error('who speaks is not the machine');
      this.#take(from, socket);
    });
    socket.on('data', (chunk: string) => {
      try {
        take(chunk);
      } catch {
        socket.destroy();
      }
    });
  }

  #take(message: FromInside, socket: Socket): void {
    if (message.kind === 'hello') {
      this.#inside = socket;
      socket.on('close', () => this.#end(`the tests inside ended too early; ${consoleTail()}`));
      this.#limit(RUN_LIMIT_MS, 'the tests were not done');
      this.#becomeReady();
    } else if (message.kind === 'test') this.#settle(message);
    else if (message.kind === 'suite-end')
      this.#settleRest(
        message.titles,
        message.hook === undefined ? 'its suite ended without it' : (message.hook.stack ?? message.hook.message),
      );
    else if (message.kind === 'end') this.#end('the suite inside ended without this test');
    else void this.#serve(message, socket);
  }

  async #serve(ask: Ask, socket: Socket): Promise<void> {
    let reply: HostReply;
    try {
      reply = { id: ask.id, answer: await this.#services?.answer(ask) };
    } catch (error) {
      reply = { id: ask.id, failure: error instanceof Error ? error.message : String(error) };
    }
    if (this.#inside === socket) this.#tell(reply);
  }

  #tell(message: FromHost): void {
    if (this.#inside?.destroyed === false) this.#inside.write(`${JSON.stringify(message)}\n`);
  }

  #settle(result: TestResult): void {
    const key = testKey(result);
    this.#results.set(key, result);
    const wanted = this.#wanted.get(key);
    this.#wanted.delete(key);
    wanted?.resolve(result);
  }

  #settleRest(titles: readonly string[], why: string): void {
    for (const { name } of this.#wanted.values())
      if (titles.every((title, i) => name.titles[i] === title)) this.#settle(notRun(name, why));
  }

  #end(why: string): void {
    if (this.#over !== undefined) return;
    this.#over = why;
    this.#failReady(new Error(why));
    this.#settleRest([], why);
  }
}

function notRun({ titles, ordinal }: TestName, why: string): TestResult {
  return { titles, ordinal, state: 'failed', durationMs: 0, failure: { message: `did not run: ${why}` } };
}
