/** A split virtqueue in guest RAM, seen from the device (virtio 1.2, section 2.7); the guest's every number is checked. */

import type { GuestRam } from '../guest-ram.js';

/** What `SplitQueue.next` found. */
export const QUEUE = {
  empty: 0,
  /** A chain is loaded. */
  chain: 1,
  /** The ring is corrupt (`fault` says how); the queue stands still until it is reset. */
  broken: -1,
} as const;

const DESCRIPTOR_BYTES = 16;
const DESCRIPTOR_NEXT = 1;
const DESCRIPTOR_WRITE = 2;
const DESCRIPTOR_INDIRECT = 4;
const AVAILABLE_NO_INTERRUPT = 1;
const USED_NO_NOTIFY = 1;
/** `flags` and `idx` in front of either ring. */
const RING_HEADER_BYTES = 4;
const USED_ELEMENT_BYTES = 8;
/** More bytes in one chain than a driver of characters sends: the guest would only keep the rig busy. */
const MAX_CHAIN_BYTES = 1024 * 1024;
const MIB = 1024 * 1024;
const U32 = 0x1_0000_0000;

/** One queue. Loading, completing and publishing allocate nothing. */
export class SplitQueue {
  /** The driver negotiated VIRTIO_F_INDIRECT_DESC. */
  indirectDescriptors = false;
  /** Size and addresses as the driver programmed them; checked by `enable`. */
  size: number;
  descriptorArea = 0;
  driverArea = 0;
  deviceArea = 0;
  /** Head of the loaded chain. */
  head = 0;
  /** Counts how often the rings began anew: a chain that was loaded before that is no longer to be completed. */
  generation = 0;
  /** Buffers of the loaded chain: device-readable ones first, `writableFrom` is the first device-writable one. */
  segmentCount = 0;
  writableFrom = 0;
  readonly segmentGpa: Float64Array;
  readonly segmentLength: Float64Array;

  readonly #ram: GuestRam;
  readonly #scratch = new Uint8Array(DESCRIPTOR_BYTES);
  readonly #view = new DataView(this.#scratch.buffer);
  #ready = false;
  #fault = '';
  /** The driver's index as it was last read: up to there chains are available without another look. */
  #seenAvailable = 0;
  #lastAvailable = 0;
  #used = 0;
  /** The used ring's flags as the driver sees them. */
  #usedFlags = 0;

  constructor(
    ram: GuestRam,
    readonly maxSize: number,
    /** The most bytes that one chain may have; 1 MiB when absent. */
    readonly maxChainBytes = MAX_CHAIN_BYTES,
  ) {
    this.#ram = ram;
    this.size = maxSize;
    this.segmentGpa = new Float64Array(maxSize);
    this.segmentLength = new Float64Array(maxSize);
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Why the queue is broken; empty while it is not. */
  get fault(): string {
    return this.#fault;
  }

  reset(): void {
    this.#ready = false;
    this.#fault = '';
    this.#restart();
    this.size = this.maxSize;
    this.descriptorArea = 0;
    this.driverArea = 0;
    this.deviceArea = 0;
    this.indirectDescriptors = false;
  }

  /** QueueReady = 0: the driver may program the queue anew. */
  disable(): void {
    this.#ready = false;
  }

  /** QueueReady = 1: checks what was programmed; false, with `fault` set, when no queue can be like that. */
  enable(): boolean {
    const { size } = this;
    if (size < 1 || size > this.maxSize || (size & (size - 1)) !== 0)
      return this.#refuse(`queue size ${size} is not a power of two up to ${this.maxSize}`);
    if (!this.#areaFits(this.descriptorArea, DESCRIPTOR_BYTES * size, 16))
      return this.#refuse(`the descriptor area at 0x${this.descriptorArea.toString(16)} is misaligned or not in RAM`);
    if (!this.#areaFits(this.driverArea, RING_HEADER_BYTES + 2 * size, 2))
      return this.#refuse(`the driver area at 0x${this.driverArea.toString(16)} is misaligned or not in RAM`);
    if (!this.#areaFits(this.deviceArea, RING_HEADER_BYTES + USED_ELEMENT_BYTES * size, 4))
      return this.#refuse(`the device area at 0x${this.deviceArea.toString(16)} is misaligned or not in RAM`);
    this.#restart();
    this.#ready = true;
    return true;
  }

  /** Loads the next available chain; answers one of `QUEUE`. */
  next(): number {
    if (this.#fault !== '') return QUEUE.broken;
    if (!this.#ready) return QUEUE.empty;
    if (this.#seenAvailable === this.#lastAvailable) {
      this.#seenAvailable = this.#ram.readU16(this.driverArea + 2);
      const available = (this.#seenAvailable - this.#lastAvailable) & 0xffff;
      if (available === 0) return QUEUE.empty;
      if (available > this.size) return this.#break(`${available} chains are available in a queue of ${this.size}`);
    }
    const slot = this.#lastAvailable & (this.size - 1);
    this.head = this.#ram.readU16(this.driverArea + RING_HEADER_BYTES + 2 * slot);
    this.#lastAvailable = (this.#lastAvailable + 1) & 0xffff;
    return this.#walk();
  }

  /** Puts the loaded chain on the used ring with `written` bytes; the driver sees it after `publish`. */
  complete(written: number): void {
    this.#view.setUint32(0, this.head, true);
    this.#view.setUint32(4, written, true);
    const slot = this.#used & (this.size - 1);
    const gpa = this.deviceArea + RING_HEADER_BYTES + USED_ELEMENT_BYTES * slot;
    this.#ram.write(gpa, this.#scratch, 0, USED_ELEMENT_BYTES);
    this.#used = (this.#used + 1) & 0xffff;
  }

  /**
   * Shows the driver what was completed; answers whether it wants an interrupt for it. `quiet` tells it that it need not
   * notify of new buffers, because the device looks for them by itself (section 2.7.10).
   */
  publish(quiet = false): boolean {
    this.#usedFlags = quiet ? USED_NO_NOTIFY : 0;
    this.#writeUsedHeader();
    return (this.#ram.readU16(this.driverArea) & AVAILABLE_NO_INTERRUPT) === 0;
  }

  /**
   * Asks the driver to notify of new chains; shows it what was completed, too. False when it knows already, or when the
   * queue is not ready and its addresses may be anything; otherwise some may have come meanwhile.
   */
  listen(): boolean {
    if (!this.#ready || this.#usedFlags === 0) return false;
    this.#usedFlags = 0;
    this.#writeUsedHeader();
    return true;
  }

  /** Flags and index in one write: two halfwords of one aligned word. */
  #writeUsedHeader(): void {
    this.#ram.writeU32(this.deviceArea, (this.#usedFlags | (this.#used << 16)) >>> 0);
  }

  #restart(): void {
    this.generation++;
    this.#seenAvailable = 0;
    this.#lastAvailable = 0;
    this.#used = 0;
    this.#usedFlags = 0;
  }

  #areaFits(gpa: number, length: number, alignment: number): boolean {
    return gpa % alignment === 0 && this.#ram.contains(gpa, length);
  }

  #refuse(fault: string): boolean {
    this.#fault = fault;
    return false;
  }

  #break(fault: string): number {
    this.#fault = fault;
    return QUEUE.broken;
  }

  #walk(): number {
    this.segmentCount = 0;
    this.writableFrom = -1;
    let table = this.descriptorArea;
    let entries = this.size;
    let indirect = false;
    let index = this.head;
    let total = 0;
    for (;;) {
      if (index >= entries) return this.#break(`descriptor ${index} lies outside its table of ${entries}`);
      this.#ram.read(table + DESCRIPTOR_BYTES * index, this.#scratch, 0, DESCRIPTOR_BYTES);
      const gpa = this.#view.getUint32(0, true) + this.#view.getUint32(4, true) * U32;
      const length = this.#view.getUint32(8, true);
      const flags = this.#view.getUint16(12, true);
      if (length > 0 && !this.#ram.contains(gpa, length))
        return this.#break(`descriptor ${index} names ${length} bytes at 0x${gpa.toString(16)}, which is not RAM`);
      if ((flags & DESCRIPTOR_INDIRECT) !== 0) {
        if (indirect || !this.indirectDescriptors || (flags & DESCRIPTOR_NEXT) !== 0)
          return this.#break(`descriptor ${index} has an indirect table where none may be`);
        if (length === 0 || length % DESCRIPTOR_BYTES !== 0)
          return this.#break(`the indirect table of descriptor ${index} is ${length} bytes long`);
        indirect = true;
        table = gpa;
        entries = length / DESCRIPTOR_BYTES;
        index = 0;
        continue;
      }
      total += length;
      if (this.segmentCount === this.size) return this.#break(`the chain from descriptor ${this.head} never ends`);
      if (total > this.maxChainBytes)
        return this.#break(`the chain from descriptor ${this.head} is over ${this.maxChainBytes / MIB} MiB long`);
      if (!this.#add(gpa, length, (flags & DESCRIPTOR_WRITE) !== 0))
        return this.#break(`descriptor ${index} is readable behind a writable one`);
      if ((flags & DESCRIPTOR_NEXT) === 0) break;
      index = this.#view.getUint16(14, true);
    }
    if (this.writableFrom < 0) this.writableFrom = this.segmentCount;
    return QUEUE.chain;
  }

  #add(gpa: number, length: number, writable: boolean): boolean {
    if (writable && this.writableFrom < 0) this.writableFrom = this.segmentCount;
    if (!writable && this.writableFrom >= 0) return false;
    this.segmentGpa[this.segmentCount] = gpa;
    this.segmentLength[this.segmentCount] = length;
    this.segmentCount++;
    return true;
  }
}
