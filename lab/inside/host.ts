/** The tests' connection to the host: results go out, services are asked for. */

import { createConnection, type Socket } from 'node:net';
import { type FromHost, type FromInside, type HostService, type HostServices, lineReader } from '../protocol.js';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

let socket: Socket | undefined;
let nextId = 1;
let farEndListener: (bytes: Buffer) => void = () => {};
const waiting = new Map<number, Waiting>();

/** Resolves when the host hears; the machine has nothing to live for when the connection ends. */
export async function connectHost(whenClosed: () => void): Promise<void> {
  const made = createConnection({ host: process.env.LAB_HOST ?? '', port: Number(process.env.LAB_PORT) });
  await new Promise<void>((resolve, reject) => {
    made.once('connect', resolve);
    made.once('error', reject);
  });
  made.setEncoding('utf8');
  made.on('error', () => {});
  made.on('close', whenClosed);
  made.on(
    'data',
    lineReader((message) => {
      const told = message as FromHost;
      if ('farEnd' in told) {
        farEndListener(Buffer.from(told.farEnd, 'hex'));
        return;
      }
      const { id, answer, failure } = told;
      const asked = waiting.get(id);
      waiting.delete(id);
      if (failure === undefined) asked?.resolve(answer);
      else asked?.reject(new Error(`the host: ${failure}`));
    }),
  );
  socket = made;
}

export function tellHost(message: FromInside): void {
  socket?.write(`${JSON.stringify(message)}\n`);
}

/** Resolves when everything told has left the machine. */
export async function flushHost(): Promise<void> {
  await new Promise<void>((resolve) => {
    if (socket === undefined) resolve();
    else socket.end(resolve);
  });
}

/** Who is at the far end of the FTDI device from now on. */
export function onFarEnd(listener: (bytes: Buffer) => void): void {
  farEndListener = listener;
}

/** Asks the host to do something; resolves when it is done. */
export function askHost<S extends HostService>(
  service: S,
  args: HostServices[S]['args'],
): Promise<HostServices[S]['answer']> {
  return new Promise((resolve, reject) => {
    const id = nextId++;
    waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
    tellHost({ kind: 'ask', id, service, args });
  });
}
