/** A USB/IP server: any USB port becomes a device that a Linux kernel attaches (Linux, Documentation/usb/usbip_protocol.rst). */

import { createServer, type Server, type Socket } from 'node:net';
import { HalError } from '../errors.js';
import { parseConfiguration, parseDevice } from '../usb/descriptors.js';
import type { UsbPort } from '../usb/usb-port.js';
import { Attachment } from './attachment.js';
import { ByteStream } from './byte-stream.js';
import {
  BUSID_BYTES,
  type ExportedDevice,
  encodeDevice,
  OPERATION,
  OPERATION_BYTES,
  operationHeader,
  REFUSED,
  readText,
  USBIP_PORT,
  USBIP_VERSION,
} from './protocol.js';

export interface UsbipServerOptions {
  /** Each becomes a device, `1-1`, `1-2` and so on. They are attached by the server and closed with it. */
  readonly ports: readonly UsbPort[];
  /** 127.0.0.1 when absent: whoever can connect can use the devices. */
  readonly host?: string;
  /** 3240 when absent; 0 for any that is free. */
  readonly port?: number;
  /** Told what happens, in sentences. */
  readonly onEvent?: (sentence: string) => void;
}

export interface UsbipServer {
  readonly host: string;
  readonly port: number;
  readonly devices: readonly ExportedDevice[];
  /** Busids of the devices that someone has attached now. */
  readonly attached: readonly string[];
  /** Ends every connection and closes the ports. Idempotent. */
  close(): Promise<void>;
}

/** A peer that has said nothing sensible by then is turned away. */
const OPERATION_TIMEOUT_MS = 10_000;
const MOST_CONNECTIONS = 64;
/** A peer whose machine has gone without a word keeps no device for ever. */
const KEEP_ALIVE_MS = 10_000;
const FIRST_DEVICE = 2;

class Export {
  readonly described: ExportedDevice;
  attachment: Attachment | undefined;
  present = true;

  constructor(
    readonly port: UsbPort,
    index: number,
  ) {
    this.described = describeExport(port, index);
    port.attach({
      completed: (urb) => this.attachment?.completed(urb),
      plugged: (present) => {
        this.present = present;
        if (!present) this.attachment?.end(`${port.name} was pulled`);
      },
      disconnected: (error) => {
        this.present = false;
        this.attachment?.end(error.message);
      },
    });
  }

  /** Whoever attaches next finds it as after being plugged in, and it does not run on for nobody. */
  attach(socket: Socket, stream: ByteStream, ended: (why: string) => void): void {
    this.port.reset();
    this.attachment = new Attachment(socket, stream, this.port, (why) => {
      this.attachment = undefined;
      if (this.present) this.port.reset();
      ended(why);
    });
    this.attachment.start();
  }
}

function describeExport(port: UsbPort, index: number): ExportedDevice {
  const { device, configurations, speed } = port.description;
  const fields = parseDevice(device);
  const first = configurations.length > 0 ? parseConfiguration(configurations[0]) : undefined;
  const busid = `1-${index + 1}`;
  return {
    path: `/sys/devices/platform/rigvisor/usb1/${busid}`,
    busid,
    bus: 1,
    device: FIRST_DEVICE + index,
    speed,
    vendorId: fields.idVendor,
    productId: fields.idProduct,
    version: fields.bcdDevice,
    deviceClass: fields.bDeviceClass,
    deviceSubclass: fields.bDeviceSubClass,
    deviceProtocol: fields.bDeviceProtocol,
    configurationValue: first?.value ?? 0,
    configurations: configurations.length,
    interfaces: (first?.interfaces ?? []).map(({ alternates: [alternate] }) => ({
      code: alternate.interfaceClass,
      subclass: alternate.interfaceSubclass,
      protocol: alternate.interfaceProtocol,
    })),
  };
}

class ListeningServer implements UsbipServer {
  readonly #exports: readonly Export[];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #tell: (sentence: string) => void;
  #closed: Promise<void> | undefined;
  host = '';
  port = 0;

  constructor({ ports, onEvent = () => {} }: UsbipServerOptions) {
    this.#exports = ports.map((port, index) => new Export(port, index));
    this.#tell = onEvent;
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, (socket) =>
      this.#serve(socket),
    );
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  get devices(): readonly ExportedDevice[] {
    return this.#exports.map(({ described }) => described);
  }

  get attached(): readonly string[] {
    return this.#exports.filter(({ attachment }) => attachment !== undefined).map(({ described }) => described.busid);
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(error, host, port)));
      this.#server.listen(port, host, () => {
        const address = this.#server.address();
        if (address !== null && typeof address === 'object') {
          this.host = address.address;
          this.port = address.port;
        }
        resolve();
      });
    });
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      for (const { port, attachment } of this.#exports) {
        attachment?.end('the server was closed');
        port.close();
      }
      for (const socket of this.#sockets) socket.destroy();
      this.#server.close(() => resolve());
    });
    return this.#closed;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.setTimeout(OPERATION_TIMEOUT_MS, () => socket.destroy());
    const stream = new ByteStream();
    const onData = (piece: Buffer): void => {
      stream.push(piece);
      const head = stream.peek(OPERATION_BYTES);
      if (head === undefined) return;
      const view = new DataView(head.buffer, head.byteOffset, OPERATION_BYTES);
      const [version, code] = [view.getUint16(0), view.getUint16(2)];
      if (version !== USBIP_VERSION || (code !== OPERATION.requestList && code !== OPERATION.requestImport)) {
        this.#tell(`${peer(socket)} speaks something else than USB/IP 1.1.1 and was turned away`);
        socket.destroy();
      } else if (code === OPERATION.requestList) {
        socket.off('data', onData);
        socket.end(this.#list());
      } else if (stream.peek(OPERATION_BYTES + BUSID_BYTES) !== undefined) {
        socket.off('data', onData);
        stream.take(OPERATION_BYTES);
        this.#import(socket, readText(stream.take(BUSID_BYTES), 0, BUSID_BYTES), stream);
      }
    };
    socket.on('data', onData);
  }

  #list(): Uint8Array {
    const count = new Uint8Array(4);
    new DataView(count.buffer).setUint32(0, this.#exports.length);
    const parts = [operationHeader(OPERATION.replyList, 0), count];
    for (const { described } of this.#exports) {
      parts.push(encodeDevice(described));
      for (const { code, subclass, protocol } of described.interfaces)
        parts.push(Uint8Array.of(code, subclass, protocol, 0));
    }
    return Buffer.concat(parts);
  }

  #import(socket: Socket, busid: string, stream: ByteStream): void {
    const found = this.#exports.find(({ described }) => described.busid === busid);
    if (!found?.present || found.attachment !== undefined) {
      const isHere = found?.present ?? false;
      const status = isHere ? REFUSED.busy : REFUSED.noDevice;
      this.#tell(
        `${peer(socket)} asked for ${JSON.stringify(busid)}, which ${isHere ? 'is attached already' : 'is not here'}`,
      );
      socket.end(operationHeader(OPERATION.replyImport, status));
      return;
    }
    socket.setTimeout(0);
    socket.write(Buffer.concat([operationHeader(OPERATION.replyImport, 0), encodeDevice(found.described)]));
    this.#tell(`${busid} (${found.port.name}) was attached by ${peer(socket)}`);
    found.attach(socket, stream, (why) => this.#tell(`${busid} (${found.port.name}) was detached: ${why}`));
  }
}

function peer(socket: Socket): string {
  return `${socket.remoteAddress ?? 'a peer'}:${socket.remotePort ?? 0}`;
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): HalError {
  const where = `${host}:${port}`;
  if (error.code === 'EADDRINUSE')
    return new HalError('HAL_IN_USE', `${where} is in use: another USB/IP server listens there`, {
      where,
      hint: 'End it, or choose another port.',
      cause: error,
    });
  if (error.code === 'EACCES')
    return new HalError('HAL_DENIED', `this user may not listen on ${where}`, {
      where,
      hint: 'Choose a port above 1023.',
    });
  return new HalError('HAL_IO', `cannot listen on ${where}: ${error.message}`, { where, cause: error });
}

/** Rejects with `HAL_IN_USE`, `HAL_DENIED` or `HAL_IO` when it cannot listen, and then has closed the ports. */
export async function serveUsbip(options: UsbipServerOptions): Promise<UsbipServer> {
  const server = new ListeningServer(options);
  try {
    await server.listen(options.host ?? '127.0.0.1', options.port ?? USBIP_PORT);
  } catch (error) {
    for (const port of options.ports) port.close();
    throw error;
  }
  return server;
}
