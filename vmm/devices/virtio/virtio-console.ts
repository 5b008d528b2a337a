/** A virtio console with one port (virtio 1.2, section 5.3): characters by the burst instead of register by register. */

import { ByteQueue, type Clock, NS_PER_MS, Timer } from '../../../base/index.js';
import type { InterruptLine, MmioDevice } from '../../bus/mmio-device.js';
import { type CharacterBackend, type CharacterFrontend, LINE_STATUS } from '../character.js';
import type { GuestRam } from '../guest-ram.js';
import { ReceiveBurst } from '../receive-burst.js';
import { QUEUE, SplitQueue } from './split-queue.js';
import { VIRTIO_F_INDIRECT_DESC_LOW, type VirtioDevice, VirtioMmio } from './virtio-mmio.js';

/** Device id and queues (sections 5 and 5.3.2). */
export const VIRTIO_CONSOLE = { deviceId: 3, receiveq: 0, transmitq: 1 } as const;

const QUEUE_SIZE = 64;
const DEFAULT_RECEIVE_CAPACITY = 4096;
const TRANSMIT_SLICE_BYTES = 4096;
/** After so many characters the rest of the queue waits for `TURN_NS`, so that no notification keeps the rig busy for long. */
const TURN_BYTES = 256 * 1024;
const TURN_NS = NS_PER_MS;

export interface VirtioConsoleOptions {
  readonly clock: Clock;
  readonly line: InterruptLine;
  readonly ram: GuestRam;
  /** Characters kept while the guest has offered no buffer; 4,096 when absent. */
  readonly receiveCapacity?: number;
}

/**
 * Device id 3, queues 0 (receive) and 1 (transmit), no multiport. Received characters are gathered and delivered by
 * `flushReceive`, or at the same instant by a timer: one DMA write for each buffer and one interrupt for each burst.
 *
 * A console has no line: parity and framing errors pass unmarked and are counted, breaks carry no data and are
 * counted, `configure` and `modemControl` are never called. Transmitted characters leave when the guest notifies;
 * behind a chain that makes them over 256 KiB, a millisecond later.
 */
export class VirtioConsole implements MmioDevice, CharacterFrontend {
  /** What the guest cannot see, counted for the run's report. */
  readonly counts = { overruns: 0, lineErrors: 0, breaks: 0 };
  readonly #ram: GuestRam;
  readonly #receiveQueue: SplitQueue;
  readonly #transmitQueue: SplitQueue;
  readonly #transport: VirtioMmio;
  readonly #burst: ReceiveBurst;
  readonly #waiting: ByteQueue;
  readonly #receiveScratch: Uint8Array;
  readonly #transmitScratch = new Uint8Array(TRANSMIT_SLICE_BYTES);
  readonly #clock: Clock;
  readonly #continue = new Timer(() => this.#transmit());
  #backend: CharacterBackend | undefined;
  #starved = false;

  constructor(options: VirtioConsoleOptions) {
    this.#clock = options.clock;
    this.#ram = options.ram;
    this.#receiveQueue = new SplitQueue(options.ram, QUEUE_SIZE);
    this.#transmitQueue = new SplitQueue(options.ram, QUEUE_SIZE);
    this.#waiting = new ByteQueue(options.receiveCapacity ?? DEFAULT_RECEIVE_CAPACITY);
    this.#receiveScratch = new Uint8Array(this.#waiting.capacity);
    this.#burst = new ReceiveBurst(options.clock, () => this.#deliver());
    this.#transport = new VirtioMmio(this.#asDevice(), options.line);
  }

  /** Why the device waits for a reset by the driver; empty while it does not. */
  get fault(): string {
    return this.#transport.fault;
  }

  attach(backend: CharacterBackend): void {
    this.#backend = backend;
  }

  room(): number {
    const room = this.#waiting.capacity - this.#waiting.length;
    if (room === 0) this.#starved = true;
    return room;
  }

  receive(byte: number, lineStatus: number): boolean {
    if ((lineStatus & LINE_STATUS.break) !== 0) {
      this.counts.breaks++;
      return true;
    }
    if (!this.#waiting.push(byte & 0xff)) {
      this.#starved = true;
      return false;
    }
    if ((lineStatus & (LINE_STATUS.parity | LINE_STATUS.framing)) !== 0) this.counts.lineErrors++;
    if ((lineStatus & LINE_STATUS.overrun) !== 0) this.counts.overruns++;
    this.#burst.begin();
    return true;
  }

  /** The burst is complete: delivers what was received, with one interrupt. */
  flushReceive(): void {
    this.#burst.end();
  }

  overrun(): void {
    this.counts.overruns++;
  }

  /** A console has no modem lines. */
  modemStatus(_bits: number): void {}

  read(offset: number, size: number): number {
    return this.#transport.read(offset, size);
  }

  write(offset: number, size: number, value: number): void {
    this.#transport.write(offset, size, value);
  }

  #asDevice(): VirtioDevice {
    return {
      deviceId: VIRTIO_CONSOLE.deviceId,
      featuresLow: VIRTIO_F_INDIRECT_DESC_LOW,
      featuresHigh: 0,
      queues: [this.#receiveQueue, this.#transmitQueue],
      // Neither size, multiport nor emergency write is offered, so no field of the configuration is valid.
      readConfig: () => 0,
      writeConfig: () => {},
      notified: (index) => {
        if (index === VIRTIO_CONSOLE.receiveq) this.#deliver();
        else if (!this.#continue.armed) this.#transmit();
      },
      started: () => this.#deliver(),
      reset: () => this.#clock.cancel(this.#continue),
    };
  }

  #deliver(): void {
    if (!this.#transport.running || this.#waiting.length === 0) return;
    const queue = this.#receiveQueue;
    let delivered = this.#fillChains(queue);
    // The driver need only notify when characters wait for its buffers; between asking and its answer it may have put some.
    if (this.#waiting.length > 0 && queue.listen()) delivered = this.#fillChains(queue) || delivered;
    if (delivered && queue.publish(this.#waiting.length === 0)) this.#transport.interrupt();
    if (!this.#starved || this.#waiting.full) return;
    this.#starved = false;
    this.#backend?.roomAvailable();
  }

  /** Puts what waits into the driver's buffers, as far as it has any; false when that is nothing. */
  #fillChains(queue: SplitQueue): boolean {
    let filled = false;
    while (this.#waiting.length > 0) {
      const found = queue.next();
      if (found === QUEUE.broken) this.#transport.fail(queue.fault);
      if (found !== QUEUE.chain) break;
      queue.complete(this.#fillChain(queue));
      filled = true;
    }
    return filled;
  }

  #fillChain(queue: SplitQueue): number {
    let written = 0;
    for (let i = queue.writableFrom; i < queue.segmentCount && this.#waiting.length > 0; i++) {
      const count = this.#waiting.read(this.#receiveScratch, 0, queue.segmentLength[i]);
      if (count > 0) this.#ram.write(queue.segmentGpa[i], this.#receiveScratch, 0, count);
      written += count;
    }
    return written;
  }

  #transmit(): void {
    const queue = this.#transmitQueue;
    let sent = 0;
    let completed = false;
    while (this.#transport.running) {
      if (sent >= TURN_BYTES) {
        this.#clock.schedule(this.#continue, this.#clock.now() + TURN_NS);
        break;
      }
      const found = queue.next();
      if (found === QUEUE.broken) this.#transport.fail(queue.fault);
      if (found !== QUEUE.chain) break;
      for (let i = 0; i < queue.writableFrom; i++) {
        this.#transmitSegment(queue.segmentGpa[i], queue.segmentLength[i]);
        sent += queue.segmentLength[i];
      }
      queue.complete(0);
      completed = true;
    }
    if (completed && queue.publish()) this.#transport.interrupt();
  }

  #transmitSegment(gpa: number, length: number): void {
    for (let done = 0; done < length; done += TRANSMIT_SLICE_BYTES) {
      const count = Math.min(TRANSMIT_SLICE_BYTES, length - done);
      this.#ram.read(gpa + done, this.#transmitScratch, 0, count);
      for (let i = 0; i < count; i++) this.#backend?.transmit(this.#transmitScratch[i]);
    }
  }
}
