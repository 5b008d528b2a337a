/** The USB device of a partitioned guest: a URB queue in its RAM that costs no exit (docs/guest-abi.md, "URB device"). */

import type { Clock, Urb } from '../../base/index.js';
import { VmmError } from '../errors.js';
import type { GuestRam } from './guest-ram.js';
import { ReceiveBurst } from './receive-burst.js';
import { checkPowerOfTwo, checkRingArea, RING_HEADER_BYTES } from './ring-area.js';
import { UrbRequests } from './urb-request.js';
import type { UrbBackend, UrbFrontend, UrbPlug } from './urb-seam.js';
import { SplitQueue } from './virtio/split-queue.js';

/** Offsets from the start of the area. */
export const URB_RING = {
  magic: 0x000,
  version: 0x004,
  queueSize: 0x008,
  descOffset: 0x00c,
  availOffset: 0x010,
  usedOffset: 0x014,
  connected: 0x040,
  speed: 0x044,
  devid: 0x048,
  generation: 0x04c,
  ready: 0x080,
} as const;

export const URB_RING_MAGIC = 0x5255_5652;
export const URB_RING_VERSION = 1;
/** Descriptors of a ring whose size nobody names, and the most there may be. */
export const URB_RING_QUEUE_SIZE = 64;
const MOST_DESCRIPTORS = 1024;

export interface UrbRingOptions {
  readonly clock: Clock;
  readonly ram: GuestRam;
  /** Guest physical address of the area, 64-byte aligned; `urbRingBytes` long. */
  readonly base: number;
  /** Descriptors, a power of two from 4 to 1,024; a request takes two to four. */
  readonly queueSize: number;
  /** Sets bit 16 of `mip`. */
  doorbell(): void;
}

/** The three parts of the queue, from the start of the area. */
function layout(queueSize: number): { desc: number; avail: number; used: number; end: number } {
  const desc = RING_HEADER_BYTES;
  const avail = desc + 16 * queueSize;
  // Flags, index, entries and an event field; the used ring begins at a multiple of 4 behind them.
  const used = Math.ceil((avail + 6 + 2 * queueSize) / 4) * 4;
  return { desc, avail, used, end: used + 6 + 8 * queueSize };
}

/** Bytes that the area of such a ring takes. */
export function urbRingBytes(queueSize: number): number {
  return Math.ceil(layout(queueSize).end / 64) * 64;
}

/**
 * One queue, whose place and size are the rig's. `poll` takes what the guest made available; completions are gathered
 * and shown by `flush`, or at the same instant by a timer, with one doorbell.
 *
 * A guest that breaks the queue stops this ring for good: `fault` says why, and nothing in its memory is touched any
 * more. It has harmed itself alone. A guest that takes `ready` back to 0 forgets its URBs and may begin anew.
 */
export class UrbRing implements UrbFrontend {
  readonly #options: UrbRingOptions;
  readonly #queue: SplitQueue;
  readonly #requests: UrbRequests;
  readonly #burst: ReceiveBurst;
  #generation = 0;
  #fault = '';

  /** @throws VmmError `VMM_CONFIG` when the area is not RAM or the size is none. */
  constructor(options: UrbRingOptions) {
    const { ram, base, queueSize } = options;
    checkPowerOfTwo(queueSize, 4, 'queue_size', 'URB ring');
    if (queueSize > MOST_DESCRIPTORS) {
      throw new VmmError('VMM_CONFIG', `queue_size of the URB ring must be at most ${MOST_DESCRIPTORS}.`, {
        where: 'URB ring',
      });
    }
    checkRingArea(ram, base, urbRingBytes(queueSize), 'URB ring');
    this.#options = options;
    this.#queue = new SplitQueue(ram, queueSize);
    this.#burst = new ReceiveBurst(options.clock, () => this.#show());
    this.#requests = new UrbRequests(ram, this.#queue, this.#host());
  }

  /** Why the ring stands still; empty while it works. */
  get fault(): string {
    return this.#fault;
  }

  /** URBs that the backend has. */
  get inFlight(): number {
    return this.#requests.inFlight;
  }

  /** Writes the rig's fields; before the guest boots. */
  initialise(): void {
    const { ram, base } = this.#options;
    const { size } = this.#queue;
    const { desc, avail, used } = layout(size);
    const header = new Uint8Array(RING_HEADER_BYTES);
    const view = new DataView(header.buffer);
    view.setUint32(URB_RING.magic, URB_RING_MAGIC, true);
    view.setUint32(URB_RING.version, URB_RING_VERSION, true);
    view.setUint32(URB_RING.queueSize, size, true);
    view.setUint32(URB_RING.descOffset, desc, true);
    view.setUint32(URB_RING.availOffset, avail, true);
    view.setUint32(URB_RING.usedOffset, used, true);
    ram.write(base, header, 0, header.length);
    this.#queue.descriptorArea = base + desc;
    this.#queue.driverArea = base + avail;
    this.#queue.deviceArea = base + used;
  }

  attach(backend: UrbBackend): void {
    this.#requests.attach(backend);
  }

  completed(urb: Urb): void {
    this.#requests.completed(urb);
  }

  /** Rings the doorbell, behind the completions that came before. */
  plugged(plug: UrbPlug | undefined): void {
    this.#requests.plug = plug;
    this.flush();
    if (this.#fault !== '') return;
    const { ram, base, doorbell } = this.#options;
    this.#generation = (this.#generation + 1) >>> 0;
    const fields = new Uint32Array([plug === undefined ? 0 : 1, plug?.speed ?? 0, plug?.devid ?? 0]);
    ram.write(base + URB_RING.connected, new Uint8Array(fields.buffer), 0, fields.byteLength);
    // Last: whoever sees the new generation sees what belongs to it.
    ram.writeU32(base + URB_RING.generation, this.#generation);
    doorbell();
  }

  /** Shows the guest what was completed, with one doorbell. */
  flush(): void {
    this.#burst.end();
  }

  /** Takes what the guest made available since the last call; returns how many requests, at most the queue's size. */
  poll(): number {
    if (this.#fault !== '') return 0;
    const isReady = this.#options.ram.readU32(this.#options.base + URB_RING.ready) === 1;
    if (isReady !== this.#queue.ready) this.#follow(isReady);
    if (!isReady) return 0;
    const taken = this.#requests.serve();
    if (taken > 0) this.flush();
    return taken;
  }

  #host(): ConstructorParameters<typeof UrbRequests>[2] {
    const usable = (): boolean => this.#fault === '';
    return {
      get usable() {
        return usable();
      },
      fail: (reason) => {
        this.#fault = `the guest broke its URB ring: ${reason}`;
      },
      completed: () => this.#burst.begin(),
    };
  }

  #follow(isReady: boolean): void {
    if (isReady) {
      if (!this.#queue.enable()) this.#fault = `the URB ring cannot be used: ${this.#queue.fault}`;
      return;
    }
    this.#queue.disable();
    this.#requests.cancelAll();
  }

  #show(): void {
    if (this.#fault !== '' || !this.#queue.ready) return;
    // The rig polls: the guest need not tell of new requests.
    if (this.#queue.publish(true)) this.#options.doorbell();
  }
}
