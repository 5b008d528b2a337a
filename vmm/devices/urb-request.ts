/** The requests of a URB queue (docs/guest-abi.md, "URB device"): from descriptor chains to URBs and back. */

import { ENDPOINT_IN, SETUP_BYTES, URB_FLAGS, URB_STATUS, Urb } from '../../base/index.js';
import type { GuestRam } from './guest-ram.js';
import type { UrbBackend, UrbPlug } from './urb-seam.js';
import { SegmentCursor, type SegmentList } from './virtio/segment-cursor.js';
import { QUEUE, type SplitQueue } from './virtio/split-queue.js';

/** Commands, as USB/IP numbers them (Linux, Documentation/usb/usbip_protocol.rst). */
export const URB_COMMAND = { submit: 1, unlink: 2, returnSubmit: 3, returnUnlink: 4 } as const;

/** Offsets in a request and in its return; 48 bytes each. */
export const URB_FIELD = {
  command: 0x00,
  seqnum: 0x04,
  devid: 0x08,
  direction: 0x0c,
  ep: 0x10,
  /** Of a request. */
  transferFlags: 0x14,
  /** Of a return. */
  status: 0x14,
  /** Of an unlink request. */
  unlinkSeqnum: 0x14,
  /** `transfer_buffer_length` of a request, `actual_length` of a return. */
  length: 0x18,
  startFrame: 0x1c,
  numberOfPackets: 0x20,
  interval: 0x24,
  setup: 0x28,
} as const;

export const URB_HEADER_BYTES = 0x30;
/** The most bytes of one transfer; a longer one ends with -EINVAL. */
export const URB_MAX_BYTES = 65_536;
/** URBs in flight; further requests wait in the ring. */
export const URBS_IN_FLIGHT = 64;

const LAST_ENDPOINT = 15;
const NO_PACKETS = 0xffff_ffff;
const FIRST_BUFFER_BYTES = 512;

/** What a queue's requests stand on. */
export interface UrbQueueHost {
  /** The guest's rings may be read and written. */
  readonly usable: boolean;
  /** The guest broke the rings or sent a request that cannot be answered. */
  fail(reason: string): void;
  /** Something was completed that the guest has not been shown yet. */
  completed(): void;
}

/** One place in the pool: a URB with its data, and where the guest wants the answer. */
class Slot implements SegmentList {
  readonly urb = new Urb();
  readonly segmentGpa: Float64Array;
  readonly segmentLength: Float64Array;
  readonly target: SegmentCursor;
  /** Return and, behind it, the transfer's data: together they are one write to the guest. */
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  inFlight = false;
  unlinked = false;
  head = 0;
  generation = 0;

  constructor(
    ram: GuestRam,
    readonly index: number,
    segments: number,
  ) {
    this.segmentGpa = new Float64Array(segments);
    this.segmentLength = new Float64Array(segments);
    this.target = new SegmentCursor(ram, this);
    this.reserve(FIRST_BUFFER_BYTES);
  }

  /** Makes room for a transfer; at most `URB_MAX_BYTES`, kept for the next one. */
  reserve(length: number): void {
    if (length <= this.bytes.length - URB_HEADER_BYTES) return;
    let capacity = FIRST_BUFFER_BYTES;
    while (capacity < length) capacity *= 2;
    this.bytes = new Uint8Array(URB_HEADER_BYTES + capacity);
    this.view = new DataView(this.bytes.buffer);
    this.urb.data = this.bytes.subarray(URB_HEADER_BYTES);
  }

  /** Remembers the chain that `queue` has loaded. */
  keep(queue: SplitQueue): void {
    this.head = queue.head;
    this.generation = queue.generation;
    const { writableFrom, segmentCount } = queue;
    for (let i = writableFrom; i < segmentCount; i++) {
      this.segmentGpa[i - writableFrom] = queue.segmentGpa[i];
      this.segmentLength[i - writableFrom] = queue.segmentLength[i];
    }
    this.target.load(0, segmentCount - writableFrom);
  }
}

/**
 * Takes requests from a queue, hands URBs to the backend and writes what became of them. At most `URBS_IN_FLIGHT` are
 * under way; they and their buffers come from a pool that grows up to 4.3 MB and is never given back, so that a warm
 * pool allocates nothing. What a guest may get wrong in one request ends that request with -EINVAL; a request without
 * room for header or return cannot be answered and fails the queue.
 */
export class UrbRequests {
  readonly #queue: SplitQueue;
  readonly #host: UrbQueueHost;
  readonly #ram: GuestRam;
  readonly #source: SegmentCursor;
  readonly #slots: Slot[] = [];
  readonly #free: Slot[] = [];
  readonly #headerBytes = new Uint8Array(URB_HEADER_BYTES);
  readonly #header = new DataView(this.#headerBytes.buffer);
  #backend: UrbBackend | undefined;
  #plug: UrbPlug | undefined;
  #serving = false;
  #starved = false;

  constructor(ram: GuestRam, queue: SplitQueue, host: UrbQueueHost) {
    this.#ram = ram;
    this.#queue = queue;
    this.#host = host;
    this.#source = new SegmentCursor(ram, queue);
  }

  attach(backend: UrbBackend): void {
    this.#backend = backend;
  }

  set plug(plug: UrbPlug | undefined) {
    this.#plug = plug;
  }

  /** URBs that the backend has. */
  get inFlight(): number {
    return this.#slots.length - this.#free.length;
  }

  /** Takes what the guest made available, at most as many requests as the queue has entries; returns how many. */
  serve(): number {
    if (this.#serving) return 0;
    this.#serving = true;
    const most = this.#queue.size;
    let taken = 0;
    while (taken < most && this.#host.usable && this.#serveOne()) taken++;
    this.#serving = false;
    return taken;
  }

  /** Writes what became of a URB; one that the guest has forgotten by a reset only makes room. */
  completed(urb: Urb): void {
    const slot = this.#slots[urb.tag];
    if (slot?.urb !== urb || !slot.inFlight) return;
    slot.inFlight = false;
    // A cancelled URB is `killed` to whoever waits for it, and `unlinked` to the guest that took it back.
    const status = slot.unlinked && urb.status === URB_STATUS.killed ? URB_STATUS.unlinked : urb.status;
    const actual = Math.min(Math.max(0, urb.actualLength), urb.length);
    this.#answer(slot, URB_COMMAND.returnSubmit, status, actual);
    if (!this.#starved) return;
    this.#starved = false;
    this.serve();
  }

  /** Takes every URB back, because the guest has forgotten them. */
  cancelAll(): void {
    for (const slot of this.#slots) {
      if (!slot.inFlight || slot.unlinked) continue;
      slot.unlinked = true;
      this.#backend?.cancel(slot.urb);
    }
  }

  #serveOne(): boolean {
    const slot = this.#take();
    if (slot === undefined) {
      this.#starved = true;
      return false;
    }
    const queue = this.#queue;
    const found = queue.next();
    if (found === QUEUE.chain) {
      const fault = this.#load(slot);
      if (fault === '') {
        this.#execute(slot);
        return true;
      }
      this.#host.fail(fault);
    } else if (found === QUEUE.broken) {
      this.#host.fail(queue.fault);
    }
    this.#free.push(slot);
    return false;
  }

  #take(): Slot | undefined {
    if (this.#free.length > 0) return this.#free.pop();
    if (this.#slots.length === URBS_IN_FLIGHT) return undefined;
    const slot = new Slot(this.#ram, this.#slots.length, this.#queue.maxSize);
    this.#slots.push(slot);
    return slot;
  }

  /** Reads the header of the chain that was found; answers what makes it unanswerable. */
  #load(slot: Slot): string {
    const queue = this.#queue;
    this.#source.load(0, queue.writableFrom);
    slot.keep(queue);
    if (this.#source.remaining < URB_HEADER_BYTES)
      return `the request at descriptor ${queue.head} has a header of ${this.#source.remaining} bytes`;
    if (slot.target.remaining < URB_HEADER_BYTES)
      return `the request at descriptor ${queue.head} has ${slot.target.remaining} bytes for its return`;
    this.#source.read(this.#headerBytes, 0, URB_HEADER_BYTES);
    return '';
  }

  #execute(slot: Slot): void {
    slot.unlinked = false;
    const { urb } = slot;
    const seqnum = this.#field(URB_FIELD.seqnum);
    const command = this.#field(URB_FIELD.command);
    if (command === URB_COMMAND.unlink) {
      this.#unlink(slot, seqnum);
      return;
    }
    const isValid = command === URB_COMMAND.submit && this.#isValid(slot) && this.#find(seqnum) === undefined;
    this.#fill(slot, seqnum, isValid);
    if (!isValid) {
      this.#answer(slot, URB_COMMAND.returnSubmit, URB_STATUS.invalid, 0);
      return;
    }
    const backend = this.#backend;
    if (backend === undefined || !this.#isThere()) {
      this.#answer(slot, URB_COMMAND.returnSubmit, URB_STATUS.noDevice, 0);
      return;
    }
    slot.inFlight = true;
    backend.submit(urb);
  }

  #isThere(): boolean {
    const devid = this.#field(URB_FIELD.devid);
    return this.#plug !== undefined && (devid === 0 || devid === this.#plug.devid);
  }

  /** Whether the loaded request contradicts nothing, itself included. */
  #isValid(slot: Slot): boolean {
    const direction = this.#field(URB_FIELD.direction);
    const ep = this.#field(URB_FIELD.ep);
    const length = this.#field(URB_FIELD.length);
    const packets = this.#field(URB_FIELD.numberOfPackets);
    if (direction > 1 || ep > LAST_ENDPOINT || length > URB_MAX_BYTES) return false;
    if (packets !== 0 && packets !== NO_PACKETS) return false;
    const room = direction === 1 ? slot.target.remaining - URB_HEADER_BYTES : this.#source.remaining;
    if (length > room) return false;
    if (ep !== 0) return true;
    // The data stage is as SETUP says (USB 2.0, section 9.3).
    if (this.#header.getUint16(URB_FIELD.setup + 6, true) !== length) return false;
    return length === 0 || this.#headerBytes[URB_FIELD.setup] >>> 7 === direction;
  }

  #fill(slot: Slot, seqnum: number, isValid: boolean): void {
    const { urb } = slot;
    const direction = this.#field(URB_FIELD.direction);
    const length = isValid ? this.#field(URB_FIELD.length) : 0;
    slot.reserve(length);
    urb.id = seqnum;
    urb.endpointAddress = (this.#field(URB_FIELD.ep) & LAST_ENDPOINT) | (direction === 1 ? ENDPOINT_IN : 0);
    urb.length = length;
    urb.flags = this.#field(URB_FIELD.transferFlags) & (URB_FLAGS.shortNotOk | URB_FLAGS.zeroPacket);
    urb.interval = this.#field(URB_FIELD.interval);
    urb.tag = slot.index;
    urb.status = URB_STATUS.inProgress;
    urb.actualLength = 0;
    for (let i = 0; i < SETUP_BYTES; i++) urb.setup[i] = this.#headerBytes[URB_FIELD.setup + i];
    if (direction === 0) this.#source.read(slot.bytes, URB_HEADER_BYTES, length);
  }

  #unlink(slot: Slot, seqnum: number): void {
    const found = this.#find(this.#field(URB_FIELD.unlinkSeqnum));
    this.#fill(slot, seqnum, false);
    const { urb } = slot;
    urb.endpointAddress = 0;
    this.#answer(slot, URB_COMMAND.returnUnlink, found === undefined ? URB_STATUS.ok : URB_STATUS.unlinked, 0);
    if (found === undefined || found.unlinked) return;
    found.unlinked = true;
    this.#backend?.cancel(found.urb);
  }

  #find(seqnum: number): Slot | undefined {
    for (const slot of this.#slots) {
      if (slot.inFlight && slot.generation === this.#queue.generation && slot.urb.id === seqnum) return slot;
    }
    return undefined;
  }

  /** Writes return and IN data, puts the chain on the used ring and frees the slot. */
  #answer(slot: Slot, command: number, status: number, actual: number): void {
    const { urb, view, bytes } = slot;
    const queue = this.#queue;
    this.#free.push(slot);
    if (slot.generation !== queue.generation || !queue.ready || !this.#host.usable) return;
    bytes.fill(0, 0, URB_HEADER_BYTES);
    view.setUint32(URB_FIELD.command, command, true);
    view.setUint32(URB_FIELD.seqnum, urb.id, true);
    view.setUint32(URB_FIELD.devid, this.#plug?.devid ?? 0, true);
    view.setUint32(URB_FIELD.direction, urb.inbound ? 1 : 0, true);
    view.setUint32(URB_FIELD.ep, urb.endpointAddress & LAST_ENDPOINT, true);
    view.setInt32(URB_FIELD.status, status, true);
    view.setUint32(URB_FIELD.length, actual, true);
    const written = URB_HEADER_BYTES + (urb.inbound ? actual : 0);
    slot.target.write(bytes, 0, written);
    queue.head = slot.head;
    queue.complete(written);
    this.#host.completed();
  }

  #field(offset: number): number {
    return this.#header.getUint32(offset, true);
  }
}
