/** A guest's end of shared memory in the thread of its vCPU: doorbells are rung by a register, and the peer is somewhere else. */

import { Timer, type WallClock } from '../../base/index.js';
import { RING_INTERVAL_NS } from '../devices/shared-memory.js';
import type { SharedMemoryPort } from '../machine/create-shared-memory.js';
import { OUTBOUND } from './thread-protocol.js';
import type { VcpuOutbox } from './vcpu-outbox.js';

/** A turn follows a doorbell; between two turns lies `RING_INTERVAL_NS`, however often the guest rings. */
export class SectionPort {
  readonly #port: SharedMemoryPort;
  readonly #clock: WallClock;
  readonly #timer = new Timer(() => this.#turn());
  #nextNs = 0;

  constructor(port: SharedMemoryPort, clock: WallClock, outbox: VcpuOutbox) {
    this.#port = port;
    this.#clock = clock;
    port.onKick = () => this.#arm();
    port.device.connect({
      carry: (bytes, from, offset, length) => outbox.section(offset, bytes, from, length),
      ring: (vector) => outbox.put(OUTBOUND.sectionRing, vector),
    });
  }

  /** Whether the guest has rung and the turn that follows is still to come. */
  get isKicked(): boolean {
    return this.#timer.armed;
  }

  /** A piece of the peer's section has come. */
  carry(bytes: Uint8Array, from: number, offset: number, length: number): void {
    this.#port.device.link.carry(bytes, from, offset, length);
  }

  /** The peer has rung. */
  ring(vector: number): void {
    this.#port.device.link.ring(vector);
  }

  #arm(): void {
    if (!this.#timer.armed) this.#clock.schedule(this.#timer, Math.max(this.#nextNs, this.#clock.now()));
  }

  #turn(): void {
    this.#nextNs = this.#clock.now() + RING_INTERVAL_NS;
    if (this.#port.device.poll()) this.#arm();
  }
}
