/** Guest RAM for devices that run in another thread than the vCPU. */

import type { GuestMemory } from '../cpu/guest-memory.js';
import type { GuestRam } from '../devices/guest-ram.js';
import { hashBytes } from '../journal/output-digest.js';
import { INBOUND } from './thread-protocol.js';
import type { VcpuInbox } from './vcpu-inbox.js';

/**
 * Reads look at the memory itself, while the guest runs. What is written enters the guest by the inbox: in order, at an
 * instruction boundary that the vCPU's thread chooses and the journal names, so that the run can be repeated. `read` finds what
 * was written before it, whether the guest has it yet or not; a word that is looked at may still be the old one. Bytes that are
 * read go into the journal with the next writes, as a guest that keeps to a ring's rules does not change them before; words are
 * looked at again and again and do not.
 */
export class RemoteRam implements GuestRam {
  readonly #memory: GuestMemory;
  readonly #inbox: VcpuInbox;
  readonly #isRewritten: boolean;
  readonly #word = new Uint8Array(4);

  /** `isRewritten`: the guest may change at any time what is read in bulk, so that reads are no part of its journal. */
  constructor(memory: GuestMemory, inbox: VcpuInbox, isRewritten = false) {
    this.#memory = memory;
    this.#inbox = inbox;
    this.#isRewritten = isRewritten;
  }

  contains(gpa: number, length: number): boolean {
    return this.#memory.contains(gpa, length);
  }

  read(gpa: number, target: Uint8Array, offset: number, length: number): void {
    if (length === 0) return;
    const { u8, ramBase } = this.#memory;
    const at = gpa - ramBase;
    const { taken } = this.#inbox;
    for (let i = 0; i < length; i++) target[offset + i] = u8[at + i];
    this.#inbox.overlay(taken, gpa, target, offset, length);
    if (!this.#isRewritten) this.#inbox.putRead(gpa, length, hashBytes(target, offset, length));
  }

  write(gpa: number, source: Uint8Array, offset: number, length: number): void {
    this.#inbox.putWrite(gpa, source, offset, length);
  }

  readU16(gpa: number): number {
    const { u16, ramBase } = this.#memory;
    const at = gpa - ramBase;
    return at % 2 === 0 ? Atomics.load(u16, at / 2) : this.#memory.readU16(gpa);
  }

  readU32(gpa: number): number {
    const { u32, ramBase } = this.#memory;
    const at = gpa - ramBase;
    return at % 4 === 0 ? Atomics.load(u32, at / 4) : this.#memory.readU32(gpa);
  }

  writeU16(gpa: number, value: number): void {
    if (gpa % 2 === 0) this.#inbox.put(INBOUND.dmaWord16, gpa, value);
    else this.#bytes(gpa, value, 2);
    this.#inbox.commit();
  }

  writeU32(gpa: number, value: number): void {
    if (gpa % 4 === 0) this.#inbox.put(INBOUND.dmaWord32, gpa, value);
    else this.#bytes(gpa, value, 4);
    this.#inbox.commit();
  }

  #bytes(gpa: number, value: number, length: number): void {
    for (let i = 0; i < length; i++) this.#word[i] = value >>> (8 * i);
    this.#inbox.putWrite(gpa, this.#word, 0, length);
  }
}
