/** Takes anybody's `@serialport/bindings-interface` port as a `SerialPort`: a real port, a pseudo-terminal, a mock. */

import { type Clock, Timer } from '../../base/index.js';
import { HalError } from '../errors.js';
import { asHalError, isCanceled } from './binding-errors.js';
import type { BindingPortInterface } from './binding-types.js';
import { checkLine, formatLine, sameLine } from './line-settings.js';
import { type LineSettings, MODEM_CONTROL, MODEM_STATUS, type SerialPort, type SerialSink } from './serial-port.js';

const READ_BUFFER_BYTES = 1 << 16;
const WRITE_PIECE_BYTES = 4096;
/** More bytes than this never wait for a port: its host has lost its pacing. */
const TRANSMIT_BACKLOG_LIMIT = 1 << 20;

/** When a chunk came. The first of its bytes came after `waitingSinceNs`, the last before `atNs`; what lies between is not known. */
export interface ChunkArrival {
  /** Holds the chunk until the call returns. */
  readonly bytes: Uint8Array;
  readonly atNs: number;
  readonly waitingSinceNs: number;
}

/** A read result with `CLOCK_MONOTONIC` stamps taken where the bytes arrived; bindings of this project add them. */
export interface StampedRead {
  readonly buffer: Buffer;
  readonly bytesRead: number;
  readonly arrivedMonotonicNs?: bigint;
  readonly waitingSinceMonotonicNs?: bigint;
}

/** A binding that can change more than the baud rate of an open port. */
export interface ReconfigurableBinding extends BindingPortInterface {
  reconfigure(line: LineSettings): Promise<void>;
}

export interface BindingPortOptions {
  readonly name: string;
  /** A `WallClock` moves stamps of other processes onto itself; another clock stamps a chunk when it is handed over. */
  readonly clock: Clock & { fromMonotonic?(monotonicNs: bigint): number };
  /** Called before the characters of a chunk are handed over. */
  readonly onChunk?: (chunk: ChunkArrival) => void;
  /** Told when the binding cannot do what the host asked (`HAL_UNSUPPORTED`) and the port goes on without. */
  readonly onRefused?: (error: HalError) => void;
  /** How often the modem inputs are read; 0, the default: never. */
  readonly modemPollNs?: number;
}

/** A `SerialPort` over a binding. */
export interface BindingPort extends SerialPort {
  readonly binding: BindingPortInterface;
  /** Resolves when everything queued so far has been transmitted. */
  drained(): Promise<void>;
  /** Resolves when the binding has closed after `close`; never rejects. */
  readonly whenClosed: Promise<void>;
}

type Task =
  | { readonly kind: 'write'; readonly bytes: Buffer; length: number }
  | { readonly kind: 'line'; line: LineSettings }
  | { readonly kind: 'modem'; bits: number }
  | { readonly kind: 'drain'; readonly done: () => void };

class BindingPortAdapter implements BindingPort {
  readonly name: string;
  readonly binding: BindingPortInterface;
  readonly whenClosed: Promise<void>;
  readonly #options: BindingPortOptions;
  readonly #tasks: Task[] = [];
  readonly #modemPoll = new Timer(() => void this.#pollModem());
  #sink: SerialSink | undefined;
  #line: LineSettings;
  #running = false;
  #backlog = 0;
  #closed = false;
  #failed = false;
  #modemStatus = 0;
  #resolveClosed: () => void = () => {};

  constructor(binding: BindingPortInterface, options: BindingPortOptions) {
    const { baudRate, dataBits, stopBits, parity } = binding.openOptions;
    this.name = options.name;
    this.binding = binding;
    this.#options = options;
    this.#line = { baudRate, dataBits, stopBits, parity: parity as LineSettings['parity'] };
    this.whenClosed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  attach(sink: SerialSink): void {
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has its host side already`, { where: this.name });
    this.#sink = sink;
    void this.#readAll(sink);
    if ((this.#options.modemPollNs ?? 0) > 0) void this.#pollModem();
  }

  configure(settings: LineSettings): void {
    this.#refuseClosed();
    checkLine(settings, this.name);
    const last = this.#tasks[this.#tasks.length - 1];
    // A guest programs a divisor byte by byte; only the settings it ends with reach the port.
    if (last?.kind === 'line') last.line = settings;
    else this.#add({ kind: 'line', line: settings });
  }

  transmit(bytes: Uint8Array, offset: number, length: number): void {
    this.#refuseClosed();
    if (this.#failed) return;
    if (this.#backlog + length > TRANSMIT_BACKLOG_LIMIT)
      throw new HalError('HAL_OVERRUN', `more than ${TRANSMIT_BACKLOG_LIMIT} bytes would wait for ${this.name}`, {
        where: this.name,
        hint: 'Send no faster than the line carries, or raise its rate.',
      });
    this.#backlog += length;
    for (let done = 0; done < length; ) {
      const last = this.#tasks[this.#tasks.length - 1];
      const room = last?.kind === 'write' ? last.bytes.length - last.length : 0;
      if (last?.kind !== 'write' || room === 0) {
        this.#tasks.push({ kind: 'write', bytes: Buffer.alloc(WRITE_PIECE_BYTES), length: 0 });
        continue;
      }
      const count = Math.min(room, length - done);
      last.bytes.set(bytes.subarray(offset + done, offset + done + count), last.length);
      last.length += count;
      done += count;
    }
    this.#start();
  }

  modemControl(bits: number): void {
    this.#refuseClosed();
    const last = this.#tasks[this.#tasks.length - 1];
    if (last?.kind === 'modem') last.bits = bits;
    else this.#add({ kind: 'modem', bits });
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#add({ kind: 'drain', done: resolve });
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.clock.cancel(this.#modemPoll);
    this.#dropTasks();
    this.binding
      .close()
      .catch(() => {})
      .then(this.#resolveClosed);
  }

  async #readAll(sink: SerialSink): Promise<void> {
    const { clock } = this.#options;
    const buffer = Buffer.alloc(READ_BUFFER_BYTES);
    while (!this.#closed && !this.#failed) {
      const beganNs = clock.now();
      try {
        const result: StampedRead = await this.binding.read(buffer, 0, buffer.length);
        if (this.#closed) return;
        this.#handOver(sink, result.buffer.subarray(0, result.bytesRead), result, beganNs);
      } catch (error) {
        if (this.#closed) return;
        const { partial } = asHalError(error, this.name);
        if (partial !== undefined) this.#handOver(sink, partial, undefined, beganNs);
        this.#fail(error);
      }
    }
  }

  #handOver(sink: SerialSink, bytes: Uint8Array, stamps: StampedRead | undefined, beganNs: number): void {
    const { clock, onChunk } = this.#options;
    if (onChunk !== undefined) {
      const moved = (stamp: bigint | undefined, otherwise: number): number =>
        stamp === undefined || clock.fromMonotonic === undefined ? otherwise : clock.fromMonotonic(stamp);
      onChunk({
        bytes,
        atNs: moved(stamps?.arrivedMonotonicNs, clock.now()),
        waitingSinceNs: moved(stamps?.waitingSinceMonotonicNs, beganNs),
      });
    }
    for (let i = 0; i < bytes.length && !this.#closed; i++) sink.receive(bytes[i], 0);
  }

  #add(task: Task): void {
    if (this.#failed || this.#closed) {
      if (task.kind === 'drain') task.done();
      return;
    }
    this.#tasks.push(task);
    this.#start();
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#runTasks();
  }

  async #runTasks(): Promise<void> {
    // One turn later, so that bytes transmitted one by one in the same turn leave together.
    await Promise.resolve();
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      try {
        await this.#run(task);
      } catch (error) {
        if (task.kind === 'drain') task.done();
        if (this.#closed) break;
        const told = asHalError(error, this.name);
        if (told.code === 'HAL_UNSUPPORTED') this.#options.onRefused?.(told);
        else this.#fail(error);
      }
    }
    this.#running = false;
  }

  async #run(task: Task): Promise<void> {
    switch (task.kind) {
      case 'write':
        this.#backlog -= task.length;
        await this.binding.write(task.bytes.subarray(0, task.length));
        break;
      case 'line':
        await this.#setLine(task.line);
        break;
      case 'modem':
        await this.binding.set({
          dtr: (task.bits & MODEM_CONTROL.dtr) !== 0,
          rts: (task.bits & MODEM_CONTROL.rts) !== 0,
          brk: (task.bits & MODEM_CONTROL.break) !== 0,
        });
        break;
      case 'drain':
        await this.binding.drain();
        task.done();
    }
  }

  /** In order with what is transmitted: what was written before leaves at the old settings. */
  async #setLine(line: LineSettings): Promise<void> {
    if (sameLine(line, this.#line)) return;
    await this.binding.drain();
    if (sameLine({ ...line, baudRate: this.#line.baudRate }, this.#line)) {
      await this.binding.update({ baudRate: line.baudRate });
    } else if ('reconfigure' in this.binding) {
      await (this.binding as ReconfigurableBinding).reconfigure(line);
    } else {
      throw new HalError('HAL_UNSUPPORTED', `${this.name} cannot change to ${formatLine(line)} while it is open`, {
        where: this.name,
        hint: `It stays at ${formatLine(this.#line)}; open it with the settings that are needed.`,
      });
    }
    this.#line = line;
  }

  async #pollModem(): Promise<void> {
    try {
      const { cts, dsr, dcd } = await this.binding.get();
      if (this.#closed || this.#failed) return;
      const bits = (cts ? MODEM_STATUS.cts : 0) | (dsr ? MODEM_STATUS.dsr : 0) | (dcd ? MODEM_STATUS.dcd : 0);
      if (bits !== this.#modemStatus) {
        this.#modemStatus = bits;
        this.#sink?.modemStatus(bits);
      }
      const { clock, modemPollNs = 0 } = this.#options;
      clock.schedule(this.#modemPoll, clock.now() + modemPollNs);
    } catch {
      // A port without modem lines is not asked again; one that is gone tells so in its read.
    }
  }

  #fail(error: unknown): void {
    if (this.#failed || this.#closed) return;
    this.#failed = true;
    this.#options.clock.cancel(this.#modemPoll);
    this.#dropTasks();
    this.#sink?.disconnected(disconnection(error, this.name));
  }

  #dropTasks(): void {
    for (const task of this.#tasks.splice(0)) if (task.kind === 'drain') task.done();
    this.#backlog = 0;
  }

  #refuseClosed(): void {
    if (this.#closed) throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
  }
}

/** What a failed read or write means for a port: any error that is not of this project's is a disconnection with that cause. */
function disconnection(error: unknown, name: string): HalError {
  if (error instanceof HalError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  if (isCanceled(error))
    return new HalError('HAL_CLOSED', `${name} was closed by someone else`, { where: name, cause: error });
  return new HalError('HAL_DISCONNECTED', `${name} is gone: ${reason}`, {
    where: name,
    cause: error,
    hint: 'Check the cable and open the port anew.',
  });
}

/**
 * `binding` as a `SerialPort`. A loop reads for as long as the port is open and hands every byte on without line status:
 * operating systems report none through this interface. What the host asks is done in order, and writing follows the
 * pace of the port; more than 1 MiB waiting throws `HAL_OVERRUN`. The first failure of a read or a write ends the port.
 */
export function portFromBinding(binding: BindingPortInterface, options: BindingPortOptions): BindingPort {
  return new BindingPortAdapter(binding, options);
}
