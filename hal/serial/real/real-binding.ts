/** Real serial ports: serialport's native binding, each open port in a process of its own. */

import type { WallClock } from '../../../base/index.js';
import { HalError } from '../../errors.js';
import type { HostConnection, HostProvider } from '../../host-process/host-connection.js';
import { HostProcess, type HostProcessOptions, HostRequestError } from '../../host-process/host-process.js';
import {
  CanceledError,
  checkOpenOptions,
  checkReadArguments,
  checkUpdateOptions,
  checkWriteArguments,
} from '../binding-errors.js';
import type {
  BindingInterface,
  OpenOptions,
  PortInfo,
  PortStatus,
  SetOptions,
  UpdateOptions,
} from '../binding-types.js';
import {
  type BindingPort,
  type ChunkArrival,
  portFromBinding,
  type ReconfigurableBinding,
  type StampedRead,
} from '../port-from-binding.js';
import { bitsPerCharacter, type LineSettings } from '../serial-port.js';
import { portError } from './port-errors.js';
import type { HostChunk, HostCredit, HostEvent, HostOperation, HostRequests } from './protocol.js';

type SerialHost = HostConnection<HostRequests, HostEvent, HostCredit>;

const HOST_MODULE = new URL('./host-process.js', import.meta.url);

/** The module that serves a port in a seat of a shared I/O process, or in the calling thread. */
export const SERIAL_HOST = new URL('./serial-host.js', import.meta.url);

/** Beyond what the line itself takes, a write or a drain may take so long. */
const SLACK_MS = 5_000;

interface PendingRead {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly length: number;
  readonly resolve: (result: StampedRead) => void;
  readonly reject: (error: Error) => void;
}

/** An open real port. Reads carry `CLOCK_MONOTONIC` stamps taken in the process that read the bytes. */
export class RealPortBinding implements ReconfigurableBinding {
  readonly #host: SerialHost;
  #openOptions: Required<OpenOptions>;
  /** Whether the driver took its low-latency mode. */
  readonly lowLatency: boolean;
  #line: LineSettings;
  #open = true;
  #failure: HalError | undefined;
  #read: PendingRead | undefined;
  readonly #chunks: HostChunk[] = [];
  #consumed = 0;
  #unsentBytes = 0;

  constructor(host: SerialHost, openOptions: Required<OpenOptions>, line: LineSettings, lowLatency: boolean) {
    this.#host = host;
    this.#openOptions = openOptions;
    this.#line = line;
    this.lowLatency = lowLatency;
    host.onEvent = (event) => this.#hear(event);
    host.onLost = (error) => this.#fail(error);
  }

  get openOptions(): Required<OpenOptions> {
    return this.#openOptions;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** The process that owns the port. */
  get hostPid(): number | undefined {
    return this.#host.pid;
  }

  async close(): Promise<void> {
    this.#refuseClosed('close');
    this.#open = false;
    this.#read?.reject(new CanceledError(this.#openOptions.path, 'read'));
    this.#read = undefined;
    await this.#host.request('close', undefined).catch(() => {});
    await this.#host.end();
  }

  async read(buffer: Buffer, offset: number, length: number): Promise<StampedRead> {
    checkReadArguments(buffer, offset, length, this.#openOptions.path);
    this.#refuseClosed('read');
    if (this.#read !== undefined)
      throw new HalError('HAL_INVALID', `a read of ${this.#openOptions.path} is already waiting`);
    if (this.#chunks.length > 0) return this.#take(buffer, offset, length);
    if (this.#failure !== undefined) throw this.#failure;
    return new Promise((resolve, reject) => {
      this.#read = { buffer, offset, length, resolve, reject };
    });
  }

  async write(buffer: Buffer): Promise<void> {
    checkWriteArguments(buffer, this.#openOptions.path);
    this.#refuseClosed('write');
    if (buffer.length === 0) return;
    this.#unsentBytes += buffer.length;
    try {
      await this.#ask('write', buffer, this.#paceMs());
    } finally {
      this.#unsentBytes -= buffer.length;
    }
  }

  async drain(): Promise<void> {
    this.#refuseClosed('drain');
    await this.#ask('drain', undefined, this.#paceMs());
  }

  async flush(): Promise<void> {
    this.#refuseClosed('flush');
    await this.#ask('flush', undefined);
    // Messages keep their order: what came before the answer was received before the flush.
    for (const { chunk } of this.#chunks.splice(0)) this.#host.send({ credit: chunk.length });
    this.#consumed = 0;
  }

  async set(options: SetOptions): Promise<void> {
    this.#refuseClosed('set');
    await this.#ask('set', options);
  }

  async get(): Promise<PortStatus> {
    this.#refuseClosed('get');
    return this.#ask('get', undefined);
  }

  async getBaudRate(): Promise<{ baudRate: number }> {
    this.#refuseClosed('getBaudRate');
    return this.#ask('getBaudRate', undefined);
  }

  async update(options: UpdateOptions): Promise<void> {
    this.#refuseClosed('update');
    const baudRate = checkUpdateOptions(options, this.#openOptions.path);
    await this.#ask('update', baudRate);
    this.#line = { ...this.#line, baudRate };
  }

  /** Closes and opens the port inside its process, as the native library changes nothing but the rate of an open one. */
  async reconfigure(line: LineSettings): Promise<void> {
    this.#refuseClosed('reconfigure');
    await this.#ask('reconfigure', { ...this.#openOptions, ...line });
    this.#openOptions = { ...this.#openOptions, ...line };
    this.#line = line;
  }

  async #ask<Op extends HostOperation>(
    op: Op,
    args: HostRequests[Op]['args'],
    deadlineMs?: number,
  ): Promise<HostRequests[Op]['answer']> {
    try {
      return await this.#host.request(op, args, deadlineMs);
    } catch (error) {
      throw portError(error, this.#openOptions.path, op);
    }
  }

  /** How long the line needs for what waits, twice over, and some slack; 4 KiB may wait in the operating system too. */
  #paceMs(): number {
    return SLACK_MS + (2000 * (this.#unsentBytes + 4096) * bitsPerCharacter(this.#line)) / this.#line.baudRate;
  }

  #hear(event: HostEvent): void {
    if ('chunk' in event) {
      if (!this.#open) return;
      this.#chunks.push(event);
      const read = this.#read;
      if (read === undefined) return;
      this.#read = undefined;
      read.resolve(this.#take(read.buffer, read.offset, read.length));
    } else {
      this.#fail(portError(new HostRequestError(event.readFailed), this.#openOptions.path, 'read'));
    }
  }

  #take(buffer: Buffer, offset: number, length: number): StampedRead {
    const [first] = this.#chunks;
    const bytesRead = Math.min(length, first.chunk.length - this.#consumed);
    buffer.set(first.chunk.subarray(this.#consumed, this.#consumed + bytesRead), offset);
    this.#consumed += bytesRead;
    if (this.#consumed === first.chunk.length) {
      this.#chunks.shift();
      this.#consumed = 0;
      this.#host.send({ credit: first.chunk.length });
    }
    return {
      buffer,
      bytesRead,
      arrivedMonotonicNs: first.arrivedNs,
      waitingSinceMonotonicNs: first.waitingSinceNs,
    };
  }

  #fail(error: HalError): void {
    if (this.#failure !== undefined || !this.#open) return;
    this.#failure = error;
    this.#read?.reject(error);
    this.#read = undefined;
  }

  #refuseClosed(what: string): void {
    if (!this.#open) throw new CanceledError(this.#openOptions.path, what);
  }
}

/** How the processes of real ports are run; the defaults fit all but tests. */
export interface RealBindingOptions extends Partial<Omit<HostProcessOptions, 'where'>> {
  /** What owns the ports that are opened; default: a process for each. */
  readonly hosts?: HostProvider | undefined;
}

/**
 * Real ports as a binding. `open` starts the process that owns the port and rejects with `HAL_NOT_FOUND`, `HAL_IN_USE` (naming
 * the holder when it may be seen), `HAL_DENIED` (with the group to join), `HAL_UNSUPPORTED`, `HAL_TIMEOUT` or
 * `HAL_HOST_PROCESS`; nothing is left running then. `list` needs no permission.
 */
export function realBinding(
  options: RealBindingOptions = {},
): BindingInterface<RealPortBinding, OpenOptions, PortInfo> {
  return {
    async list() {
      const host: SerialHost = new HostProcess({ module: HOST_MODULE, ...options, where: 'the list of serial ports' });
      try {
        return await host.request('list', undefined);
      } catch (error) {
        throw portError(error, 'the list of serial ports', 'list');
      } finally {
        await host.end();
      }
    },
    async open(openOptions) {
      const line = checkOpenOptions(openOptions);
      const host: SerialHost =
        options.hosts?.connect(SERIAL_HOST, openOptions.path) ??
        new HostProcess({ module: HOST_MODULE, ...options, where: openOptions.path });
      try {
        const answer = await host.request('open', { lock: true, ...openOptions });
        return new RealPortBinding(host, answer.openOptions, line, answer.lowLatency);
      } catch (error) {
        await host.end();
        throw portError(error, openOptions.path, 'open');
      }
    },
  };
}

export interface RealPortOptions {
  readonly path: string;
  readonly line: LineSettings;
  readonly clock: WallClock;
  readonly onChunk?: (chunk: ChunkArrival) => void;
  readonly onRefused?: (error: HalError) => void;
  /** How often the modem inputs are read; default 20 ms, 0: never. */
  readonly modemPollNs?: number;
  /** What owns the port; default: a process of its own. */
  readonly hosts?: HostProvider | undefined;
}

/** Opens a real port as a `SerialPort`; errors as `realBinding().open`. It is locked against other processes and in low-latency mode where possible. */
export async function openRealPort(
  options: RealPortOptions,
): Promise<BindingPort & { readonly binding: RealPortBinding }> {
  const { path, line, clock, onChunk, onRefused, modemPollNs = 20_000_000, hosts } = options;
  const binding = await realBinding({ hosts }).open({ path, ...line });
  const port = portFromBinding(binding, {
    name: path,
    clock,
    modemPollNs,
    ...(onChunk === undefined ? {} : { onChunk }),
    ...(onRefused === undefined ? {} : { onRefused }),
  });
  return port as BindingPort & { readonly binding: RealPortBinding };
}
