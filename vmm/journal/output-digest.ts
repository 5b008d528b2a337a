/** An incremental 64-bit hash over what a guest does to the outside; feeding it allocates nothing. */

import { createHash } from 'node:crypto';
import { HYPERCALL_MODES, type JournalStart } from './journal-format.js';

/** Two 32-bit lanes in the manner of MurmurHash3: it tells runs apart, it does not resist an adversary. */
export class OutputDigest {
  #a = 0x9747b28c | 0;
  #b = 0x3c6ef372 | 0;
  #words = 0;

  /** Mixes in 32 bits. */
  word(value: number): void {
    let k = Math.imul(value, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    this.#a ^= Math.imul(k, 0x1b873593);
    this.#a = (Math.imul((this.#a << 13) | (this.#a >>> 19), 5) + 0xe6546b64) | 0;
    let m = Math.imul(value, 0x239b961b);
    m = (m << 16) | (m >>> 16);
    this.#b ^= Math.imul(m, 0xab0e9789);
    this.#b = (Math.imul((this.#b << 17) | (this.#b >>> 15), 5) + 0x561ccd1b) | 0;
    this.#words++;
  }

  /** Mixes in an integer below 2^53. */
  integer(value: number): void {
    this.word(value | 0);
    this.word(value < 0x1_0000_0000 ? 0 : Math.floor(value / 0x1_0000_0000));
  }

  /** What the guest was started as: a journal of another machine never gives the same digest. */
  start(info: JournalStart): void {
    this.integer(info.xlen);
    this.integer(info.ramBase);
    this.integer(info.ramBytes);
    this.integer(info.entryPc);
    this.integer(info.deviceTreeGpa);
    this.integer(info.privilege);
    this.integer(info.firmwareInfoGpa);
    this.integer(HYPERCALL_MODES.indexOf(info.hypercalls));
    this.integer(info.consoleGpa);
    this.integer(info.reportRingGpa);
  }

  mmioWrite(instret: number, gpa: number, size: number, value: number, valueHigh: number): void {
    this.word(size);
    this.integer(instret);
    this.integer(gpa);
    this.word(value);
    if (size === 8) this.word(valueHigh);
  }

  /** `bytesHash` is `hashBytes` of what was read. */
  dmaRead(instret: number, gpa: number, length: number, bytesHash: number): void {
    this.word(0x100);
    this.integer(instret);
    this.integer(gpa);
    this.word(length);
    this.word(bytesHash);
  }

  /** `registers` as `CALL` lays them out. */
  hypercall(instret: number, registers: Uint32Array): void {
    this.word(0x200);
    this.integer(instret);
    for (let i = 0; i < registers.length; i++) this.word(registers[i]);
  }

  /** 16 hexadecimal digits of everything so far; does not end the digest. */
  hex(): string {
    return finish(this.#a ^ this.#words) + finish(this.#b ^ Math.imul(this.#words, 0x9e3779b1));
  }
}

function finish(lane: number): string {
  let h = lane;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0).toString(16).padStart(8, '0');
}

/** 32-bit hash of a byte run, unsigned. */
export function hashBytes(bytes: Uint8Array, offset: number, length: number): number {
  let h = length | 0;
  for (let i = offset; i < offset + length; i++) {
    h = Math.imul(h ^ bytes[i], 0x85ebca6b);
    h ^= h >>> 15;
  }
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** SHA-256 of a byte run, hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
