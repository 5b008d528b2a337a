/** The socket at which a debugger is awaited, and whether it holds the guest. */

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Machine, MachineEnd } from '../../../vmm/index.js';
import { RigError } from '../../errors.js';
import { framePacket, PacketReader } from './gdb-packet.js';
import { GdbSession, STOPPED } from './gdb-session.js';

const LOOPBACK = '127.0.0.1';

/**
 * One debugger at a time, from this computer alone. The guest is held from the beginning, at every stop, and until it is
 * continued. A debugger whose connection breaks leaves the guest running, without breakpoints.
 */
export class GdbServer {
  readonly #machine: Machine;
  readonly #interrupt: () => void;
  readonly #server: Server;
  readonly #session: GdbSession;
  #socket: Socket | undefined;
  #holds = true;
  #isKilled = false;
  #isRunningSince = false;
  #release: (() => void) | undefined;

  /** `interrupt` makes whoever runs the machine come back, so that it sees `holds`. */
  constructor(machine: Machine, interrupt: () => void) {
    this.#machine = machine;
    this.#interrupt = interrupt;
    this.#session = new GdbSession(machine, {
      resume: (once) => this.#resume(once),
      detach: () => this.#resume(false),
      kill: () => {
        this.#isKilled = true;
        this.#resume(false);
        this.#interrupt();
      },
    });
    this.#server = createServer((socket) => this.#connected(socket));
    machine.core.onPause = () => this.#stop(STOPPED.trap);
  }

  /** The port, which the system chose when 0 was asked for. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** The guest may not run. */
  get holds(): boolean {
    return this.#holds && !this.#isKilled;
  }

  /** The debugger ended the run. */
  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** `RIG_USAGE` when the port cannot be had. */
  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause) =>
        reject(
          new RigError('RIG_USAGE', `no debugger can be awaited at port ${port}: ${cause.message}`, {
            hint: 'choose another port with --gdb',
            cause,
          }),
        ),
      );
      this.#server.listen(port, LOOPBACK, resolve);
    });
  }

  /** Resolves when the guest may run, or `wake` was called. */
  released(): Promise<void> {
    if (!this.holds) return Promise.resolve();
    return new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Whoever waits for `released` looks again. */
  wake(): void {
    this.#release?.();
    this.#release = undefined;
  }

  /** Tells the debugger that the guest is no more: how it ended, or by a signal when it did not. */
  ended(end: MachineEnd | undefined): void {
    if (end === undefined) this.#send('X09');
    else if (end.kind === 'pass' || end.kind === 'fail' || end.kind === 'reset')
      this.#send(`W${(end.code & 0xff).toString(16).padStart(2, '0')}`);
    else this.#send('X09');
  }

  close(): Promise<void> {
    this.#machine.core.onPause = undefined;
    this.#session.clear();
    this.#socket?.end();
    this.#socket?.unref();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      // A debugger that does not leave is not waited for.
      this.#socket?.destroySoon();
    });
  }

  #connected(socket: Socket): void {
    if (this.#socket !== undefined) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    this.#session.isWithoutAck = false;
    socket.setNoDelay(true);
    if (!this.#holds) this.#stop(STOPPED.interrupt, false);
    const reader = new PacketReader({
      packet: (data) => this.#packet(data),
      damaged: () => this.#raw('-'),
      interrupted: () => {
        if (!this.#holds) this.#stop(STOPPED.interrupt);
      },
    });
    socket.on('data', (bytes) => reader.see(bytes));
    // What follows an error is 'close'.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#socket = undefined;
      this.#session.clear();
      // Before the first command nobody has held the guest: the next debugger may come.
      if (this.#isRunningSince) this.#resume(false);
    });
  }

  #packet(data: string): void {
    if (!this.#session.isWithoutAck) this.#raw('+');
    // A guest that runs has nothing to answer with.
    if (!this.#holds && data !== 'k') return;
    const answer = this.#session.answer(data);
    if (answer !== undefined) this.#send(answer);
  }

  #resume(once: boolean): void {
    this.#isRunningSince = true;
    const { core } = this.#machine;
    core.pauseInstret = once ? this.#machine.instret + 1 : Number.POSITIVE_INFINITY;
    this.#holds = false;
    this.wake();
  }

  #stop(stop: string, tell = true): void {
    if (this.#holds) return;
    this.#holds = true;
    this.#machine.core.pauseInstret = Number.POSITIVE_INFINITY;
    this.#session.stopped(stop);
    this.#interrupt();
    if (tell) this.#send(stop);
  }

  #send(data: string): void {
    this.#socket?.write(framePacket(data));
  }

  #raw(text: string): void {
    this.#socket?.write(text);
  }
}
