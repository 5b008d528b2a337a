/** Guest RAM as devices see it: what they write is stamped and journaled, what they read is certified. */

import type { GuestMemory } from '../cpu/guest-memory.js';
import type { GuestRam } from '../devices/guest-ram.js';
import { hashBytes } from '../journal/output-digest.js';
import type { GuestGate } from './guest-gate.js';

/** Places whose last read is remembered, a power of two. */
const REMEMBERED = 256;

/**
 * One journal entry for each write. A read that finds what the last read of the same place found tells nothing new
 * (a device polling a ring index), and is neither journaled nor part of the digest.
 */
export class DmaGate implements GuestRam {
  readonly #memory: GuestMemory;
  readonly #gate: GuestGate;
  readonly #word = new Uint8Array(4);
  readonly #readGpa = new Float64Array(REMEMBERED).fill(-1);
  readonly #readLength = new Float64Array(REMEMBERED);
  readonly #readContent = new Float64Array(REMEMBERED);

  constructor(memory: GuestMemory, gate: GuestGate) {
    this.#memory = memory;
    this.#gate = gate;
  }

  contains(gpa: number, length: number): boolean {
    return this.#memory.contains(gpa, length);
  }

  read(gpa: number, target: Uint8Array, offset: number, length: number): void {
    this.#certify(gpa, length);
    const { u8, ramBase } = this.#memory;
    const at = gpa - ramBase;
    for (let i = 0; i < length; i++) target[offset + i] = u8[at + i];
  }

  write(gpa: number, source: Uint8Array, offset: number, length: number): void {
    this.#stamp(gpa, source, offset, length);
    const { u8, ramBase } = this.#memory;
    const at = gpa - ramBase;
    for (let i = 0; i < length; i++) u8[at + i] = source[offset + i];
    this.#gate.vcpu.invalidateCode(gpa, length);
  }

  readU16(gpa: number): number {
    const value = this.#memory.readU16(gpa);
    if (this.#isNews(gpa, 2, value)) this.#certified(gpa, 2);
    return value;
  }

  readU32(gpa: number): number {
    const value = this.#memory.readU32(gpa);
    if (this.#isNews(gpa, 4, value)) this.#certified(gpa, 4);
    return value;
  }

  writeU16(gpa: number, value: number): void {
    this.#word[0] = value;
    this.#word[1] = value >>> 8;
    const at = gpa - this.#memory.ramBase;
    if (at % 2 !== 0) {
      this.write(gpa, this.#word, 0, 2);
      return;
    }
    this.#stamp(gpa, this.#word, 0, 2);
    // A guest in another thread must not see an index before the entries that it counts.
    Atomics.store(this.#memory.u16, at / 2, value);
    this.#gate.vcpu.invalidateCode(gpa, 2);
  }

  writeU32(gpa: number, value: number): void {
    this.#word[0] = value;
    this.#word[1] = value >>> 8;
    this.#word[2] = value >>> 16;
    this.#word[3] = value >>> 24;
    const at = gpa - this.#memory.ramBase;
    if (at % 4 !== 0) {
      this.write(gpa, this.#word, 0, 4);
      return;
    }
    this.#stamp(gpa, this.#word, 0, 4);
    Atomics.store(this.#memory.u32, at / 4, value);
    this.#gate.vcpu.invalidateCode(gpa, 4);
  }

  /** A view of RAM, for what the machine itself consumes; certified like any other read. */
  view(gpa: number, length: number): Uint8Array {
    this.#certify(gpa, length);
    const at = gpa - this.#memory.ramBase;
    return this.#memory.u8.subarray(at, at + length);
  }

  /** A device in another thread has read these bytes, of that hash, and the guest has not been told yet. */
  haveRead(gpa: number, length: number, hash: number): void {
    const { vcpu, journal, digest } = this.#gate;
    const { instret } = vcpu;
    this.#gate.beforeDma();
    digest.dmaRead(instret, gpa, length, hash);
    journal?.dmaRead(instret, gpa, length, hash);
  }

  #stamp(gpa: number, source: Uint8Array, offset: number, length: number): void {
    const { vcpu, journal } = this.#gate;
    this.#gate.beforeDma();
    journal?.dmaWrite(vcpu.instret, gpa, source, offset, length);
  }

  #certify(gpa: number, length: number): void {
    if (length === 0) return;
    if (this.#isNews(gpa, length, this.#content(gpa, length))) this.#certified(gpa, length);
  }

  /** What tells one content of a place from another: the value of 2 and 4 bytes, the hash of any other number. */
  #content(gpa: number, length: number): number {
    if (length === 2) return this.#memory.readU16(gpa);
    return length === 4 ? this.#memory.readU32(gpa) : this.#hash(gpa, length);
  }

  #hash(gpa: number, length: number): number {
    return hashBytes(this.#memory.u8, gpa - this.#memory.ramBase, length);
  }

  /** Whether the last read of this place found something else; it is remembered. */
  #isNews(gpa: number, length: number, content: number): boolean {
    const place = (gpa ^ (gpa >>> 8) ^ (gpa >>> 16)) & (REMEMBERED - 1);
    if (this.#readGpa[place] === gpa && this.#readLength[place] === length && this.#readContent[place] === content) {
      return false;
    }
    this.#readGpa[place] = gpa;
    this.#readLength[place] = length;
    this.#readContent[place] = content;
    return true;
  }

  #certified(gpa: number, length: number): void {
    this.haveRead(gpa, length, this.#hash(gpa, length));
  }
}
