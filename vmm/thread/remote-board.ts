/** Stands for the frontend of a board in the thread that owns the board; the guest's registers trap in the thread of its vCPU. */

import { dmaRead, dmaWrite } from '../devices/board-dma.js';
import type { BoardBackend, BoardFrontend } from '../devices/board-seam.js';
import { stamp } from './port-frontend.js';
import type { RemoteRam } from './remote-ram.js';
import { INBOUND } from './thread-protocol.js';
import type { VcpuInbox } from './vcpu-inbox.js';

const ALL_ONES = 0xffff_ffff;

/**
 * What the board does enters the guest in the order in which it did it. What it does inside a register read is in front of
 * the answer, and so has happened when the guest goes on.
 */
export class RemoteBoardFrontend implements BoardFrontend {
  /** Why the guest read all ones where the board would have said something; empty while it never did. */
  fault = '';
  #backend: BoardBackend | undefined;
  readonly #ram: RemoteRam;
  readonly #inbox: VcpuInbox;
  readonly #now: () => number;

  constructor(ram: RemoteRam, inbox: VcpuInbox, now: () => number) {
    this.#ram = ram;
    this.#inbox = inbox;
    this.#now = now;
  }

  attach(backend: BoardBackend): void {
    this.#backend = backend;
  }

  interrupt(level: boolean): void {
    if (level) stamp(this.#inbox, this.#now());
    this.#inbox.put(INBOUND.boardLine, level ? 1 : 0);
    this.#inbox.commit();
  }

  dmaRead(address: number, target: Uint8Array, offset: number, length: number): boolean {
    return dmaRead(this.#ram, address, target, offset, length);
  }

  dmaWrite(address: number, source: Uint8Array, offset: number, length: number): boolean {
    return dmaWrite(this.#ram, address, source, offset, length);
  }

  /** The guest waits for the register at `offset`. */
  read(ticket: number, offset: number): void {
    const value = this.#backend?.readRegister(offset) ?? ALL_ONES;
    this.#inbox.put(INBOUND.boardAnswer, ticket, value);
    this.#inbox.commit();
  }

  write(offset: number, value: number): void {
    this.#backend?.writeRegister(offset, value >>> 0);
  }

  /** The guest has waited too long for the register at `offset`, and goes on without. */
  overdue(offset: number): void {
    const register = `0x${offset.toString(16).padStart(3, '0')}`;
    this.fault ||= `a read of register ${register} was not answered within 5 s, and the guest read all ones`;
    this.#backend?.overdue?.(offset);
  }
}
