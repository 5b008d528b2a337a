/** Stands for package `node-hid` in the process that owns a device: a device is a socket, at whose other end a test sits. */

import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { HidDeviceInfo } from '../hid-device.js';
import { MOCK_HID, type MockAnswer, type MockRequest } from './mock-hid-stand.js';

interface Waiting {
  readonly resolve: (answer: readonly number[]) => void;
  readonly reject: (error: Error) => void;
}

class MockHidDevice extends EventEmitter {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #id = 0;
  #closed = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    createInterface({ input: socket }).on('line', (line) => this.#hear(JSON.parse(line) as MockAnswer));
    socket.on('error', () => {});
    socket.on('close', () => this.#gone());
  }

  /** The library starts to read at a listener for reports, and again at a second one, which fails. */
  override on(event: string, listener: (...args: never[]) => void): this {
    if (event === 'data' && this.listenerCount('data') > 0) throw new TypeError('read is already running');
    return super.on(event, listener as (...args: unknown[]) => void);
  }

  async write(report: Buffer): Promise<number> {
    await this.#ask({ op: 'write', bytes: [...report] });
    return report.length;
  }

  async sendFeatureReport(report: Buffer): Promise<number> {
    await this.#ask({ op: 'sendFeature', bytes: [...report] });
    return report.length;
  }

  async getFeatureReport(reportId: number, reportLength: number): Promise<Buffer> {
    return Buffer.from(await this.#ask({ op: 'getFeature', bytes: [reportId, reportLength] }));
  }

  async getDeviceInfo(): Promise<HidDeviceInfo> {
    return { ...MOCK_HID, release: 0x0100, interface: 0 };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#socket.destroy();
  }

  #ask(request: Omit<MockRequest, 'id'>): Promise<readonly number[]> {
    if (this.#socket.destroyed) return Promise.reject(new Error('Cannot write to hid device: No such device'));
    return new Promise((resolve, reject) => {
      const id = ++this.#id;
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }

  #hear(answer: MockAnswer): void {
    if ('report' in answer) {
      this.emit('data', Buffer.from(answer.report));
      return;
    }
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('failed' in answer) waiting?.reject(new Error(answer.failed));
    else waiting?.resolve(answer.bytes);
  }

  #gone(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error('Input/output error'));
    this.#waiting.clear();
    // The library tells reading errors as texts, with what its own library says behind them.
    if (!this.#closed)
      this.emit('error', 'could not read from HID device: unexpected poll error (device disconnected)');
  }
}

export const HIDAsync = {
  /** udev sets the permissions of a node some time after it is there. */
  open(path: string): Promise<MockHidDevice> {
    if (existsSync(`${path}.denied`))
      return Promise.reject(new TypeError(`cannot open device with path ${path}: open failed: Permission denied`));
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      // The stand greets with one byte: it knows the device to be open from then on.
      socket.once('readable', () => {
        socket.read(1);
        resolve(new MockHidDevice(socket));
      });
      socket.once('error', () => reject(new TypeError(`cannot open device with path ${path}`)));
    });
  },
};

export async function devicesAsync(): Promise<HidDeviceInfo[]> {
  return [];
}
