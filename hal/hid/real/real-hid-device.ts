/** A real HID device: node-hid in a process of its own, its reports taken at once and kept in order. */

import { EventEmitter } from 'node:events';
import { HalError } from '../../errors.js';
import type { HostConnection, HostProvider } from '../../host-process/host-connection.js';
import { HostProcess, type HostProcessOptions } from '../../host-process/host-process.js';
import type { HidDevice, HidDeviceInfo, HidEvents } from '../hid-device.js';
import { type HidIdentity, hidError } from './hid-errors.js';
import type { HidCredit, HidEvent, HidOpenArguments, HidReportEvent, HidRequests } from './protocol.js';

export type HidHost = HostConnection<HidRequests, HidEvent, HidCredit>;

export const HID_HOST_MODULE = new URL('./hid-program.js', import.meta.url);

/** The module that serves a device in a seat of a shared I/O process, or in the calling thread. */
export const HID_HOST = new URL('./hid-host.js', import.meta.url);

/** A report of HID has at most so many bytes with its id (Linux, HID_MAX_BUFFER_SIZE). */
const MAX_REPORT_BYTES = 16_384;

interface PendingRead {
  readonly resolve: (report: Buffer | undefined) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

export interface RealHidDeviceOptions {
  readonly open: HidOpenArguments;
  readonly identity: HidIdentity;
  readonly host: Partial<Omit<HostProcessOptions, 'where'>>;
  readonly hosts?: HostProvider | undefined;
}

/**
 * `lost` counts what was dropped here and in the process that owns the device. What cannot be counted: reports that the
 * kernel dropped because that process was not scheduled while 64 came (hidraw's queue), and those the device itself had no
 * room for; only a count inside the reports shows these.
 */
export class RealHidDevice implements HidDevice {
  readonly #emitter = new EventEmitter<HidEvents>();
  readonly #host: HidHost;
  readonly #identity: HidIdentity;
  readonly #limit: number;
  readonly #queue: HidReportEvent[] = [];
  #info: HidDeviceInfo | undefined;
  #lostInHost = 0;
  #lostHere = 0;
  #read: PendingRead | undefined;
  #paused = false;
  #closing: Promise<void> | undefined;
  #failure: HalError | undefined;
  #told = false;
  /** When the latest report that was handed out had come: `CLOCK_MONOTONIC`, taken where it was read. */
  arrivedMonotonicNs = 0n;

  constructor(options: RealHidDeviceOptions) {
    this.#identity = options.identity;
    this.#limit = options.open.queueLimit;
    const { where } = options.identity;
    this.#host =
      options.hosts?.connect(HID_HOST, where) ?? new HostProcess({ module: HID_HOST_MODULE, ...options.host, where });
    this.#host.onEvent = (event) => this.#hear(event);
    this.#host.onLost = (error) => this.#fail(error);
  }

  /** The process that owns the device. */
  get hostPid(): number | undefined {
    return this.#host.pid;
  }

  get lost(): number {
    return this.#lostInHost + this.#lostHere;
  }

  /** Called once, by whoever made it; nothing is left running when it rejects. */
  async open(options: HidOpenArguments): Promise<void> {
    try {
      this.#info = await this.#host.request('open', options);
    } catch (error) {
      this.#closing = this.#host.end();
      await this.#closing;
      throw hidError(error, this.#identity, 'open');
    }
  }

  on<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this {
    return this.#listen('on', event, listener);
  }

  once<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this {
    return this.#listen('once', event, listener);
  }

  off<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this {
    (this.#emitter as EventEmitter).off(event, listener as (...args: unknown[]) => void);
    return this;
  }

  async read(timeoutMs?: number): Promise<Buffer | undefined> {
    this.#refuseClosed('read');
    const { where } = this.#identity;
    if (this.#read !== undefined) throw new HalError('HAL_INVALID', `a read of ${where} is already waiting`, { where });
    if (this.#emitter.listenerCount('data') > 0)
      throw new HalError('HAL_INVALID', `read: the reports of ${where} go to its listeners`, { where });
    const first = this.#queue.shift();
    if (first !== undefined) return this.#handOut(first);
    if (this.#failure !== undefined) throw this.#failure;
    if (timeoutMs !== undefined && timeoutMs <= 0) return undefined;
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              this.#read = undefined;
              resolve(undefined);
            }, timeoutMs);
      this.#read = { resolve, reject, timer };
    });
  }

  async write(report: readonly number[] | Uint8Array): Promise<number> {
    return this.#ask('write', this.#checked(report, 'write'));
  }

  async sendFeatureReport(report: readonly number[] | Uint8Array): Promise<number> {
    return this.#ask('sendFeature', this.#checked(report, 'sendFeatureReport'));
  }

  async getFeatureReport(reportId: number, reportLength: number): Promise<Buffer> {
    if (!isByte(reportId) || !Number.isInteger(reportLength) || reportLength < 1 || reportLength > MAX_REPORT_BYTES)
      throw this.#invalid(`getFeatureReport: id ${reportId} with ${reportLength} bytes is no report`);
    const bytes = await this.#ask('getFeature', { reportId, reportLength });
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#flow();
  }

  async getDeviceInfo(): Promise<HidDeviceInfo> {
    this.#refuseClosed('getDeviceInfo');
    return { ...(this.#info as HidDeviceInfo) };
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#settleRead(({ reject }) => reject(this.#closed('read')));
    this.#queue.length = 0;
    await this.#host.request('close', undefined).catch(() => {});
    await this.#host.end();
    this.#emitter.emit('close');
    this.#emitter.removeAllListeners();
  }

  #listen<E extends keyof HidEvents>(method: 'on' | 'once', event: E, listener: (...args: HidEvents[E]) => void): this {
    (this.#emitter as EventEmitter)[method](event, listener as (...args: unknown[]) => void);
    // What waits comes once whoever listens has finished setting up.
    queueMicrotask(() => this.#flow());
    return this;
  }

  #hear(event: HidEvent): void {
    if ('failed' in event) {
      this.#fail(hidError(new Error(event.failed), this.#identity, 'read'));
      return;
    }
    this.#host.send({ credit: 1 });
    if (this.#closing !== undefined) return;
    this.#lostInHost = event.lost;
    this.#queue.push(event);
    if (this.#queue.length > this.#limit) {
      this.#queue.shift();
      this.#lostHere++;
    }
    if (this.#read !== undefined) {
      const report = this.#handOut(this.#queue.shift() as HidReportEvent);
      this.#settleRead(({ resolve }) => resolve(report));
      return;
    }
    this.#flow();
  }

  /** Hands reports to the listeners, then the failure, if there is one. */
  #flow(): void {
    while (!this.#paused && this.#closing === undefined && this.#emitter.listenerCount('data') > 0) {
      const first = this.#queue.shift();
      if (first === undefined) break;
      this.#deliver(this.#handOut(first));
    }
    if (this.#failure === undefined || this.#told || this.#queue.length > 0 || this.#closing !== undefined) return;
    if (this.#emitter.listenerCount('error') === 0) return;
    this.#told = true;
    this.#emitter.emit('error', this.#failure);
  }

  /** Every listener gets a copy of its own; one that throws fails by itself and takes no report from anybody. */
  #deliver(report: Buffer): void {
    for (const listener of this.#emitter.rawListeners('data') as ((report: Buffer) => void)[])
      try {
        listener.call(this, Buffer.from(report));
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
  }

  #handOut({ report, atMonotonicNs }: HidReportEvent): Buffer {
    this.arrivedMonotonicNs = atMonotonicNs;
    return Buffer.from(report.buffer, report.byteOffset, report.length);
  }

  #fail(error: HalError): void {
    if (this.#failure !== undefined || this.#closing !== undefined) return;
    this.#failure = error;
    this.#settleRead(({ reject }) => reject(error));
    this.#flow();
  }

  #settleRead(settle: (read: PendingRead) => void): void {
    const read = this.#read;
    if (read === undefined) return;
    this.#read = undefined;
    clearTimeout(read.timer);
    settle(read);
  }

  async #ask<Op extends keyof HidRequests & string>(
    op: Op,
    args: HidRequests[Op]['args'],
  ): Promise<HidRequests[Op]['answer']> {
    this.#refuseClosed(op);
    try {
      return await this.#host.request(op, args);
    } catch (error) {
      throw this.#closing === undefined ? hidError(error, this.#identity, op) : this.#closed(op);
    }
  }

  #checked(report: readonly number[] | Uint8Array, what: string): Uint8Array {
    if (report.length < 1 || report.length > MAX_REPORT_BYTES)
      throw this.#invalid(
        `${what}: a report has 1 to ${MAX_REPORT_BYTES} bytes, its id first, and not ${report.length}`,
      );
    for (const byte of report) if (!isByte(byte)) throw this.#invalid(`${what}: ${byte} is no byte`);
    return Uint8Array.from(report);
  }

  #refuseClosed(what: string): void {
    if (this.#closing !== undefined) throw this.#closed(what);
  }

  #closed(what: string): HalError {
    const { where } = this.#identity;
    return new HalError('HAL_CLOSED', `${what}: ${where} is closed`, { where });
  }

  #invalid(message: string): HalError {
    const { where } = this.#identity;
    return new HalError('HAL_INVALID', `${where}: ${message}`, {
      where,
      hint: 'The first byte is the report id, 0 where the device does not number its reports.',
    });
  }
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xff;
}
