/** The least virtio driver that tests need: it plays the guest, in RAM and at the registers. */

import type { MmioDevice } from '../../bus/mmio-device.js';
import type { CheckedRam } from '../device-test-kit.js';
import { VIRTIO_F_INDIRECT_DESC_LOW, VIRTIO_MMIO, VIRTIO_STATUS } from './virtio-mmio.js';

export const DESCRIPTOR = { next: 1, write: 2, indirect: 4 } as const;

/** One queue as the driver keeps it: 4 KiB of RAM from `base` on. */
export class DriverQueue {
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
  #available = 0;

  constructor(
    readonly ram: CheckedRam,
    base: number,
    readonly size: number,
  ) {
    this.descriptors = base;
    this.available = base + 0x800;
    this.used = base + 0xc00;
  }

  /** Begins anew, as after a reset of the device. */
  restart(): void {
    this.#available = 0;
    this.ram.pokeU16(this.available + 2, 0);
  }

  describe(index: number, gpa: number, length: number, flags = 0, next = 0): void {
    this.describeAt(this.descriptors + 16 * index, gpa, length, flags, next);
  }

  describeAt(at: number, gpa: number, length: number, flags = 0, next = 0): void {
    this.ram.pokeU32(at, gpa);
    this.ram.pokeU32(at + 4, Math.floor(gpa / 2 ** 32));
    this.ram.pokeU32(at + 8, length);
    this.ram.pokeU16(at + 12, flags);
    this.ram.pokeU16(at + 14, next);
  }

  offer(head: number): void {
    this.ram.pokeU16(this.available + 4 + 2 * (this.#available % this.size), head);
    this.#available = (this.#available + 1) & 0xffff;
    this.ram.pokeU16(this.available + 2, this.#available);
  }

  /** Whether the device asks not to be notified of new chains. */
  get quiet(): boolean {
    return (this.ram.readU16(this.used) & 1) !== 0;
  }

  get usedIndex(): number {
    return this.ram.readU16(this.used + 2);
  }

  /** [head, written] of used element `index`. */
  usedElement(index: number): [number, number] {
    const at = this.used + 4 + 8 * (index % this.size);
    return [this.ram.readU32(at), this.ram.readU32(at + 4)];
  }
}

/** Brings a device up as section 3.1.1 says. */
export class VirtioDriver {
  constructor(
    readonly device: MmioDevice,
    readonly features: readonly [low: number, high: number] = [VIRTIO_F_INDIRECT_DESC_LOW, 1],
  ) {}

  read(register: number): number {
    return this.device.read(register, 4);
  }

  write(register: number, value: number): void {
    this.device.write(register, 4, value);
  }

  negotiate(): void {
    this.write(VIRTIO_MMIO.Status, 0);
    this.write(VIRTIO_MMIO.Status, VIRTIO_STATUS.ACKNOWLEDGE);
    this.write(VIRTIO_MMIO.Status, VIRTIO_STATUS.ACKNOWLEDGE | VIRTIO_STATUS.DRIVER);
    this.features.forEach((word, i) => {
      this.write(VIRTIO_MMIO.DriverFeaturesSel, i);
      this.write(VIRTIO_MMIO.DriverFeatures, word);
    });
    this.write(VIRTIO_MMIO.Status, this.read(VIRTIO_MMIO.Status) | VIRTIO_STATUS.FEATURES_OK);
  }

  program(index: number, queue: DriverQueue, size = queue.size): void {
    this.write(VIRTIO_MMIO.QueueSel, index);
    this.write(VIRTIO_MMIO.QueueNum, size);
    for (const [register, gpa] of [
      [VIRTIO_MMIO.QueueDescLow, queue.descriptors],
      [VIRTIO_MMIO.QueueDriverLow, queue.available],
      [VIRTIO_MMIO.QueueDeviceLow, queue.used],
    ]) {
      this.write(register, gpa % 2 ** 32);
      this.write(register + 4, Math.floor(gpa / 2 ** 32));
    }
    this.write(VIRTIO_MMIO.QueueReady, 1);
  }

  start(...queues: readonly DriverQueue[]): void {
    this.negotiate();
    queues.forEach((queue, i) => {
      this.program(i, queue);
    });
    this.write(VIRTIO_MMIO.Status, this.read(VIRTIO_MMIO.Status) | VIRTIO_STATUS.DRIVER_OK);
  }

  notify(queue: number): void {
    this.write(VIRTIO_MMIO.QueueNotify, queue);
  }
}
