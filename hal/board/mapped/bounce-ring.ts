/** A board's view of its host's descriptors: a ring of its own in memory that it can reach, with blocks that are copied on. */

import {
  DESCRIPTOR,
  DESCRIPTOR_BYTES,
  MOST_BLOCK_BYTES,
  MOST_DESCRIPTORS,
} from '../../simulators/daq-board/registers.js';
import type { BoardMemory } from '../board-port.js';

const RING_BYTES = MOST_DESCRIPTORS * DESCRIPTOR_BYTES;
/** The least DMA memory with which every block that a host may ask for can be taken. */
export const LEAST_DMA_BYTES = RING_BYTES + MOST_BLOCK_BYTES;
const BLOCK_ALIGNMENT = 64;
const HIGH = 0x1_0000_0000;
const NOWHERE = 0xffff_ffff;

/** Memory that both the board and this process reach. */
export interface DmaArea {
  readonly bytes: Uint8Array;
  /** Where the board finds it: an address on its bus. */
  readonly busAddress: number;
}

/**
 * The first 32 KiB are the board's ring, with as many slots as the host's; behind them blocks are taken in order and given
 * back in order. Indices run freely modulo 2^32. No allocation after construction.
 */
export class BounceRing {
  readonly #area: DmaArea;
  readonly #view: DataView;
  readonly #blockBytes: number;
  /** The host's descriptor as it was when it was given. */
  readonly #descriptor = new Uint8Array(DESCRIPTOR_BYTES);
  readonly #source = new DataView(this.#descriptor.buffer);
  /** Of each slot: where its block lies behind the ring, how long it is, and where the host wants it. */
  readonly #place = new Uint32Array(MOST_DESCRIPTORS);
  readonly #length = new Uint32Array(MOST_DESCRIPTORS);
  readonly #target = new Float64Array(MOST_DESCRIPTORS);
  #hostRing = 0;
  #size = 0;
  /** First slot that is not back, and the one behind the last that was given. */
  #taken = 0;
  #given = 0;
  /** Where the next block would lie. */
  #next = 0;

  constructor(area: DmaArea) {
    this.#area = area;
    this.#view = new DataView(area.bytes.buffer, area.bytes.byteOffset, area.bytes.byteLength);
    this.#blockBytes = area.bytes.length - RING_BYTES;
  }

  /** Where the board finds its ring. */
  get busAddress(): number {
    return this.#area.busAddress;
  }

  /** Descriptors of the host's ring; 0 when it is none. */
  get size(): number {
    return this.#size;
  }

  get given(): number {
    return this.#given;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Begins with no descriptor given. False when the host's ring is none: nothing is ever given then. */
  begin(hostRing: number, size: number): boolean {
    this.#taken = 0;
    this.#given = 0;
    this.#next = 0;
    this.#hostRing = hostRing;
    const isRing = size >= 2 && size <= MOST_DESCRIPTORS && (size & (size - 1)) === 0;
    this.#size = isRing ? size : 0;
    return isRing;
  }

  /**
   * Mirrors descriptors up to `tail`, as far as there is room for their blocks. One that the host's memory refuses, or that
   * no board would take, is mirrored as such: the board stops at it by itself, and at no other.
   */
  give(memory: BoardMemory, tail: number): void {
    if (this.#size === 0) return;
    while (this.#given !== tail && (this.#given - this.#taken) >>> 0 < this.#size && this.#mirror(memory)) {
      this.#given = (this.#given + 1) >>> 0;
    }
  }

  /** Brings the oldest block to the host, then what the board wrote into its descriptor. False when the host's memory refuses. */
  take(memory: BoardMemory): boolean {
    const slot = this.#taken & (this.#size - 1);
    const written = slot * DESCRIPTOR_BYTES + DESCRIPTOR.doneLength;
    const bytes = Math.min(this.#view.getUint32(written, true), this.#length[slot]);
    const from = RING_BYTES + this.#place[slot];
    const isThere =
      this.#length[slot] > 0 &&
      memory.write(this.#target[slot], this.#area.bytes, from, bytes) &&
      memory.write(this.#hostRing + written, this.#area.bytes, written, DESCRIPTOR_BYTES - DESCRIPTOR.doneLength);
    if (isThere) this.#taken = (this.#taken + 1) >>> 0;
    return isThere;
  }

  #mirror(memory: BoardMemory): boolean {
    const slot = this.#given & (this.#size - 1);
    const at = slot * DESCRIPTOR_BYTES;
    const source = this.#source;
    const isRead = memory.read(this.#hostRing + at, this.#descriptor, 0, DESCRIPTOR_BYTES);
    const target =
      source.getUint32(DESCRIPTOR.addressHigh, true) * HIGH + source.getUint32(DESCRIPTOR.addressLow, true);
    const wanted = isRead && Number.isSafeInteger(target) ? source.getUint32(DESCRIPTOR.length, true) : 0;
    const isBlock = wanted >= 2 && wanted <= MOST_BLOCK_BYTES && wanted % 2 === 0;
    const place = isBlock ? this.#room(wanted) : this.#next;
    if (place === NOWHERE) return false;
    this.#place[slot] = place;
    this.#length[slot] = isBlock ? wanted : 0;
    this.#target[slot] = target;
    if (isBlock) this.#next = place + Math.ceil(wanted / BLOCK_ALIGNMENT) * BLOCK_ALIGNMENT;
    const address = this.#area.busAddress + RING_BYTES + place;
    this.#area.bytes.fill(0, at, at + DESCRIPTOR_BYTES);
    this.#view.setUint32(at + DESCRIPTOR.addressLow, address % HIGH, true);
    this.#view.setUint32(at + DESCRIPTOR.addressHigh, Math.floor(address / HIGH), true);
    this.#view.setUint32(at + DESCRIPTOR.length, wanted, true);
    return true;
  }

  /** Where `bytes` fit behind the last block without touching the first that is out; a block is never cut. */
  #room(bytes: number): number {
    if (this.#given === this.#taken) return 0;
    const first = this.#place[this.#taken & (this.#size - 1)];
    const next = this.#next;
    if (next > first) {
      if (this.#blockBytes - next >= bytes) return next;
      return first > bytes ? 0 : NOWHERE;
    }
    return first - next > bytes ? next : NOWHERE;
  }
}
