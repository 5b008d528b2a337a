/** Stands behind the trapped registers of a board in the thread of the vCPU: asks the thread that owns the board. */

import type { BoardBackend } from '../devices/board-seam.js';
import type { BoardAcquisition } from '../machine/acquisition.js';
import { CONTROL, ORDER, OUTBOUND } from './thread-protocol.js';
import type { VcpuOutbox } from './vcpu-outbox.js';

const ALL_ONES = 0xffff_ffff;
/** A board on a bus would have been given up long before. */
const PATIENCE_NS = 5e9;
const NS_PER_MS = 1_000_000;

export interface BoardRequestsOptions {
  readonly outbox: VcpuOutbox;
  readonly control: Int32Array;
  now(): number;
  /** How long to look for the answer again and again before the host puts the thread to sleep. */
  readonly spinNs: number;
  /** Lets in what waits outside, the answer among it. */
  letIn(): void;
}

/**
 * Writes are posted, as on PCI: a read that follows finds them done, and what they did to the line. A read waits, and what
 * comes meanwhile enters the guest inside the exit, in order. When no answer comes within 5 s, or the run is to end, the
 * guest reads all ones; an answer that comes later is for nobody.
 */
export class BoardRequests implements BoardBackend {
  readonly #acquisition: BoardAcquisition;
  readonly #options: BoardRequestsOptions;
  #ticket = 0;
  #answeredTicket = 0;
  #value = ALL_ONES;

  constructor(acquisition: BoardAcquisition, options: BoardRequestsOptions) {
    this.#acquisition = acquisition;
    this.#options = options;
    acquisition.frontend.attach(this);
  }

  writeRegister(offset: number, value: number): void {
    this.#options.outbox.boardWrite(offset, value);
  }

  readRegister(offset: number): number {
    const { outbox, control, now, letIn } = this.#options;
    const ticket = (this.#ticket + 1) | 0;
    this.#ticket = ticket;
    outbox.boardRead(ticket, offset);
    const startNs = now();
    for (;;) {
      const seen = Atomics.load(control, CONTROL.signal);
      letIn();
      if (this.#answeredTicket === ticket) return this.#value;
      if (Atomics.load(control, CONTROL.order) === ORDER.seal) return ALL_ONES;
      if (now() - startNs >= PATIENCE_NS) break;
      this.#wait(seen, startNs);
    }
    outbox.put(OUTBOUND.boardOverdue, offset);
    return ALL_ONES;
  }

  /** The answer to the read of that ticket. */
  answered(ticket: number, value: number): void {
    this.#answeredTicket = ticket;
    this.#value = value >>> 0;
  }

  line(level: boolean): void {
    this.#acquisition.frontend.interrupt(level);
  }

  /** Until something is signalled after `seen`, or the read that began at `startNs` has waited long enough. */
  #wait(seen: number, startNs: number): void {
    const { control, now, spinNs } = this.#options;
    while (now() - startNs < spinNs) if (Atomics.load(control, CONTROL.signal) !== seen) return;
    Atomics.store(control, CONTROL.isWaiting, 1);
    Atomics.wait(control, CONTROL.signal, seen, Math.max(0, PATIENCE_NS - (now() - startNs)) / NS_PER_MS);
    Atomics.store(control, CONTROL.isWaiting, 0);
  }
}
