/** Shows a serial port of this process, simulated or replayed, to any program outside as a TCP port with raw characters. */

import { createServer, type Server, type Socket } from 'node:net';
import { HalError } from '../../errors.js';
import type { SerialPort } from '../serial-port.js';

export interface TcpExportOptions {
  /** Attached when the first program connects, which starts a device or a replay; closed by the export. */
  readonly port: SerialPort;
  /** 127.0.0.1 when absent: whoever can connect can speak to the device. */
  readonly host?: string;
  /** 0, the default, takes any that is free. */
  readonly tcpPort?: number;
}

/** Every program that is connected hears the device, and the device hears every one, as on a shared line. */
export interface TcpExport {
  /** `127.0.0.1:4000`. */
  readonly path: string;
  /** Whether a program is connected. */
  readonly opened: boolean;
  /** Characters that no program got: nobody was connected, or one did not read. */
  readonly lost: number;
  /** The port's own end, if it came. */
  readonly ended: HalError | undefined;
  close(): Promise<void>;
}

/** A program that lets so much wait has stopped reading. */
const MOST_WAITING_BYTES = 1 << 20;
const MOST_CONNECTIONS = 64;
const GATHERED_BYTES = 1024;

class TcpExportedPort implements TcpExport {
  lost = 0;
  ended: HalError | undefined;
  readonly #port: SerialPort;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #gathered = new Uint8Array(GATHERED_BYTES);
  #length = 0;
  #attached = false;
  #closed: Promise<void> | undefined;
  path = '';

  constructor(port: SerialPort) {
    this.#port = port;
    this.#server = createServer({ noDelay: true }, (socket) => this.#welcome(socket));
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  get opened(): boolean {
    return this.#sockets.size > 0;
  }

  listen(host: string, tcpPort: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(error, `${host}:${tcpPort}`)));
      this.#server.listen(tcpPort, host, () => {
        const address = this.#server.address();
        if (address !== null && typeof address === 'object') this.path = `${address.address}:${address.port}`;
        resolve();
      });
    });
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#flush();
      this.#port.close();
      for (const socket of this.#sockets) socket.destroySoon();
      this.#server.close(() => resolve());
    });
    return this.#closed;
  }

  receive(byte: number): void {
    if (this.#sockets.size === 0) {
      this.lost++;
      return;
    }
    this.#gathered[this.#length++] = byte;
    if (this.#length === GATHERED_BYTES) this.#flush();
    else if (this.#length === 1) queueMicrotask(() => this.#flush());
  }

  modemStatus(): void {}

  disconnected(error: HalError): void {
    this.#flush();
    this.ended = error;
    for (const socket of this.#sockets) socket.end();
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('data', (piece) => {
      if (this.ended === undefined && this.#closed === undefined) this.#port.transmit(piece, 0, piece.length);
    });
    if (this.#attached) return;
    this.#attached = true;
    this.#port.attach(this);
  }

  #flush(): void {
    if (this.#length === 0) return;
    const piece = this.#gathered.slice(0, this.#length);
    this.#length = 0;
    for (const socket of this.#sockets) {
      if (socket.writableLength > MOST_WAITING_BYTES) this.lost += piece.length;
      else socket.write(piece);
    }
  }
}

function listenError(error: NodeJS.ErrnoException, where: string): HalError {
  if (error.code === 'EADDRINUSE')
    return new HalError('HAL_IN_USE', `${where} is in use by another program`, { where, hint: 'Choose another port.' });
  if (error.code === 'EACCES')
    return new HalError('HAL_DENIED', `this user may not listen on ${where}`, {
      where,
      hint: 'Choose a port above 1023.',
    });
  return new HalError('HAL_IO', `cannot listen on ${where}: ${error.message}`, { where, cause: error });
}

/** Rejects with `HAL_IN_USE`, `HAL_DENIED` or `HAL_IO` when it cannot listen, and then has closed the port. */
export async function serveTcp({ port, host = '127.0.0.1', tcpPort = 0 }: TcpExportOptions): Promise<TcpExport> {
  const exported = new TcpExportedPort(port);
  try {
    await exported.listen(host, tcpPort);
  } catch (error) {
    port.close();
    throw error;
  }
  return exported;
}
