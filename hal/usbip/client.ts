/** The remote binding: a device that a USB/IP server exports, as a port (Linux, Documentation/usb/usbip_protocol.rst). */

import { connect, type Socket } from 'node:net';
import type { Clock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { readDescription } from '../usb/read-description.js';
import type { UsbPort } from '../usb/usb-port.js';
import { ByteStream } from './byte-stream.js';
import {
  BUSID_BYTES,
  DEVICE_BYTES,
  decodeDevice,
  type ExportedDevice,
  OPERATION,
  OPERATION_BYTES,
  operationHeader,
  REFUSED,
  USBIP_PORT,
  USBIP_VERSION,
  writeText,
} from './protocol.js';
import { RemotePort } from './remote-port.js';

export interface UsbipAddress {
  readonly host: string;
  /** 3240 when absent. */
  readonly port?: number;
  /** Until the connection is there, and until the server has answered each thing it was asked; 5 s when absent. */
  readonly timeoutMs?: number;
}

export interface UsbipClientOptions extends UsbipAddress {
  /** As the server lists it: `1-1`. */
  readonly busid: string;
  readonly clock: Clock;
}

const DEFAULT_TIMEOUT_MS = 5000;
const MOST_DEVICES = 1024;
/** A server whose machine has gone without a word is noticed. */
const KEEP_ALIVE_MS = 10_000;

/** A connection while it speaks operations: takes what is asked for, byte by byte. */
class Conversation {
  readonly stream = new ByteStream();
  readonly #where: string;
  #waiting: { readonly length: number; readonly resolve: (bytes: Uint8Array) => void } | undefined;
  #reject: (error: HalError) => void = () => {};
  #failure: HalError | undefined;
  readonly #onData = (piece: Buffer): void => {
    this.stream.push(piece);
    this.#serve();
  };
  readonly #onClose = (): void =>
    this.#fail(this.#error('HAL_DISCONNECTED', 'ended the connection before it had answered'));

  private constructor(
    readonly socket: Socket,
    where: string,
  ) {
    this.#where = where;
    socket.on('data', this.#onData);
    socket.on('close', this.#onClose);
  }

  static open(address: UsbipAddress): Promise<Conversation> {
    const { host, port = USBIP_PORT, timeoutMs = DEFAULT_TIMEOUT_MS } = address;
    const where = `${host}:${port}`;
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
      socket.setTimeout(timeoutMs, () => socket.destroy(timedOut(where, timeoutMs)));
      socket.once('connect', () => {
        socket.removeAllListeners('error');
        const conversation = new Conversation(socket, where);
        socket.on('error', (error) => conversation.#fail(connectError(error, where)));
        resolve(conversation);
      });
      socket.once('error', (error) => reject(connectError(error, where)));
    });
  }

  async bytes(length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting = { length, resolve };
      this.#reject = reject;
      if (this.#failure !== undefined) reject(this.#failure);
      else this.#serve();
    });
  }

  /** Sends a request and takes the head of its answer; rejects when the server refuses. */
  async ask(request: Uint8Array, reply: number, refusal: (status: number) => HalError): Promise<void> {
    this.socket.write(request);
    const head = await this.bytes(OPERATION_BYTES);
    const view = new DataView(head.buffer, head.byteOffset, OPERATION_BYTES);
    if (view.getUint16(0) !== USBIP_VERSION || view.getUint16(2) !== reply)
      throw this.#error('HAL_UNSUPPORTED', 'does not speak USB/IP 1.1.1');
    if (view.getUint32(4) !== 0) throw refusal(view.getUint32(4));
  }

  /** Hands the socket over; what was read beyond the answer stays in the stream. */
  release(): void {
    this.socket.off('data', this.#onData);
    this.socket.off('close', this.#onClose);
    this.socket.removeAllListeners('error');
    this.socket.setTimeout(0);
  }

  close(): void {
    this.release();
    this.socket.on('error', () => {});
    this.socket.destroy();
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.stream.length < waiting.length) return;
    this.#waiting = undefined;
    waiting.resolve(this.stream.take(waiting.length).slice());
  }

  #fail(error: HalError): void {
    this.#failure ??= error;
    if (this.#waiting !== undefined) this.#reject(error);
    this.#waiting = undefined;
  }

  #error(code: 'HAL_DISCONNECTED' | 'HAL_UNSUPPORTED', what: string): HalError {
    return new HalError(code, `the server at ${this.#where} ${what}`, { where: this.#where });
  }
}

function timedOut(where: string, timeoutMs: number): HalError {
  return new HalError('HAL_TIMEOUT', `no USB/IP server answered at ${where} within ${timeoutMs} ms`, {
    where,
    hint: 'Check the address and what stands between.',
  });
}

function connectError(error: NodeJS.ErrnoException, where: string): HalError {
  if (error instanceof HalError) return error;
  if (error.code === 'ECONNREFUSED')
    return new HalError('HAL_NOT_FOUND', `no USB/IP server listens at ${where}`, {
      where,
      hint: 'Start one there: "rig export sim:PROFILE --usbip", or usbipd.',
      cause: error,
    });
  return new HalError('HAL_IO', `${where} cannot be reached: ${error.message}`, { where, cause: error });
}

/** What a server exports. Rejects with `HAL_NOT_FOUND`, `HAL_TIMEOUT`, `HAL_UNSUPPORTED`, `HAL_DISCONNECTED` or `HAL_IO`. */
export async function listUsbip(address: UsbipAddress): Promise<ExportedDevice[]> {
  const conversation = await Conversation.open(address);
  try {
    const refused = (status: number): HalError =>
      new HalError('HAL_IO', `the USB/IP server refuses to list its devices (status ${status})`);
    await conversation.ask(operationHeader(OPERATION.requestList, 0), OPERATION.replyList, refused);
    const head = await conversation.bytes(4);
    const count = Math.min(MOST_DEVICES, new DataView(head.buffer, head.byteOffset, 4).getUint32(0));
    const devices: ExportedDevice[] = [];
    for (let i = 0; i < count; i++) {
      const device = decodeDevice(await conversation.bytes(DEVICE_BYTES));
      const bytes = await conversation.bytes(4 * device.interfaceCount);
      const interfaces = Array.from({ length: device.interfaceCount }, (_, k) => ({
        code: bytes[4 * k],
        subclass: bytes[4 * k + 1],
        protocol: bytes[4 * k + 2],
      }));
      devices.push({ ...device, interfaces });
    }
    return devices;
  } finally {
    conversation.close();
  }
}

/**
 * Attaches a device; nobody else can meanwhile. Rejects as `listUsbip`, with `HAL_NOT_FOUND` for a busid that is not exported
 * and `HAL_IN_USE` for one that someone has. The port's transfers pass a network: its times are no times of the bus.
 */
export async function connectUsbip(options: UsbipClientOptions): Promise<UsbPort> {
  const { host, port = USBIP_PORT, busid, clock, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const name = `usbip:${host}:${port}/${busid}`;
  const conversation = await Conversation.open(options);
  try {
    const request = new Uint8Array(OPERATION_BYTES + BUSID_BYTES);
    request.set(operationHeader(OPERATION.requestImport, 0));
    writeText(request, OPERATION_BYTES, BUSID_BYTES, busid);
    await conversation.ask(request, OPERATION.replyImport, (status) => importRefused(status, name));
    const device = decodeDevice(await conversation.bytes(DEVICE_BYTES));
    conversation.release();
    const { socket, stream } = conversation;
    const remote = new RemotePort(name, { socket, stream, clock, timeoutMs }, device);
    return await readDescription(remote, device.speed, timeoutMs);
  } catch (error) {
    conversation.close();
    throw error;
  }
}

function importRefused(status: number, name: string): HalError {
  if (status === REFUSED.busy)
    return new HalError('HAL_IN_USE', `${name} is attached by someone else`, {
      where: name,
      hint: 'Detach it there first.',
    });
  return new HalError('HAL_NOT_FOUND', `the server does not export ${name}`, {
    where: name,
    hint: 'List what it exports: "usbip list -r HOST".',
  });
}
