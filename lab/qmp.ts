/** QEMU's machine protocol (QEMU, docs/interop/qmp-spec): commands one after another, over a socket of the host. */

import { createConnection, type Socket } from 'node:net';
import { lineReader } from './protocol.js';

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
  readonly data?: unknown;
  readonly QMP?: unknown;
}

interface Waiting {
  readonly command: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Qmp {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on(
      'data',
      lineReader((message) => this.#take(message as Reply)),
    );
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const { command, reject } of this.#waiting.splice(0)) reject(new Error(`QEMU ended during ${command}`));
    });
  }

  /** Resolves when QEMU accepts commands at the socket `path`. */
  static async connect(path: string): Promise<Qmp> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const qmp = new Qmp(socket);
    await qmp.run('qmp_capabilities');
    return qmp;
  }

  /** Rejects with QEMU's own words. */
  run(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new Error(`QEMU has ended: ${command} cannot be run`));
        return;
      }
      this.#waiting.push({ command, resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(reply: Reply): void {
    if (reply.event !== undefined || reply.QMP !== undefined) return;
    const waiting = this.#waiting.shift();
    if (reply.error === undefined) waiting?.resolve(reply.return);
    else waiting?.reject(new Error(`QEMU refused ${waiting.command}: ${reply.error.desc}`));
  }
}
