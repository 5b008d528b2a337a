/** The virtio-mmio transport, version 2: registers, status machine and feature negotiation (virtio 1.2, section 4.2). */

import type { InterruptLine, MmioDevice } from '../../bus/mmio-device.js';
import type { SplitQueue } from './split-queue.js';

/** Register offsets (section 4.2.2). */
export const VIRTIO_MMIO = {
  MagicValue: 0x000,
  Version: 0x004,
  DeviceID: 0x008,
  VendorID: 0x00c,
  DeviceFeatures: 0x010,
  DeviceFeaturesSel: 0x014,
  DriverFeatures: 0x020,
  DriverFeaturesSel: 0x024,
  QueueSel: 0x030,
  QueueNumMax: 0x034,
  QueueNum: 0x038,
  QueueReady: 0x044,
  QueueNotify: 0x050,
  InterruptStatus: 0x060,
  InterruptACK: 0x064,
  Status: 0x070,
  QueueDescLow: 0x080,
  QueueDescHigh: 0x084,
  QueueDriverLow: 0x090,
  QueueDriverHigh: 0x094,
  QueueDeviceLow: 0x0a0,
  QueueDeviceHigh: 0x0a4,
  SHMLenLow: 0x0b0,
  SHMLenHigh: 0x0b4,
  SHMBaseLow: 0x0b8,
  SHMBaseHigh: 0x0bc,
  ConfigGeneration: 0x0fc,
  Config: 0x100,
} as const;

/** Device status bits (section 2.1). */
export const VIRTIO_STATUS = {
  ACKNOWLEDGE: 1,
  DRIVER: 2,
  DRIVER_OK: 4,
  FEATURES_OK: 8,
  DEVICE_NEEDS_RESET: 64,
  FAILED: 128,
} as const;

/** InterruptStatus bits. */
export const VIRTIO_INTERRUPT = { usedBuffer: 1, configurationChange: 2 } as const;

/** Feature bits 28 and 32 (section 6), as bits of the low and the high word. */
export const VIRTIO_F_INDIRECT_DESC_LOW = 1 << 28;
export const VIRTIO_F_VERSION_1_HIGH = 1 << 0;

const MAGIC = 0x7472_6976;
const VERSION = 2;
/** "RVSR" read as the virtio vendor id: anything but 0 will do. */
const VENDOR_ID = 0x5256_5352;
const U32 = 0x1_0000_0000;

/** What a kind of device adds to the transport. Nothing here may throw. */
export interface VirtioDevice {
  /** Section 5. */
  readonly deviceId: number;
  /** Offered features, low and high word; VERSION_1 is added by the transport. */
  readonly featuresLow: number;
  readonly featuresHigh: number;
  readonly queues: readonly SplitQueue[];
  /** Device configuration space, little-endian. */
  readConfig(offset: number, size: number): number;
  writeConfig(offset: number, size: number, value: number): void;
  /** The driver made buffers of queue `index` available; only while the device runs. */
  notified(index: number): void;
  /** The driver set DRIVER_OK. */
  started(): void;
  /** The driver reset the device: what it asked for is no longer wanted. */
  reset?(): void;
}

/**
 * One transport. Registers answer aligned 32-bit accesses, the configuration space any size; others read as 0.
 * A driver that breaks the rules makes the device ask for a reset (DEVICE_NEEDS_RESET): it then leaves the guest's
 * memory alone until Status is written 0, and `fault` says why. Nothing else of the machine is concerned.
 */
export class VirtioMmio implements MmioDevice {
  readonly #device: VirtioDevice;
  readonly #line: InterruptLine;
  #status = 0;
  #interruptStatus = 0;
  #deviceFeaturesSel = 0;
  #driverFeaturesSel = 0;
  #driverFeaturesLow = 0;
  #driverFeaturesHigh = 0;
  #queueSel = 0;
  #configGeneration = 0;
  #fault = '';

  constructor(device: VirtioDevice, line: InterruptLine) {
    this.#device = device;
    this.#line = line;
  }

  /** The driver is ready and has broken no rule: queues may be used. */
  get running(): boolean {
    const wanted = VIRTIO_STATUS.FEATURES_OK | VIRTIO_STATUS.DRIVER_OK;
    return (this.#status & (wanted | VIRTIO_STATUS.DEVICE_NEEDS_RESET)) === wanted;
  }

  /** Why the device needs a reset; empty while it does not. */
  get fault(): string {
    return this.#fault;
  }

  /** Features that the driver took, low word; final once `running`. */
  get negotiatedLow(): number {
    return this.#driverFeaturesLow;
  }

  /** Used buffers wait for the driver. */
  interrupt(): void {
    this.#raise(VIRTIO_INTERRUPT.usedBuffer);
  }

  /** The configuration space has changed; a driver that runs is told. */
  configurationChanged(): void {
    this.#configGeneration++;
    if ((this.#status & VIRTIO_STATUS.DRIVER_OK) !== 0) this.#raise(VIRTIO_INTERRUPT.configurationChange);
  }

  /** Stops the device until the driver resets it (section 2.1.2). */
  fail(reason: string): void {
    if ((this.#status & VIRTIO_STATUS.DEVICE_NEEDS_RESET) !== 0) return;
    const told = (this.#status & VIRTIO_STATUS.DRIVER_OK) !== 0;
    this.#fault = reason;
    this.#status |= VIRTIO_STATUS.DEVICE_NEEDS_RESET;
    this.#configGeneration++;
    if (told) this.#raise(VIRTIO_INTERRUPT.configurationChange);
  }

  read(offset: number, size: number): number {
    if (offset >= VIRTIO_MMIO.Config) return this.#device.readConfig(offset - VIRTIO_MMIO.Config, size);
    if (size !== 4) return 0;
    switch (offset) {
      case VIRTIO_MMIO.MagicValue:
        return MAGIC;
      case VIRTIO_MMIO.Version:
        return VERSION;
      case VIRTIO_MMIO.DeviceID:
        return this.#device.deviceId;
      case VIRTIO_MMIO.VendorID:
        return VENDOR_ID;
      case VIRTIO_MMIO.DeviceFeatures:
        return this.#offered(this.#deviceFeaturesSel);
      case VIRTIO_MMIO.QueueNumMax:
        return this.#queue?.maxSize ?? 0;
      case VIRTIO_MMIO.QueueReady:
        return this.#queue?.ready === true ? 1 : 0;
      case VIRTIO_MMIO.InterruptStatus:
        return this.#interruptStatus;
      case VIRTIO_MMIO.Status:
        return this.#status;
      case VIRTIO_MMIO.SHMLenLow:
      case VIRTIO_MMIO.SHMLenHigh:
      case VIRTIO_MMIO.SHMBaseLow:
      case VIRTIO_MMIO.SHMBaseHigh:
        // No shared memory region: all ones (section 4.2.2.1).
        return U32 - 1;
      case VIRTIO_MMIO.ConfigGeneration:
        return this.#configGeneration >>> 0;
      default:
        return 0;
    }
  }

  write(offset: number, size: number, value: number): void {
    if (offset >= VIRTIO_MMIO.Config) {
      this.#device.writeConfig(offset - VIRTIO_MMIO.Config, size, value);
      return;
    }
    if (size !== 4) return;
    switch (offset) {
      case VIRTIO_MMIO.DeviceFeaturesSel:
        this.#deviceFeaturesSel = value;
        break;
      case VIRTIO_MMIO.DriverFeatures:
        this.#writeDriverFeatures(value);
        break;
      case VIRTIO_MMIO.DriverFeaturesSel:
        this.#driverFeaturesSel = value;
        break;
      case VIRTIO_MMIO.QueueSel:
        this.#queueSel = value;
        break;
      case VIRTIO_MMIO.QueueNotify:
        if (this.running && value < this.#device.queues.length) this.#device.notified(value);
        break;
      case VIRTIO_MMIO.InterruptACK:
        this.#interruptStatus &= ~value;
        if (this.#interruptStatus === 0) this.#line.set(false);
        break;
      case VIRTIO_MMIO.Status:
        this.#writeStatus(value);
        break;
      default:
        this.#writeQueue(offset, value);
    }
  }

  get #queue(): SplitQueue | undefined {
    return this.#device.queues[this.#queueSel];
  }

  #offered(word: number): number {
    if (word === 0) return this.#device.featuresLow >>> 0;
    return word === 1 ? (this.#device.featuresHigh | VIRTIO_F_VERSION_1_HIGH) >>> 0 : 0;
  }

  #writeDriverFeatures(value: number): void {
    if ((this.#status & VIRTIO_STATUS.FEATURES_OK) !== 0) return;
    if (this.#driverFeaturesSel === 0) this.#driverFeaturesLow = value;
    else if (this.#driverFeaturesSel === 1) this.#driverFeaturesHigh = value;
  }

  #writeStatus(value: number): void {
    if (value === 0) {
      this.#reset();
      return;
    }
    const before = this.#status;
    let set = value & 0xff & ~VIRTIO_STATUS.DEVICE_NEEDS_RESET;
    if ((before & VIRTIO_STATUS.FEATURES_OK) === 0 && !this.#featuresAcceptable()) set &= ~VIRTIO_STATUS.FEATURES_OK;
    // Bits are only ever added; the driver clears them by a reset (section 2.1.1).
    this.#status = before | set;
    if ((this.#status & ~before & VIRTIO_STATUS.DRIVER_OK) === 0 || !this.running) return;
    const indirect = (this.#driverFeaturesLow & VIRTIO_F_INDIRECT_DESC_LOW) !== 0;
    for (const queue of this.#device.queues) queue.indirectDescriptors = indirect;
    this.#device.started();
  }

  #featuresAcceptable(): boolean {
    const unknown = (this.#driverFeaturesLow & ~this.#offered(0)) | (this.#driverFeaturesHigh & ~this.#offered(1));
    return unknown === 0 && (this.#driverFeaturesHigh & VIRTIO_F_VERSION_1_HIGH) !== 0;
  }

  #writeQueue(offset: number, value: number): void {
    const queue = this.#queue;
    if (queue === undefined) return;
    if (offset === VIRTIO_MMIO.QueueReady) {
      if ((value & 1) === 0) queue.disable();
      else if (!queue.ready && !queue.enable()) this.fail(queue.fault);
      return;
    }
    if (queue.ready) return;
    switch (offset) {
      case VIRTIO_MMIO.QueueNum:
        queue.size = value;
        break;
      case VIRTIO_MMIO.QueueDescLow:
        queue.descriptorArea = withLow(queue.descriptorArea, value);
        break;
      case VIRTIO_MMIO.QueueDescHigh:
        queue.descriptorArea = withHigh(queue.descriptorArea, value);
        break;
      case VIRTIO_MMIO.QueueDriverLow:
        queue.driverArea = withLow(queue.driverArea, value);
        break;
      case VIRTIO_MMIO.QueueDriverHigh:
        queue.driverArea = withHigh(queue.driverArea, value);
        break;
      case VIRTIO_MMIO.QueueDeviceLow:
        queue.deviceArea = withLow(queue.deviceArea, value);
        break;
      case VIRTIO_MMIO.QueueDeviceHigh:
        queue.deviceArea = withHigh(queue.deviceArea, value);
        break;
    }
  }

  #raise(bit: number): void {
    this.#interruptStatus |= bit;
    this.#line.set(true);
  }

  #reset(): void {
    this.#status = 0;
    this.#interruptStatus = 0;
    this.#deviceFeaturesSel = 0;
    this.#driverFeaturesSel = 0;
    this.#driverFeaturesLow = 0;
    this.#driverFeaturesHigh = 0;
    this.#queueSel = 0;
    this.#fault = '';
    for (const queue of this.#device.queues) queue.reset();
    this.#device.reset?.();
    this.#line.set(false);
  }
}

function withLow(address: number, low: number): number {
  return address - (address % U32) + low;
}

function withHigh(address: number, high: number): number {
  return (address % U32) + high * U32;
}
