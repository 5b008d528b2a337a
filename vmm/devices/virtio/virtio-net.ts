/** A virtio network card with one pair of queues and no offloads (virtio 1.2, section 5.1). */

import type { Clock } from '../../../base/index.js';
import type { InterruptLine, MmioDevice } from '../../bus/mmio-device.js';
import { VmmError } from '../../errors.js';
import { FrameQueue } from '../frame-queue.js';
import type { GuestRam } from '../guest-ram.js';
import { FRAME_BYTES, FRAME_HEADER_BYTES, type NetworkBackend, type NetworkFrontend } from '../network.js';
import { ReceiveBurst } from '../receive-burst.js';
import { QUEUE, SplitQueue } from './split-queue.js';
import { VIRTIO_F_INDIRECT_DESC_LOW, type VirtioDevice, VirtioMmio } from './virtio-mmio.js';

/** Device id, queues, feature bits and the header before each frame (sections 5, 5.1.2, 5.1.3 and 5.1.6). */
export const VIRTIO_NET = {
  deviceId: 1,
  receiveq: 0,
  transmitq: 1,
  /** VIRTIO_NET_F_MAC and VIRTIO_NET_F_STATUS, as bits of the low feature word. */
  F_MAC: 1 << 5,
  F_STATUS: 1 << 16,
  headerBytes: 12,
} as const;

/** The address that QEMU gives its first network card: locally administered. */
export const DEFAULT_MAC = '52:54:00:12:34:56';

const QUEUE_SIZE = 256;
const DEFAULT_RECEIVE_CAPACITY = 64;
const CONFIG_BYTES = 8;
const STATUS_AT = 6;
const S_LINK_UP = 1;
/** `num_buffers` of the header, which is 1 while merging is not negotiated (section 5.1.6.4). */
const NUM_BUFFERS_AT = 10;

export interface VirtioNetOptions {
  readonly clock: Clock;
  readonly line: InterruptLine;
  readonly ram: GuestRam;
  /** Six bytes in hexadecimal with colons, unicast and not zero; `DEFAULT_MAC` when absent. */
  readonly mac?: string;
  /** Frames kept while the guest has offered no buffer; 64 when absent. */
  readonly receiveCapacity?: number;
}

/**
 * Device id 1, queues 0 (receive) and 1 (transmit), features MAC and STATUS; the link is always up. Frames for the
 * guest are gathered and delivered by `flushReceive`, or at the same instant by a timer: one interrupt for each burst.
 * Frames from the guest leave when it notifies. A frame that arrives while no driver runs is lost, as on an open cable.
 *
 * The constructor throws VMM_CONFIG for a `mac` that no card can have; afterwards nothing here throws.
 */
export class VirtioNet implements MmioDevice, NetworkFrontend {
  /** What went through and what was lost, counted for the run's report. */
  readonly counts = {
    transmitted: 0,
    /** Shorter than an Ethernet header or longer than 1,514 bytes. */
    transmitMalformed: 0,
    received: 0,
    /** No driver, or no buffer in time. */
    receiveDropped: 0,
    /** The guest's buffer was too short. */
    receiveTruncated: 0,
  };
  readonly #ram: GuestRam;
  readonly #receiveQueue: SplitQueue;
  readonly #transmitQueue: SplitQueue;
  readonly #transport: VirtioMmio;
  readonly #burst: ReceiveBurst;
  readonly #waiting: FrameQueue;
  readonly #config = new Uint8Array(CONFIG_BYTES);
  readonly #receiveScratch = new Uint8Array(VIRTIO_NET.headerBytes + FRAME_BYTES);
  readonly #transmitScratch = new Uint8Array(FRAME_BYTES);
  #backend: NetworkBackend | undefined;

  constructor(options: VirtioNetOptions) {
    this.#ram = options.ram;
    this.#config.set(parseMac(options.mac ?? DEFAULT_MAC));
    this.#config[STATUS_AT] = S_LINK_UP;
    this.#receiveScratch[NUM_BUFFERS_AT] = 1;
    this.#receiveQueue = new SplitQueue(options.ram, QUEUE_SIZE);
    this.#transmitQueue = new SplitQueue(options.ram, QUEUE_SIZE);
    this.#waiting = new FrameQueue(options.receiveCapacity ?? DEFAULT_RECEIVE_CAPACITY);
    this.#burst = new ReceiveBurst(options.clock, () => this.#deliver());
    this.#transport = new VirtioMmio(this.#asDevice(), options.line);
  }

  /** Why the device waits for a reset by the driver; empty while it does not. */
  get fault(): string {
    return this.#transport.fault;
  }

  attach(backend: NetworkBackend): void {
    this.#backend = backend;
  }

  receive(frame: Uint8Array, length: number): boolean {
    const isFrame = length >= FRAME_HEADER_BYTES && length <= FRAME_BYTES;
    if (!isFrame || !this.#transport.running || !this.#waiting.push(frame, length)) {
      this.counts.receiveDropped++;
      return false;
    }
    this.#burst.begin();
    return true;
  }

  /** The burst is complete: delivers what was received, with one interrupt. */
  flushReceive(): void {
    this.#burst.end();
  }

  read(offset: number, size: number): number {
    return this.#transport.read(offset, size);
  }

  write(offset: number, size: number, value: number): void {
    this.#transport.write(offset, size, value);
  }

  #asDevice(): VirtioDevice {
    return {
      deviceId: VIRTIO_NET.deviceId,
      featuresLow: VIRTIO_NET.F_MAC | VIRTIO_NET.F_STATUS | VIRTIO_F_INDIRECT_DESC_LOW,
      featuresHigh: 0,
      queues: [this.#receiveQueue, this.#transmitQueue],
      readConfig: (offset, size) => this.#readConfig(offset, size),
      // Every field is read-only for the driver (section 5.1.4).
      writeConfig: () => {},
      notified: (index) => {
        if (index === VIRTIO_NET.receiveq) this.#deliver();
        else this.#transmit();
      },
      started: () => this.#started(),
    };
  }

  #readConfig(offset: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (this.#config[offset + i] ?? 0);
    return value;
  }

  /** What waited for an earlier driver is not for this one. */
  #started(): void {
    this.counts.receiveDropped += this.#waiting.count;
    this.#waiting.clear();
  }

  #deliver(): void {
    if (!this.#transport.running || this.#waiting.count === 0) return;
    const queue = this.#receiveQueue;
    let delivered = this.#fillChains(queue);
    // The driver need only notify when frames wait for its buffers; between asking and its answer it may have put some.
    if (this.#waiting.count > 0 && queue.listen()) delivered = this.#fillChains(queue) || delivered;
    if (delivered && queue.publish(this.#waiting.count === 0)) this.#transport.interrupt();
  }

  /** Puts what waits into the driver's buffers, as far as it has any; false when that is nothing. */
  #fillChains(queue: SplitQueue): boolean {
    let filled = false;
    while (this.#waiting.count > 0) {
      const found = queue.next();
      if (found === QUEUE.broken) this.#transport.fail(queue.fault);
      if (found !== QUEUE.chain) break;
      queue.complete(this.#fillChain(queue));
      filled = true;
    }
    return filled;
  }

  /** Writes header and frame over the buffers of the chain; 0 when they are too short, and then the frame is lost. */
  #fillChain(queue: SplitQueue): number {
    const { headerBytes } = VIRTIO_NET;
    const total = headerBytes + this.#waiting.shift(this.#receiveScratch, headerBytes);
    let room = 0;
    for (let i = queue.writableFrom; i < queue.segmentCount; i++) room += queue.segmentLength[i];
    if (room < total) {
      this.counts.receiveTruncated++;
      return 0;
    }
    for (let i = queue.writableFrom, done = 0; done < total; i++) {
      const count = Math.min(queue.segmentLength[i], total - done);
      if (count > 0) this.#ram.write(queue.segmentGpa[i], this.#receiveScratch, done, count);
      done += count;
    }
    this.counts.received++;
    return total;
  }

  #transmit(): void {
    const queue = this.#transmitQueue;
    let completed = false;
    for (;;) {
      const found = queue.next();
      if (found === QUEUE.broken) this.#transport.fail(queue.fault);
      if (found !== QUEUE.chain) break;
      this.#transmitChain(queue);
      queue.complete(0);
      completed = true;
    }
    if (completed && queue.publish()) this.#transport.interrupt();
  }

  /** Gathers the frame behind the header; where the header ends within the buffers is the driver's choice (section 5.1.6.2). */
  #transmitChain(queue: SplitQueue): void {
    let skip: number = VIRTIO_NET.headerBytes;
    let length = -skip;
    for (let i = 0; i < queue.writableFrom; i++) length += queue.segmentLength[i];
    if (length < FRAME_HEADER_BYTES || length > FRAME_BYTES) {
      this.counts.transmitMalformed++;
      return;
    }
    let done = 0;
    for (let i = 0; i < queue.writableFrom; i++) {
      const skipped = Math.min(skip, queue.segmentLength[i]);
      const count = queue.segmentLength[i] - skipped;
      if (count > 0) this.#ram.read(queue.segmentGpa[i] + skipped, this.#transmitScratch, done, count);
      skip -= skipped;
      done += count;
    }
    this.counts.transmitted++;
    this.#backend?.transmit(this.#transmitScratch, length);
  }
}

function parseMac(text: string): Uint8Array {
  const bytes = Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
  const isMac = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text);
  if (!isMac || (bytes[0] & 1) !== 0 || bytes.every((byte) => byte === 0))
    throw new VmmError('VMM_CONFIG', `a network card cannot have the address "${text}"`, {
      hint: `give six bytes in hexadecimal of which the first is even, such as ${DEFAULT_MAC}`,
    });
  return bytes;
}
