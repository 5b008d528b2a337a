/** The way into a guest whose vCPU runs in another thread: what is put here enters it in order, at an instruction boundary. */

import { VmmError } from '../errors.js';
import { SharedRing } from './shared-ring.js';
import { ACTIVITY, CONTROL, INBOUND, INBOUND_WORDS, type ThreadMemory } from './thread-protocol.js';

/** How long a vCPU that makes no room may hold the other thread up, and how often that is looked at. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 20;
/** Larger pieces are cut, so that one never needs more than a part of the ring. */
const MOST_BYTES = 1 << 16;

/**
 * `put…` gathers, `commit` shows it to the vCPU and wakes it. When the ring is full the calling thread waits for the vCPU,
 * which looks into it between any two slices. The vCPU may itself be waiting for the calling thread to take what the guest has
 * sent: `onFull` must make room for that, and hand nothing on. What is put for a vCPU that has ended and makes no room, or
 * after `close`, is dropped. A vCPU that has not ended and takes nothing at all for 5 s is given up: `onStuck` is told once, with
 * `VMM_THREAD`, and what is put from then on is dropped. Nothing here throws, because devices put things from their own callbacks.
 */
export class VcpuInbox {
  readonly #ring: SharedRing;
  readonly #control: Int32Array;
  readonly #onFull: () => void;
  readonly #onStuck: (error: VmmError) => void;
  #isClosed = false;

  constructor(memory: ThreadMemory, onFull: () => void, onStuck: (error: VmmError) => void) {
    this.#onFull = onFull;
    this.#onStuck = onStuck;
    this.#ring = new SharedRing(memory.inbound, INBOUND_WORDS);
    this.#control = new Int32Array(memory.control);
  }

  /** A record of words alone. */
  put(kind: number, first: number, second = 0): void {
    const at = this.#begin(kind, 2);
    if (at < 0) return;
    this.#ring.words[at] = first;
    this.#ring.words[at + 1] = second;
  }

  putWrite(gpa: number, source: Uint8Array, offset: number, length: number): void {
    for (let done = 0; done < length; done += MOST_BYTES) {
      const piece = Math.min(MOST_BYTES, length - done);
      const at = this.#begin(INBOUND.dmaWrite, 2 + ((piece + 3) >> 2));
      if (at < 0) return;
      this.#ring.words[at] = gpa + done;
      this.#ring.words[at + 1] = piece;
      this.#copy(at + 2, source, offset + done, piece);
    }
  }

  /** A piece of the peer's output section. */
  putSection(offset: number, source: Uint8Array, from: number, length: number): void {
    const at = this.#begin(INBOUND.sectionCarry, 2 + ((length + 3) >> 2));
    if (at < 0) return;
    this.#ring.words[at] = offset;
    this.#ring.words[at + 1] = length;
    this.#copy(at + 2, source, from, length);
  }

  putRead(gpa: number, length: number, hash: number): void {
    const at = this.#begin(INBOUND.dmaRead, 3);
    if (at < 0) return;
    this.#ring.words[at] = gpa;
    this.#ring.words[at + 1] = length;
    this.#ring.words[at + 2] = hash;
  }

  /** `count` pairs of character and line status. */
  putCharacters(pairs: Uint8Array, count: number): void {
    const at = this.#begin(INBOUND.characters, 1 + ((2 * count + 3) >> 2));
    if (at < 0) return;
    this.#ring.words[at] = count;
    this.#copy(at + 1, pairs, 0, 2 * count);
  }

  putUrbDone(slot: number, status: number, actualLength: number, data: Uint8Array, length: number): void {
    const at = this.#begin(INBOUND.urbDone, 4 + ((length + 3) >> 2));
    if (at < 0) return;
    this.#ring.words[at] = slot;
    this.#ring.words[at + 1] = status;
    this.#ring.words[at + 2] = actualLength;
    this.#ring.words[at + 3] = length;
    this.#copy(at + 4, data, 0, length);
  }

  /** What was put is for the vCPU to take; a waiting one is woken. */
  commit(): void {
    if (!this.#ring.isPending) return;
    this.#ring.publish();
    this.signal();
  }

  /** Shows what was put; `hasTaken` tells of the answer when all of it has entered the guest. */
  mark(): number {
    this.commit();
    return this.#ring.written;
  }

  hasTaken(mark: number): boolean {
    return ((this.#ring.released - mark) | 0) >= 0;
  }

  /** Up to where the vCPU has taken what was put; for `overlay`. */
  get taken(): number {
    return this.#ring.released;
  }

  /**
   * Puts onto `target`, which holds RAM at `gpa` as it was read after `taken` was asked for, the writes that waited since: what
   * comes out is what RAM will hold when all of them are in. One that was let in meanwhile is put on once more.
   */
  overlay(taken: number, gpa: number, target: Uint8Array, offset: number, length: number): void {
    const ring = this.#ring;
    for (let at = taken; at !== ring.written; ) {
      const place = ring.placeOf(at);
      const kind = ring.kindAt(place);
      const start = ring.words[place + 1] >>> 0;
      if (kind === INBOUND.dmaWrite) {
        this.#overlap(start, place + 3, ring.words[place + 2], gpa, target, offset, length);
      } else if (kind === INBOUND.dmaWord16 || kind === INBOUND.dmaWord32) {
        this.#overlap(start, place + 2, kind === INBOUND.dmaWord16 ? 2 : 4, gpa, target, offset, length);
      }
      at = (at + ring.sizeAt(place)) | 0;
    }
  }

  /** There is no vCPU behind it any more, whatever its last activity was. */
  close(): void {
    this.#isClosed = true;
  }

  /** The vCPU is to look around. */
  signal(): void {
    Atomics.add(this.#control, CONTROL.signal, 1);
    if (Atomics.load(this.#control, CONTROL.isWaiting) === 1) Atomics.notify(this.#control, CONTROL.signal);
  }

  /** `size` bytes for `start` on, which lie in the ring from `word` on, as far as they are among those wanted. */
  #overlap(
    start: number,
    word: number,
    size: number,
    gpa: number,
    target: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const end = Math.min(start + size, gpa + length);
    for (let at = Math.max(start, gpa); at < end; at++)
      target[offset + at - gpa] = this.#ring.bytes[4 * word + at - start];
  }

  #copy(word: number, source: Uint8Array, offset: number, length: number): void {
    const { bytes } = this.#ring;
    const at = 4 * word;
    for (let i = 0; i < length; i++) bytes[at + i] = source[offset + i];
  }

  /** -1 when the guest has ended: there is nothing to enter any more. */
  #begin(kind: number, words: number): number {
    if (this.#isClosed) return -1;
    for (let waitedMs = 0; ; ) {
      const at = this.#ring.begin(kind, words);
      if (at >= 0 || Atomics.load(this.#control, CONTROL.activity) === ACTIVITY.ended) return at;
      if (waitedMs >= PATIENCE_MS) return this.#giveUp();
      this.commit();
      this.#onFull();
      waitedMs = this.#ring.waitForRoom(LOOK_MS) ? 0 : waitedMs + LOOK_MS;
    }
  }

  #giveUp(): number {
    this.#isClosed = true;
    this.#onStuck(
      new VmmError('VMM_THREAD', `the thread of a vCPU has taken nothing for ${PATIENCE_MS / 1000} s`, {
        hint: 'the host may be overloaded; give the rig a core of its own',
      }),
    );
    return -1;
  }
}
