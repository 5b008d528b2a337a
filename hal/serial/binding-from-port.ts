/** Shows any `SerialPort` as a `@serialport/bindings-interface` port, so that code written for serialport runs on it. */

import { ByteQueue, type Clock, Timer } from '../../base/index.js';
import { HalError } from '../errors.js';
import {
  CanceledError,
  checkReadArguments,
  checkUpdateOptions,
  checkWriteArguments,
  completeOpenOptions,
} from './binding-errors.js';
import type { BindingPortInterface, OpenOptions, PortStatus, SetOptions, UpdateOptions } from './binding-types.js';
import {
  characterEndNs,
  LINE_STATUS,
  type LineSettings,
  MODEM_CONTROL,
  MODEM_STATUS,
  type SerialPort,
} from './serial-port.js';

/** What an operating system keeps of written bytes before `write` waits. */
const TRANSMIT_BUFFER_BYTES = 4096;
/** Bytes handed to the port ahead of the line, like a UART's transmit FIFO; the rest can still be flushed. */
const TRANSMIT_FIFO_BYTES = 16;

export interface PortBindingOptions {
  /** The port's clock; drain and back-pressure are timed on it. */
  readonly clock: Clock;
  readonly path: string;
  readonly line: LineSettings;
  /** Received bytes kept until they are read; more are lost and counted. Default 64 KiB. */
  readonly rxBufferBytes?: number;
  readonly openOptions?: OpenOptions;
}

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

interface PendingRead extends Waiter<{ buffer: Buffer; bytesRead: number }> {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly length: number;
}

interface PendingWrite extends Waiter<void> {
  readonly buffer: Buffer;
  offset: number;
}

/** A `SerialPort` behind the binding interface; see `bindingFromPort`. */
export class PortBinding implements BindingPortInterface {
  readonly openOptions: Required<OpenOptions>;
  readonly #port: SerialPort;
  readonly #clock: Clock;
  readonly #received: ByteQueue;
  readonly #waiting = new ByteQueue(TRANSMIT_BUFFER_BYTES);
  readonly #fifo = new Uint8Array(TRANSMIT_FIFO_BYTES);
  readonly #pace = new Timer(() => this.#feed());
  #line: LineSettings;
  #open = true;
  #failure: HalError | undefined;
  #read: PendingRead | undefined;
  readonly #writes: PendingWrite[] = [];
  #drains: Waiter<void>[] = [];
  #lineFreeNs = 0;
  #modemStatus = 0;
  #lost = 0;

  constructor(port: SerialPort, options: PortBindingOptions) {
    const { line, path } = options;
    this.openOptions = completeOpenOptions(options.openOptions ?? { ...line, path });
    this.#port = port;
    this.#clock = options.clock;
    this.#line = line;
    this.#received = new ByteQueue(options.rxBufferBytes ?? 1 << 16);
    port.attach({
      receive: (byte, status) => this.#receive(byte, status),
      modemStatus: (bits) => {
        this.#modemStatus = bits;
      },
      disconnected: (error) => this.#fail(error),
    });
    port.configure(line);
    port.modemControl(MODEM_CONTROL.dtr | MODEM_CONTROL.rts);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Received bytes lost because nobody read them in time. */
  get lost(): number {
    return this.#lost;
  }

  async close(): Promise<void> {
    this.#refuseClosed('close');
    this.#open = false;
    this.#clock.cancel(this.#pace);
    this.#rejectAll((what) => new CanceledError(this.openOptions.path, what));
    this.#port.close();
  }

  async read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }> {
    checkReadArguments(buffer, offset, length, this.openOptions.path);
    this.#refuseClosed('read');
    if (this.#read !== undefined)
      throw new HalError('HAL_INVALID', `a read of ${this.openOptions.path} is already waiting`);
    if (this.#received.length > 0) return { buffer, bytesRead: this.#received.read(buffer, offset, length) };
    if (this.#failure !== undefined) throw this.#failure;
    return new Promise((resolve, reject) => {
      this.#read = { buffer, offset, length, resolve, reject };
    });
  }

  async write(buffer: Buffer): Promise<void> {
    checkWriteArguments(buffer, this.openOptions.path);
    this.#refuseClosed('write');
    if (this.#failure !== undefined) throw this.#failure;
    if (buffer.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#writes.push({ buffer, offset: 0, resolve, reject });
      this.#feed();
    });
  }

  async update(options: UpdateOptions): Promise<void> {
    this.#refuseClosed('update');
    const baudRate = checkUpdateOptions(options, this.openOptions.path);
    this.#port.configure({ ...this.#line, baudRate });
    this.#line = { ...this.#line, baudRate };
  }

  async set(options: SetOptions): Promise<void> {
    this.#refuseClosed('set');
    const { brk = false, dtr = true, rts = true } = options;
    this.#port.modemControl(
      (dtr ? MODEM_CONTROL.dtr : 0) | (rts ? MODEM_CONTROL.rts : 0) | (brk ? MODEM_CONTROL.break : 0),
    );
  }

  async get(): Promise<PortStatus> {
    this.#refuseClosed('get');
    const bits = this.#modemStatus;
    return {
      cts: (bits & MODEM_STATUS.cts) !== 0,
      dsr: (bits & MODEM_STATUS.dsr) !== 0,
      dcd: (bits & MODEM_STATUS.dcd) !== 0,
    };
  }

  async getBaudRate(): Promise<{ baudRate: number }> {
    this.#refuseClosed('getBaudRate');
    return { baudRate: this.#line.baudRate };
  }

  async flush(): Promise<void> {
    this.#refuseClosed('flush');
    this.#received.clear();
    this.#waiting.clear();
  }

  async drain(): Promise<void> {
    this.#refuseClosed('drain');
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#drained()) return;
    await new Promise<void>((resolve, reject) => {
      this.#drains.push({ resolve, reject });
    });
  }

  #receive(byte: number, lineStatus: number): void {
    if (!this.#open) return;
    if (lineStatus & LINE_STATUS.overrun) this.#lost++;
    const read = this.#read;
    if (read !== undefined) {
      this.#read = undefined;
      read.buffer[read.offset] = byte;
      read.resolve({ buffer: read.buffer, bytesRead: 1 });
    } else if (!this.#received.push(byte)) {
      this.#lost++;
    }
  }

  /** Moves bytes from writers into the buffer and from the buffer to the port, no faster than the line takes them. */
  #feed(): void {
    if (!this.#open || this.#failure !== undefined) return;
    this.#admitWrites();
    const nowNs = this.#clock.now();
    if (this.#lineFreeNs <= nowNs && this.#waiting.length > 0) {
      const count = this.#waiting.read(this.#fifo, 0, TRANSMIT_FIFO_BYTES);
      this.#lineFreeNs = characterEndNs(this.#line, nowNs, count - 1);
      this.#port.transmit(this.#fifo, 0, count);
      this.#admitWrites();
    }
    if (this.#lineFreeNs > nowNs) this.#clock.schedule(this.#pace, this.#lineFreeNs);
    if (this.#drained()) this.#finishDrains();
  }

  #admitWrites(): void {
    for (let write = this.#writes[0]; write !== undefined; write = this.#writes[0]) {
      while (write.offset < write.buffer.length && this.#waiting.push(write.buffer[write.offset])) write.offset++;
      if (write.offset < write.buffer.length) return;
      this.#writes.shift();
      write.resolve();
    }
  }

  #drained(): boolean {
    return this.#waiting.length === 0 && this.#writes.length === 0 && this.#lineFreeNs <= this.#clock.now();
  }

  #finishDrains(): void {
    const drains = this.#drains;
    this.#drains = [];
    for (const drain of drains) drain.resolve();
  }

  #fail(error: HalError): void {
    this.#failure = error;
    this.#clock.cancel(this.#pace);
    this.#rejectAll(() => error);
  }

  #rejectAll(errorFor: (what: string) => HalError): void {
    this.#read?.reject(errorFor('read'));
    this.#read = undefined;
    for (const write of this.#writes.splice(0)) write.reject(errorFor('write'));
    for (const drain of this.#drains.splice(0)) drain.reject(errorFor('drain'));
  }

  #refuseClosed(what: string): void {
    if (!this.#open) throw new CanceledError(this.openOptions.path, what);
  }
}

/**
 * `port` as `BindingPortInterface`. Attaches, configures the line, and raises DTR and RTS as an operating system does on open.
 * A read resolves with at least one byte; a waiting call rejects with a `CanceledError` when the port is closed and with the
 * port's own error when it ends, after everything received has been read. `write` resolves once the bytes are in a buffer
 * of 4 KiB; `flush` drops what is there and not yet with the port.
 */
export function bindingFromPort(port: SerialPort, options: PortBindingOptions): PortBinding {
  return new PortBinding(port, options);
}
