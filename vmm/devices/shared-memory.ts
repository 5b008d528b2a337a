/** A guest's shared memory with another guest: an output section, a copy of the peer's, doorbells (docs/guest-abi.md, "Shared memory"). */

import { type Clock, Timer } from '../../base/index.js';
import type { GuestRam } from './guest-ram.js';
import { checkPowerOfTwo, checkRingArea, RING_HEADER_BYTES, ringDistance } from './ring-area.js';
import { NO_PEER, type SectionLink } from './section-link.js';

/** Offsets from the start of the area. */
export const SHARED_MEMORY = {
  magic: 0x000,
  version: 0x004,
  id: 0x008,
  peer: 0x00c,
  sectionBytes: 0x010,
  outputOffset: 0x014,
  inputOffset: 0x018,
  ringOffset: 0x01c,
  ringEntries: 0x020,
  bellHead: 0x040,
  bellTail: 0x080,
  accept: 0x0c0,
  interrupts: 0x100,
  rung: 0x140,
} as const;

export const SHARED_MEMORY_MAGIC = 0x4d53_5652;
export const SHARED_MEMORY_VERSION = 1;
/** Doorbells have one of so many numbers. */
export const SHARED_MEMORY_VECTORS = 16;
/** Most doorbells, and most bytes, that one turn takes from a guest. */
export const DOORBELLS_A_TURN = 8;
export const BYTES_A_TURN = 1024;
/** Between two interrupts that a peer can cause lies at least this; doorbells in between coalesce. */
export const RING_INTERVAL_NS = 50_000;

const PAGE = 0x1000;
const ENTRY_BYTES = 16;
const ENTRY = { offset: 0, length: 4, vector: 8 } as const;

/** Sizes of a guest's area. */
export interface SharedMemoryShape {
  /** Bytes of each section, a multiple of 4 KiB. */
  readonly sectionBytes: number;
  /** Doorbells that the guest may have waiting, a power of two. */
  readonly ringEntries: number;
}

export interface SharedMemoryOptions extends SharedMemoryShape {
  readonly clock: Clock;
  readonly ram: GuestRam;
  /** Guest physical address of the area, page aligned; `sharedMemoryBytes` long. */
  readonly base: number;
  /** Number of this guest, and of the one at the other end. */
  readonly id: number;
  readonly peer: number;
  /** Sets bit 17 of `mip`. */
  interrupt(): void;
}

/** Where the parts of an area lie, from its start. */
export function sharedMemoryLayout({ sectionBytes, ringEntries }: SharedMemoryShape): {
  readonly output: number;
  readonly input: number;
  readonly bytes: number;
} {
  const control = Math.ceil((RING_HEADER_BYTES + ENTRY_BYTES * ringEntries) / PAGE) * PAGE;
  return { output: control, input: control + sectionBytes, bytes: control + 2 * sectionBytes };
}

/** Bytes that such an area takes. */
export function sharedMemoryBytes(shape: SharedMemoryShape): number {
  return sharedMemoryLayout(shape).bytes;
}

/**
 * One guest's end. `poll` takes its doorbells and carries what they name to the peer; the peer's arrive by `link`.
 *
 * A turn carries at most `BYTES_A_TURN` bytes of at most `DOORBELLS_A_TURN` doorbells, and a peer causes at most one
 * interrupt in `RING_INTERVAL_NS`: so what a flooding guest costs its neighbour has a bound. A guest that has opened no
 * vector (`accept` 0) is not touched by its peer at all: no byte of its memory, no interrupt.
 *
 * A guest that writes an impossible index, range or vector stops its own output for good: `fault` says why, and its
 * doorbell ring is not looked at any more. What it receives goes on.
 */
export class SharedMemory {
  /** The end that the peer's output arrives at. */
  readonly link: SectionLink = {
    carry: (bytes, from, offset, length) => this.#receive(bytes, from, offset, length),
    ring: (vector) => this.#rung(vector),
  };
  readonly #options: SharedMemoryOptions;
  readonly #ram: GuestRam;
  readonly #base: number;
  readonly #output: number;
  readonly #input: number;
  readonly #bytes = new Uint8Array(BYTES_A_TURN);
  readonly #rungCounts = new Uint32Array(SHARED_MEMORY_VECTORS);
  readonly #timer: Timer;
  #peer: SectionLink = NO_PEER;
  #tail = 0;
  /** How much of the doorbell at `#tail` has been carried. */
  #carried = 0;
  #interrupts = 0;
  #quietUntilNs = 0;
  /** As this guest's own turn found it, so that when it is read does not depend on the peer. */
  #accept = 0;
  #fault = '';

  /** @throws VmmError `VMM_CONFIG` when the area is not RAM or a size is impossible. */
  constructor(options: SharedMemoryOptions) {
    const { ram, base, sectionBytes, ringEntries } = options;
    checkPowerOfTwo(ringEntries, 2, 'ring_entries', 'shared memory');
    checkPowerOfTwo(sectionBytes, PAGE, 'section_bytes', 'shared memory');
    checkRingArea(ram, base, sharedMemoryBytes(options), 'shared memory');
    const { output, input } = sharedMemoryLayout(options);
    this.#options = options;
    this.#ram = ram;
    this.#base = base;
    this.#output = base + output;
    this.#input = base + input;
    this.#timer = new Timer(() => this.#interrupt());
  }

  /** Why this guest's output stands still; empty while it works. */
  get fault(): string {
    return this.#fault;
  }

  /** Whether the guest had opened a vector at its last turn: what the peer carries is not dropped. */
  get isOpen(): boolean {
    return this.#accept !== 0;
  }

  /** Interrupts that the peer has caused here. */
  get interrupts(): number {
    return this.#interrupts;
  }

  /** Writes the rig's fields; before the guest boots. */
  initialise(): void {
    const { id, peer, sectionBytes, ringEntries } = this.#options;
    const { output, input } = sharedMemoryLayout(this.#options);
    const header = new Uint8Array(RING_HEADER_BYTES);
    const view = new DataView(header.buffer);
    const fields = [SHARED_MEMORY_MAGIC, SHARED_MEMORY_VERSION, id, peer, sectionBytes, output, input];
    fields.push(RING_HEADER_BYTES, ringEntries);
    for (const [i, value] of fields.entries()) view.setUint32(4 * i, value, true);
    this.#ram.write(this.#base, header, 0, header.length);
  }

  /** Sends doorbells there from now on. */
  connect(peer: SectionLink): void {
    this.#peer = peer;
  }

  /** One turn; true when there is more to do, for which nobody will ring again. */
  poll(): boolean {
    this.#accept = this.#ram.readU32(this.#base + SHARED_MEMORY.accept);
    if (this.#fault !== '') return false;
    const head = this.#ram.readU32(this.#base + SHARED_MEMORY.bellHead);
    const waiting = ringDistance(head, this.#tail);
    if (waiting === 0) return false;
    const { ringEntries } = this.#options;
    if (waiting > ringEntries)
      return this.#stop(`bell_head is ${head} while bell_tail is ${this.#tail} in a ring of ${ringEntries}`);
    let room = BYTES_A_TURN;
    let taken = 0;
    while (taken < Math.min(waiting, DOORBELLS_A_TURN)) {
      const left = this.#carry(room);
      if (left < 0) break;
      room = left;
      taken++;
      this.#tail = (this.#tail + 1) >>> 0;
    }
    if (taken > 0) this.#ram.writeU32(this.#base + SHARED_MEMORY.bellTail, this.#tail);
    return this.#fault === '' && taken < waiting;
  }

  /** Carries the doorbell at the tail with `room` bytes; what is left of them, negative when it is not complete. */
  #carry(room: number): number {
    const { sectionBytes, ringEntries } = this.#options;
    const at = this.#base + RING_HEADER_BYTES + ENTRY_BYTES * (this.#tail & (ringEntries - 1));
    const offset = this.#ram.readU32(at + ENTRY.offset);
    const length = this.#ram.readU32(at + ENTRY.length);
    const vector = this.#ram.readU32(at + ENTRY.vector);
    if (offset > sectionBytes || length > sectionBytes - offset) {
      this.#stop(`a doorbell names ${length} bytes at ${offset} of a section of ${sectionBytes}`);
      return -1;
    }
    if (vector >= SHARED_MEMORY_VECTORS) {
      this.#stop(`a doorbell has vector ${vector}, and there are ${SHARED_MEMORY_VECTORS}`);
      return -1;
    }
    const free = this.#peer.room?.() ?? room;
    if (free < 0) return -1;
    // The guest may shorten a doorbell that is being carried; what has gone is gone.
    const left = Math.max(0, length - this.#carried);
    const count = Math.min(left, room, free);
    if (count > 0) {
      this.#ram.read(this.#output + offset + this.#carried, this.#bytes, 0, count);
      this.#peer.carry(this.#bytes, 0, offset + this.#carried, count);
      this.#carried += count;
    }
    if (count < left) return -1;
    this.#carried = 0;
    this.#peer.ring(vector);
    return room - count;
  }

  #stop(problem: string): boolean {
    this.#fault = `the guest wrote an impossible doorbell: ${problem}`;
    return false;
  }

  #receive(bytes: Uint8Array, from: number, offset: number, length: number): void {
    if (offset + length > this.#options.sectionBytes || this.#accept === 0) return;
    this.#ram.write(this.#input + offset, bytes, from, length);
  }

  #rung(vector: number): void {
    if (((this.#accept >>> vector) & 1) === 0) return;
    this.#rungCounts[vector]++;
    if (this.#timer.armed) return;
    const nowNs = this.#options.clock.now();
    this.#options.clock.schedule(this.#timer, Math.max(nowNs, this.#quietUntilNs));
  }

  /** All doorbells since the last one, at once. */
  #interrupt(): void {
    this.#quietUntilNs = this.#options.clock.now() + RING_INTERVAL_NS;
    for (let vector = 0; vector < SHARED_MEMORY_VECTORS; vector++) {
      const at = this.#base + SHARED_MEMORY.rung + 4 * vector;
      const count = this.#rungCounts[vector];
      if (this.#ram.readU32(at) !== count) this.#ram.writeU32(at, count);
    }
    this.#interrupts++;
    this.#ram.writeU32(this.#base + SHARED_MEMORY.interrupts, this.#interrupts >>> 0);
    this.#options.interrupt();
  }
}

/** Joins two ends, in both directions. */
export function joinSharedMemory(one: SharedMemory, other: SharedMemory): void {
  one.connect(other.link);
  other.connect(one.link);
}
