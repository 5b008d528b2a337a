/** The guest around a fuzzed virtio device: a driver that is right often enough, in RAM over which something scribbles. */

import { type Random, VirtualClock } from '../../../base/index.js';
import type { MmioDevice } from '../../bus/mmio-device.js';
import { CheckedRam, TestLine } from '../device-test-kit.js';
import { QUEUE, SplitQueue } from '../virtio/split-queue.js';
import { VIRTIO_MMIO } from '../virtio/virtio-mmio.js';
import { DESCRIPTOR, DriverQueue, VirtioDriver } from '../virtio/virtio-test-driver.js';

const RAM = 0x8000_0000;
const RAM_BYTES = 0x8000;
const QUEUE_BYTES = 0x1000;
const QUEUE_SIZE = 8;
const DATA = RAM + 0x3000;
/** Request headers as a block device wants them, among other data. */
const HEADERS = RAM + 0x2000;

export const VIRTIO_REGISTERS: readonly number[] = [...Object.values(VIRTIO_MMIO), VIRTIO_MMIO.Config + 8];

/** What a device's driver puts in front of its data, and how long the writable end of a request is. */
export interface RequestShape {
  readonly headerBytes: number;
  readonly endBytes: number;
  /** Writes a header that is right often enough. */
  fill(ram: CheckedRam, gpa: number, random: Random): void;
}

const BLOCK_REQUEST: RequestShape = {
  headerBytes: 16,
  endBytes: 1,
  fill: (ram, gpa, random) => {
    ram.pokeU32(gpa, random.below(16) === 0 ? random.uint32() : random.below(9));
    ram.pokeU32(gpa + 8, random.below(16) === 0 ? random.uint32() : random.below(0x90));
    ram.pokeU32(gpa + 12, random.below(16) === 0 ? random.uint32() : 0);
  },
};

/** RAM, clock, line and up to two queues; `step` does one thing that a driver, a wild one too, may do. */
export class VirtioWorld {
  readonly clock = new VirtualClock();
  readonly line = new TestLine();
  readonly ram = new CheckedRam(RAM, RAM_BYTES);
  readonly #rings: DriverQueue[];
  readonly #queues: SplitQueue[] = [];

  constructor(
    queues: 1 | 2,
    readonly shape = BLOCK_REQUEST,
  ) {
    this.#rings = Array.from(
      { length: queues },
      (_, i) => new DriverQueue(this.ram, RAM + i * QUEUE_BYTES, QUEUE_SIZE),
    );
  }

  /** Queues for a device that has none of its own. */
  createQueues(): readonly SplitQueue[] {
    for (const _ of this.#rings) this.#queues.push(new SplitQueue(this.ram, 64));
    return this.#queues;
  }

  /** Takes what is available in a queue of `createQueues`; answers how many chains. */
  drain(index: number): number {
    const queue = this.#queues[index];
    let chains = 0;
    while (queue.next() === QUEUE.chain) {
      queue.complete(0);
      chains++;
    }
    if (chains > 0) queue.publish();
    return chains;
  }

  step(device: MmioDevice, random: Random): void {
    const choice = random.below(64);
    if (choice === 0) this.#restart(device, random);
    else if (choice < 8) this.#scribble(random);
    else if (choice < 24) this.#offer(device, random);
    else if (choice < 28) this.clock.advanceTo(this.clock.now() + random.below(2_000_000));
  }

  /** Brings the device up with rings that are good, most of the time. */
  #restart(device: MmioDevice, random: Random): void {
    if (random.below(2) === 0) this.ram.bytes.fill(0);
    for (const ring of this.#rings) ring.restart();
    const features = random.below(4) === 0 ? random.uint32() : 1 << 28;
    new VirtioDriver(device, [features >>> 0, 1]).start(...this.#rings);
    if (random.below(8) === 0) {
      // A ring at a wild place: the device must refuse it, or keep to RAM.
      device.write(VIRTIO_MMIO.QueueReady, 4, 0);
      device.write(
        VIRTIO_MMIO.QueueDescLow,
        4,
        random.below(2) === 0 ? RAM + 16 * random.below(0x900) : random.uint32(),
      );
      device.write(VIRTIO_MMIO.QueueDescHigh, 4, random.below(2) === 0 ? 0 : random.uint32());
      device.write(VIRTIO_MMIO.QueueReady, 4, 1);
    }
  }

  #scribble(random: Random): void {
    const at = RAM + 2 * random.below(random.below(2) === 0 ? QUEUE_BYTES : RAM_BYTES / 2);
    this.ram.pokeU16(at, random.below(2) === 0 ? random.below(16) : random.below(0x1_0000));
  }

  /** A chain of three: header, data of either direction, a writable byte at the end. */
  #offer(device: MmioDevice, random: Random): void {
    const index = random.below(this.#rings.length);
    const ring = this.#rings[index];
    const head = random.below(QUEUE_SIZE);
    const [data, end] = [(head + 1) % QUEUE_SIZE, (head + 2) % QUEUE_SIZE];
    const { headerBytes, endBytes } = this.shape;
    this.shape.fill(this.ram, HEADERS, random);
    const writable = random.below(2) === 0 ? DESCRIPTOR.write : 0;
    const length = random.below(8) === 0 ? random.below(0x6000) : 512 * random.below(4);
    ring.describe(
      head,
      HEADERS,
      random.below(16) === 0 ? random.below(headerBytes) : headerBytes,
      DESCRIPTOR.next,
      data,
    );
    ring.describe(data, DATA + random.below(16), length, writable | DESCRIPTOR.next, end);
    ring.describe(end, DATA - endBytes, endBytes, random.below(16) === 0 ? 0 : DESCRIPTOR.write);
    ring.offer(head);
    device.write(VIRTIO_MMIO.QueueNotify, 4, index);
  }
}
