/** The master side of a pseudo-terminal as a binding port: this process plays the device for a program that opens the terminal. */

import { ByteQueue, type WallClock } from '../../../base/index.js';
import { HalError } from '../../errors.js';
import {
  CanceledError,
  checkOpenOptions,
  checkReadArguments,
  checkUpdateOptions,
  checkWriteArguments,
  completeOpenOptions,
} from '../binding-errors.js';
import type {
  BindingInterface,
  BindingPortInterface,
  OpenOptions,
  PortInfo,
  PortStatus,
  SetOptions,
  UpdateOptions,
} from '../binding-types.js';
import { PtyMaster } from './pty-master.js';

/** The program is stopped when so much waits to be read; one more chunk of the stream, at most as large, still fits. */
const RECEIVE_HIGH_BYTES = 1 << 16;

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

interface PendingRead extends Waiter<{ buffer: Buffer; bytesRead: number }> {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly length: number;
}

/** See `bindingFromPty`. */
class PtyBinding implements BindingPortInterface {
  readonly openOptions: Required<OpenOptions>;
  readonly #master: PtyMaster;
  readonly #onClose: () => void;
  readonly #received = new ByteQueue(2 * RECEIVE_HIGH_BYTES);
  #open = true;
  #baudRate: number;
  #read: PendingRead | undefined;
  #writing: (Waiter<void> & { buffer: Buffer; offset: number })[] = [];
  #drains: Waiter<void>[] = [];

  constructor(master: PtyMaster, options: OpenOptions, onClose: () => void) {
    this.openOptions = completeOpenOptions(options);
    this.#master = master;
    this.#onClose = onClose;
    this.#baudRate = options.baudRate;
    master.onData = (chunk) => this.#receive(chunk);
    master.onWritten = () => this.#written();
    master.resume();
  }

  get isOpen(): boolean {
    return this.#open;
  }

  async close(): Promise<void> {
    this.#refuseClosed('close');
    this.#open = false;
    this.#master.pause();
    const { path } = this.openOptions;
    this.#read?.reject(new CanceledError(path, 'read'));
    for (const write of this.#writing.splice(0)) write.reject(new CanceledError(path, 'write'));
    for (const drain of this.#drains.splice(0)) drain.reject(new CanceledError(path, 'drain'));
    this.#onClose();
  }

  async read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }> {
    checkReadArguments(buffer, offset, length, this.openOptions.path);
    this.#refuseClosed('read');
    if (this.#read !== undefined)
      throw new HalError('HAL_INVALID', `a read of ${this.openOptions.path} is already waiting`);
    if (this.#received.length > 0) {
      const bytesRead = this.#received.read(buffer, offset, length);
      if (this.#received.length <= RECEIVE_HIGH_BYTES) this.#master.resume();
      return { buffer, bytesRead };
    }
    return new Promise((resolve, reject) => {
      this.#read = { buffer, offset, length, resolve, reject };
    });
  }

  async write(buffer: Buffer): Promise<void> {
    checkWriteArguments(buffer, this.openOptions.path);
    this.#refuseClosed('write');
    if (buffer.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#writing.push({ buffer, offset: 0, resolve, reject });
      this.#admit();
    });
  }

  async drain(): Promise<void> {
    this.#refuseClosed('drain');
    if (this.#master.pendingBytes === 0 && this.#writing.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#drains.push({ resolve, reject });
    });
  }

  async flush(): Promise<void> {
    this.#refuseClosed('flush');
    this.#received.clear();
    this.#master.dropUnread();
    this.#master.resume();
    this.#written();
  }

  async update(options: UpdateOptions): Promise<void> {
    this.#refuseClosed('update');
    this.#baudRate = checkUpdateOptions(options, this.openOptions.path);
  }

  async set(_options: SetOptions): Promise<void> {
    this.#refuseClosed('set');
    throw this.#noModemLines('set');
  }

  async get(): Promise<PortStatus> {
    this.#refuseClosed('get');
    throw this.#noModemLines('get');
  }

  async getBaudRate(): Promise<{ baudRate: number }> {
    this.#refuseClosed('getBaudRate');
    return { baudRate: this.#baudRate };
  }

  #receive(chunk: Uint8Array): void {
    let taken = 0;
    const read = this.#read;
    if (read !== undefined) {
      this.#read = undefined;
      taken = Math.min(read.length, chunk.length);
      read.buffer.set(chunk.subarray(0, taken), read.offset);
      read.resolve({ buffer: read.buffer, bytesRead: taken });
    }
    while (taken < chunk.length && this.#received.push(chunk[taken])) taken++;
    if (this.#received.length > RECEIVE_HIGH_BYTES) this.#master.pause();
  }

  #admit(): void {
    for (let write = this.#writing[0]; write !== undefined; write = this.#writing[0]) {
      write.offset += this.#master.write(write.buffer, write.offset, write.buffer.length - write.offset);
      if (write.offset < write.buffer.length) return;
      this.#writing.shift();
      write.resolve();
    }
  }

  #written(): void {
    this.#admit();
    if (this.#master.pendingBytes > 0 || this.#writing.length > 0) return;
    for (const drain of this.#drains.splice(0)) drain.resolve();
  }

  #noModemLines(what: string): HalError {
    const { path } = this.openOptions;
    return new HalError('HAL_UNSUPPORTED', `${path} cannot ${what}: a pseudo-terminal has no modem lines`, {
      where: path,
    });
  }

  #refuseClosed(what: string): void {
    if (!this.#open) throw new CanceledError(this.openOptions.path, what);
  }
}

/** The device's side of `master` as a binding port. Closing it leaves the terminal in place; the owner of `master` closes that. */
export function bindingFromPty(
  master: PtyMaster,
  options: Omit<OpenOptions, 'path'>,
  onClose: () => void = () => {},
): BindingPortInterface {
  return new PtyBinding(master, { ...options, path: master.path }, onClose);
}

export interface PtyBindingHandle extends BindingInterface<BindingPortInterface, OpenOptions, PortInfo> {
  /** The terminal that programs open, which is also the path to open here. */
  readonly path: string;
  /** Removes the terminal. */
  dispose(): void;
}

/** A binding with one port: the master side of a new terminal. The terminal stays while the port is closed and opened again. */
export function ptyBinding(clock: WallClock): PtyBindingHandle {
  const master = new PtyMaster(clock);
  let open = false;
  return {
    path: master.path,
    dispose: () => master.close(),
    list: async () => [
      {
        path: master.path,
        manufacturer: undefined,
        serialNumber: undefined,
        pnpId: undefined,
        locationId: undefined,
        productId: undefined,
        vendorId: undefined,
      },
    ],
    open: async (options) => {
      checkOpenOptions(options);
      if (options.path !== master.path)
        throw new HalError('HAL_NOT_FOUND', `there is no port ${options.path}`, {
          where: options.path,
          hint: `The port is ${master.path}.`,
        });
      if (open) throw new HalError('HAL_IN_USE', `${options.path} is open already`, { where: options.path });
      open = true;
      return bindingFromPty(master, options, () => {
        open = false;
      });
    },
  };
}
