/** Stands behind the ports of a guest's 10.0.2.2: TCP connections to this computer's loopback interface, and to nothing else. */

import { connect, type Socket } from 'node:net';
import { RigError } from '../errors.js';

/** The only address that is ever connected to. */
const LOOPBACK = '127.0.0.1';
/** Bytes from the host kept for the guest before the socket is paused; one chunk of a socket may come on top. */
const RECEIVE_BYTES = 64 * 1024;
/** Bytes from the guest kept by the socket before no more are taken. */
const SEND_BYTES = 64 * 1024;

/** What the monitor's network is told of a connection; `TcpHandlers` of the monitor, which only rig/wiring imports. */
export interface LoopbackHandlers {
  connected(): void;
  refused(): void;
  data(bytes: Uint8Array, offset: number, length: number): number;
  writable(): void;
  ended(): void;
  reset(): void;
}

export interface LoopbackConnectorOptions {
  /** Ports that guests may connect to; every other one is refused at once. */
  readonly ports: readonly number[];
}

/**
 * The monitor's `TcpConnector` over sockets. What the host does is only noted when it happens; it enters the guest at
 * the next `poll`, which the owner of the machine calls between two pieces of its run.
 *
 * Determinism: when a real peer's bytes come, and in which pieces, is chance. A run with forwarded ports cannot be
 * repeated from its seed, only replayed from its journal, where everything that entered the guest, the network's DMA
 * included, stands with its instruction count. With no port in the list nothing ever comes from outside, and the
 * network is as deterministic as the rest.
 */
export class LoopbackConnector {
  readonly #ports: ReadonlySet<number>;
  readonly #open = new Set<LoopbackStream>();

  /** Throws RIG_USAGE for a port that is none. */
  constructor(options: LoopbackConnectorOptions) {
    for (const port of options.ports)
      if (!Number.isInteger(port) || port < 1 || port > 65_535)
        throw new RigError('RIG_USAGE', `a guest cannot be forwarded to port ${port}`, {
          hint: 'give a TCP port from 1 to 65535',
        });
    this.#ports = new Set(options.ports);
  }

  /** Sockets that are not closed. */
  get connections(): number {
    return this.#open.size;
  }

  connect(port: number, handlers: LoopbackHandlers): LoopbackStream | undefined {
    if (!this.#ports.has(port)) return undefined;
    const stream = new LoopbackStream(connect({ host: LOOPBACK, port, allowHalfOpen: true, noDelay: true }), handlers);
    this.#open.add(stream);
    return stream;
  }

  /** Hands everything to the guest's network that has happened since; returns whether there was anything. */
  poll(): boolean {
    let didSomething = false;
    for (const stream of this.#open) {
      if (stream.poll()) didSomething = true;
      if (stream.over) this.#open.delete(stream);
    }
    return didSomething;
  }

  /** Drops every connection, so that nothing keeps the process alive. */
  close(): void {
    for (const stream of this.#open) stream.reset();
    this.#open.clear();
  }
}

/** The host's end of one connection; the monitor's `TcpStream`. */
export class LoopbackStream {
  readonly #socket: Socket;
  readonly #handlers: LoopbackHandlers;
  /** Chunks from the host; the first one's beginning has been taken by the guest. */
  readonly #chunks: Buffer[] = [];
  #taken = 0;
  #waiting = 0;
  /** The guest's network has no room until it says `resume`. */
  #guestFull = false;
  #socketFull = false;
  /** What has happened on the socket, and what of it has been told. */
  readonly #happened = { connected: false, drained: false, ended: false, failed: false, closed: false };
  readonly #told = { connected: false, ended: false };
  #over = false;

  constructor(socket: Socket, handlers: LoopbackHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.on('connect', () => {
      this.#happened.connected = true;
    });
    socket.on('data', (chunk: Buffer) => this.#arrive(chunk));
    socket.on('drain', () => {
      this.#happened.drained = this.#socketFull;
    });
    socket.on('end', () => {
      this.#happened.ended = true;
    });
    // The reason is the guest's to guess, as on any network: it sees a refusal or a reset.
    socket.on('error', () => {
      this.#happened.failed = true;
    });
    socket.on('close', () => {
      this.#happened.closed = true;
    });
  }

  /** Nothing will be told any more. */
  get over(): boolean {
    return this.#over;
  }

  write(bytes: Uint8Array, offset: number, length: number): number {
    if (this.#over || this.#socketFull) return 0;
    // A copy, because the socket keeps what it cannot send at once.
    this.#socket.write(Buffer.from(bytes.subarray(offset, offset + length)));
    if (this.#socket.writableLength >= SEND_BYTES) this.#socketFull = true;
    return length;
  }

  end(): void {
    if (!this.#over) this.#socket.end();
  }

  reset(): void {
    if (this.#over) return;
    this.#over = true;
    this.#chunks.length = 0;
    this.#socket.resetAndDestroy();
  }

  resume(): void {
    this.#guestFull = false;
  }

  /** Tells the guest's network what has happened; returns whether that was anything. */
  poll(): boolean {
    if (this.#over) return false;
    const connected = this.#tellConnected();
    const delivered = this.#deliver();
    const other = this.#tellWritable() || this.#tellEnd();
    return connected || delivered || other;
  }

  #tellConnected(): boolean {
    if (!this.#happened.connected || this.#told.connected) return false;
    this.#told.connected = true;
    this.#handlers.connected();
    return true;
  }

  #tellWritable(): boolean {
    if (!this.#happened.drained || this.#over) return false;
    this.#happened.drained = false;
    this.#socketFull = false;
    this.#handlers.writable();
    return true;
  }

  #tellEnd(): boolean {
    if (this.#over) return false;
    if (this.#happened.failed) {
      this.#over = true;
      if (this.#told.connected) this.#handlers.reset();
      else this.#handlers.refused();
      return true;
    }
    if (!this.#happened.ended || this.#waiting > 0) return false;
    // Closed means that the guest's last byte has left, too: nothing more can happen.
    if (this.#happened.closed) this.#over = true;
    if (this.#told.ended) return false;
    this.#told.ended = true;
    this.#handlers.ended();
    return true;
  }

  #arrive(chunk: Buffer): void {
    if (this.#over) return;
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting >= RECEIVE_BYTES) this.#socket.pause();
  }

  #deliver(): boolean {
    const before = this.#waiting;
    while (this.#chunks.length > 0 && !this.#guestFull && !this.#over) {
      const chunk = this.#chunks[0];
      const rest = chunk.length - this.#taken;
      // Set before the call: the network may say `resume` from within it.
      this.#guestFull = true;
      const count = this.#handlers.data(chunk, this.#taken, rest);
      this.#waiting -= count;
      this.#taken += count;
      if (count < rest) break;
      this.#guestFull = false;
      this.#chunks.shift();
      this.#taken = 0;
    }
    if (this.#waiting < RECEIVE_BYTES && this.#socket.isPaused()) this.#socket.resume();
    return this.#waiting < before;
  }
}
