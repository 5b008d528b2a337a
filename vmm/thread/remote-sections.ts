/** A guest's end of shared memory in the thread that owns its device. */

import { Timer, type WallClock } from '../../base/index.js';
import { INTERRUPT } from '../cpu/state-layout.js';
import type { GuestRam } from '../devices/guest-ram.js';
import type { SectionLink } from '../devices/section-link.js';
import { RING_INTERVAL_NS, SHARED_MEMORY, SharedMemory } from '../devices/shared-memory.js';
import type { MemoryPlan } from '../machine/memory-plan.js';
import type { ThreadOutlet } from './thread-outlet.js';
import { INBOUND } from './thread-protocol.js';
import type { VcpuInbox } from './vcpu-inbox.js';

const NS_PER_MS = 1_000_000;

/** Memory that a guest in a thread shares with another guest. */
export interface ThreadSections {
  /** Where what the peer rings for arrives. */
  readonly link: SectionLink;
  /** Sends what the guest rings for there, from now on. */
  connect(peer: SectionLink): void;
  /** Whether the guest takes part: it has opened a vector. What is carried to it before is dropped. */
  readonly isOpen: boolean;
  /** One turn of the I/O loop; answers how much was taken. */
  poll(): number;
}

export interface ThreadSectionsParts {
  readonly plan: MemoryPlan;
  readonly clock: WallClock;
  readonly ram: GuestRam;
  readonly inbox: VcpuInbox;
  readonly outlet: ThreadOutlet;
  /** There is something to `poll`, while nobody polls. */
  readonly news: () => void;
}

/** Undefined for a guest that shares no memory. Doorbells of a register are handled by the thread of the vCPU. */
export function threadSections(parts: ThreadSectionsParts): ThreadSections | undefined {
  const { plan, inbox, outlet, ram } = parts;
  const { sharedMemory: place } = plan;
  if (place === undefined) return undefined;
  if (place.doorbell === 'ring') return new PolledSections(parts, place);
  return {
    link: {
      carry: (bytes, from, offset, length) => inbox.putSection(offset, bytes, from, length),
      ring: (vector) => {
        inbox.put(INBOUND.sectionRing, vector);
        inbox.commit();
      },
    },
    connect: (peer) => {
      outlet.peer = peer;
    },
    get isOpen() {
      return ram.readU32(place.gpa + SHARED_MEMORY.accept) !== 0;
    },
    poll: () => 0,
  };
}

/** Doorbells lie in the guest's memory, and this thread looks for them. Between two turns lies `RING_INTERVAL_NS`. */
class PolledSections implements ThreadSections {
  readonly link: SectionLink;
  readonly #device: SharedMemory;
  readonly #clock: WallClock;
  readonly #timer: Timer;
  #nextNs = 0;

  constructor({ clock, ram, inbox, news }: ThreadSectionsParts, place: NonNullable<MemoryPlan['sharedMemory']>) {
    this.#clock = clock;
    this.#timer = new Timer(news);
    this.#device = new SharedMemory({
      ...place,
      clock,
      ram,
      base: place.gpa,
      interrupt: () => {
        const nowNs = clock.now();
        inbox.put(INBOUND.event, Math.floor(nowNs / NS_PER_MS), nowNs % NS_PER_MS);
        inbox.put(INBOUND.interrupts, INTERRUPT.sharedMemory);
        inbox.commit();
      },
    });
    this.#device.initialise();
    this.link = this.#device.link;
  }

  connect(peer: SectionLink): void {
    this.#device.connect(peer);
  }

  get isOpen(): boolean {
    return this.#device.isOpen;
  }

  poll(): number {
    const nowNs = this.#clock.now();
    if (nowNs < this.#nextNs) return 0;
    this.#nextNs = nowNs + RING_INTERVAL_NS;
    // The guest may be idle by then, and nothing else would make the loop look again.
    if (!this.#device.poll()) return 0;
    this.#clock.schedule(this.#timer, this.#nextNs);
    return 1;
  }
}
