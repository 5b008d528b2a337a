/** A virtio entropy device (virtio 1.2, section 5.4): random bytes from a source that the machine's owner injects. */

import type { InterruptLine, MmioDevice } from '../../bus/mmio-device.js';
import type { GuestRam } from '../guest-ram.js';
import { SegmentCursor } from './segment-cursor.js';
import { QUEUE, SplitQueue } from './split-queue.js';
import { VIRTIO_F_INDIRECT_DESC_LOW, type VirtioDevice, VirtioMmio } from './virtio-mmio.js';

/** Device id and queue (sections 5 and 5.4.2). */
export const VIRTIO_RNG = { deviceId: 4, requestq: 0 } as const;

const QUEUE_SIZE = 8;
/** The most bytes for one request: the device need not fill a buffer (section 5.4.6.2), and the driver asks again. */
const REQUEST_BYTES = 4096;

export interface VirtioRngOptions {
  readonly line: InterruptLine;
  readonly ram: GuestRam;
  /** Fills the first `length` bytes of `target`; a seeded source makes a run reproducible. Must not throw. */
  fill(target: Uint8Array, length: number): void;
}

/** Device id 4 with one queue. A request gets as many bytes as its buffers have room for, 4,096 at most, at its notification. */
export class VirtioRng implements MmioDevice {
  readonly #options: VirtioRngOptions;
  readonly #queue: SplitQueue;
  readonly #transport: VirtioMmio;
  readonly #writable: SegmentCursor;
  readonly #bytes = new Uint8Array(REQUEST_BYTES);

  constructor(options: VirtioRngOptions) {
    this.#options = options;
    this.#queue = new SplitQueue(options.ram, QUEUE_SIZE);
    this.#writable = new SegmentCursor(options.ram, this.#queue);
    this.#transport = new VirtioMmio(this.#asDevice(), options.line);
  }

  /** Why the device waits for a reset by the driver; empty while it does not. */
  get fault(): string {
    return this.#transport.fault;
  }

  read(offset: number, size: number): number {
    return this.#transport.read(offset, size);
  }

  write(offset: number, size: number, value: number): void {
    this.#transport.write(offset, size, value);
  }

  #asDevice(): VirtioDevice {
    return {
      deviceId: VIRTIO_RNG.deviceId,
      featuresLow: VIRTIO_F_INDIRECT_DESC_LOW,
      featuresHigh: 0,
      queues: [this.#queue],
      // The device has no configuration (section 5.4.4).
      readConfig: () => 0,
      writeConfig: () => {},
      notified: () => this.#serve(),
      started: () => this.#serve(),
    };
  }

  /** Answers at most one ring full of requests, so that a guest in another thread cannot hold the device for ever. */
  #serve(): void {
    const queue = this.#queue;
    let completed = 0;
    let found: number = QUEUE.empty;
    while (completed < QUEUE_SIZE) {
      found = queue.next();
      if (found !== QUEUE.chain) break;
      queue.complete(this.#answer());
      completed++;
    }
    if (completed > 0 && queue.publish()) this.#transport.interrupt();
    if (found === QUEUE.broken) this.#transport.fail(queue.fault);
  }

  #answer(): number {
    this.#writable.load(this.#queue.writableFrom, this.#queue.segmentCount);
    const count = Math.min(REQUEST_BYTES, this.#writable.remaining);
    if (count === 0) return 0;
    this.#options.fill(this.#bytes, count);
    this.#writable.write(this.#bytes, 0, count);
    return count;
  }
}
