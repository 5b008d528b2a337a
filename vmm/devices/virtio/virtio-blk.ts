/** A virtio block device (virtio 1.2, section 5.2): the sectors of a storage, each request done at its notification. */

import { type Clock, NS_PER_MS, Timer } from '../../../base/index.js';
import type { InterruptLine, MmioDevice } from '../../bus/mmio-device.js';
import type { GuestRam } from '../guest-ram.js';
import { type BlockStorage, SECTOR_BYTES } from './block-storage.js';
import { SegmentCursor } from './segment-cursor.js';
import { QUEUE, SplitQueue } from './split-queue.js';
import { VIRTIO_F_INDIRECT_DESC_LOW, type VirtioDevice, VirtioMmio } from './virtio-mmio.js';

/** Device id and queue (sections 5 and 5.2.2). */
export const VIRTIO_BLK = { deviceId: 2, requestq: 0 } as const;

/** Feature bits of the low word (section 5.2.3). */
export const VIRTIO_BLK_F = { SEG_MAX: 1 << 2, RO: 1 << 5, BLK_SIZE: 1 << 6, FLUSH: 1 << 9 } as const;

/** Request types and status values (section 5.2.6). */
export const VIRTIO_BLK_T = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8 } as const;
export const VIRTIO_BLK_S = { OK: 0, IOERR: 1, UNSUPP: 2 } as const;

const QUEUE_SIZE = 128;
/** A request has a header and a status besides its data. */
const SEG_MAX = QUEUE_SIZE - 2;
const HEADER_BYTES = 16;
const ID_BYTES = 20;
const SLICE_BYTES = 65_536;
/** U-Boot reads a whole file by one request; beyond this no file is a boot file. */
const MAX_REQUEST_BYTES = 256 * 1024 * 1024;
/** After so many bytes the rest of the queue waits for `TURN_NS`, so that no notification keeps the rig busy for long. */
const TURN_BYTES = 32 * 1024 * 1024;
const TURN_NS = NS_PER_MS;
/** What a request without data counts towards `TURN_BYTES`. */
const REQUEST_COST_BYTES = 4096;
/** Offsets in the configuration space (section 5.2.4) and its size. */
const CONFIG = { capacity: 0, seg_max: 12, blk_size: 20, bytes: 60 } as const;
const U32 = 0x1_0000_0000;

export interface VirtioBlkOptions {
  readonly clock: Clock;
  readonly line: InterruptLine;
  readonly ram: GuestRam;
  readonly storage: BlockStorage;
  /** What the guest is told as serial number; its first 20 bytes count. */
  readonly id: string;
}

/**
 * Device id 2 with one queue of 128. Requests are done in the order of the ring, within the notification, however the
 * driver frames them; more than 32 MiB at once continue a millisecond later. What a storage cannot do, sectors that it
 * does not have and data that is no multiple of 512 bytes end as IOERR, unknown requests as UNSUPP. A request without
 * room for header or status cannot be answered: the device asks for a reset.
 *
 * Writes are stable when they are done, unless the driver took VIRTIO_BLK_F_FLUSH: then after its FLUSH.
 */
export class VirtioBlk implements MmioDevice {
  readonly #clock: Clock;
  readonly #storage: BlockStorage;
  readonly #queue: SplitQueue;
  readonly #transport: VirtioMmio;
  readonly #readable: SegmentCursor;
  readonly #writable: SegmentCursor;
  readonly #continue = new Timer(() => this.#serve());
  readonly #id = new Uint8Array(ID_BYTES);
  readonly #config = new DataView(new ArrayBuffer(CONFIG.bytes));
  readonly #header = new DataView(new ArrayBuffer(HEADER_BYTES));
  readonly #headerBytes = new Uint8Array(this.#header.buffer);
  readonly #slice = new Uint8Array(SLICE_BYTES);
  readonly #status = new Uint8Array(1);

  constructor(options: VirtioBlkOptions) {
    const { ram, storage } = options;
    this.#clock = options.clock;
    this.#storage = storage;
    this.#queue = new SplitQueue(ram, QUEUE_SIZE, MAX_REQUEST_BYTES);
    this.#readable = new SegmentCursor(ram, this.#queue);
    this.#writable = new SegmentCursor(ram, this.#queue);
    this.#id.set(new TextEncoder().encode(options.id).subarray(0, ID_BYTES));
    this.#config.setUint32(CONFIG.capacity, storage.sectors % U32, true);
    this.#config.setUint32(CONFIG.capacity + 4, Math.floor(storage.sectors / U32), true);
    this.#config.setUint32(CONFIG.seg_max, SEG_MAX, true);
    this.#config.setUint32(CONFIG.blk_size, SECTOR_BYTES, true);
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
    const { SEG_MAX: segMax, BLK_SIZE, FLUSH, RO } = VIRTIO_BLK_F;
    return {
      deviceId: VIRTIO_BLK.deviceId,
      featuresLow: segMax | BLK_SIZE | FLUSH | (this.#storage.readOnly ? RO : 0) | VIRTIO_F_INDIRECT_DESC_LOW,
      featuresHigh: 0,
      queues: [this.#queue],
      readConfig: (offset, size) => this.#readConfig(offset, size),
      writeConfig: () => {},
      notified: () => this.#notified(),
      started: () => this.#notified(),
    };
  }

  #readConfig(offset: number, size: number): number {
    let value = 0;
    for (let i = Math.min(size, CONFIG.bytes - offset) - 1; i >= 0; i--)
      value = value * 0x100 + this.#config.getUint8(offset + i);
    return value;
  }

  #notified(): void {
    if (!this.#continue.armed) this.#serve();
  }

  #serve(): void {
    const queue = this.#queue;
    let completed = false;
    let fault = '';
    for (let spent = 0; this.#transport.running && fault === ''; ) {
      if (spent >= TURN_BYTES) {
        this.#clock.schedule(this.#continue, this.#clock.now() + TURN_NS);
        break;
      }
      const found = queue.next();
      if (found === QUEUE.empty) break;
      fault = found === QUEUE.broken ? queue.fault : this.#load();
      if (fault !== '') break;
      spent += REQUEST_COST_BYTES + this.#readable.remaining + this.#writable.remaining;
      queue.complete(this.#request());
      completed = true;
    }
    if (completed && queue.publish()) this.#transport.interrupt();
    if (fault !== '') this.#transport.fail(fault);
  }

  /** Goes to the data of the chain that was found and reads its header; answers what is wrong with it. */
  #load(): string {
    const { head, segmentCount, writableFrom } = this.#queue;
    this.#readable.load(0, writableFrom);
    this.#writable.load(writableFrom, segmentCount);
    if (this.#readable.remaining < HEADER_BYTES)
      return `the request at descriptor ${head} has a header of ${this.#readable.remaining} bytes`;
    if (this.#writable.remaining === 0) return `the request at descriptor ${head} has no byte for its status`;
    this.#readable.read(this.#headerBytes, 0, HEADER_BYTES);
    return '';
  }

  /** Does the loaded request; answers how many bytes from the start of its writable buffers on were written. */
  #request(): number {
    const dataBytes = this.#writable.remaining - 1;
    this.#status[0] = this.#execute(dataBytes);
    const unwritten = this.#writable.remaining - 1;
    this.#writable.skip(unwritten);
    this.#writable.write(this.#status, 0, 1);
    // A status behind data that was not written is no part of what was written from the start on (section 2.7.8.2).
    return unwritten === 0 ? dataBytes + 1 : dataBytes - unwritten;
  }

  #execute(dataBytes: number): number {
    const sector = this.#header.getUint32(8, true) + this.#header.getUint32(12, true) * U32;
    switch (this.#header.getUint32(0, true)) {
      case VIRTIO_BLK_T.IN:
        return this.#in(sector, dataBytes);
      case VIRTIO_BLK_T.OUT:
        return this.#out(sector, this.#readable.remaining);
      case VIRTIO_BLK_T.FLUSH:
        return this.#storage.flush() ? VIRTIO_BLK_S.OK : VIRTIO_BLK_S.IOERR;
      case VIRTIO_BLK_T.GET_ID:
        this.#writable.write(this.#id, 0, Math.min(ID_BYTES, dataBytes));
        return VIRTIO_BLK_S.OK;
      default:
        return VIRTIO_BLK_S.UNSUPP;
    }
  }

  #in(firstSector: number, bytes: number): number {
    if (!this.#exists(firstSector, bytes)) return VIRTIO_BLK_S.IOERR;
    for (let done = 0; done < bytes; done += SLICE_BYTES) {
      const count = Math.min(SLICE_BYTES, bytes - done);
      if (!this.#storage.read(firstSector + done / SECTOR_BYTES, this.#slice, 0, count)) return VIRTIO_BLK_S.IOERR;
      this.#writable.write(this.#slice, 0, count);
    }
    return VIRTIO_BLK_S.OK;
  }

  #out(firstSector: number, bytes: number): number {
    if (this.#storage.readOnly || !this.#exists(firstSector, bytes)) return VIRTIO_BLK_S.IOERR;
    for (let done = 0; done < bytes; done += SLICE_BYTES) {
      const count = Math.min(SLICE_BYTES, bytes - done);
      this.#readable.read(this.#slice, 0, count);
      if (!this.#storage.write(firstSector + done / SECTOR_BYTES, this.#slice, 0, count)) return VIRTIO_BLK_S.IOERR;
    }
    const cached = (this.#transport.negotiatedLow & VIRTIO_BLK_F.FLUSH) !== 0;
    return cached || this.#storage.flush() ? VIRTIO_BLK_S.OK : VIRTIO_BLK_S.IOERR;
  }

  #exists(firstSector: number, bytes: number): boolean {
    return bytes % SECTOR_BYTES === 0 && firstSector + bytes / SECTOR_BYTES <= this.#storage.sectors;
  }
}
