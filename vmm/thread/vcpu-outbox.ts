/** The way out of a guest whose vCPU runs in this thread, to the thread that owns its device. */

import type { Urb } from '../../base/index.js';
import type { CharacterLine } from '../devices/character.js';
import { SharedRing } from './shared-ring.js';
import { CONTROL, ORDER, OUTBOUND, OUTBOUND_WORDS, PARITIES, type ThreadMemory } from './thread-protocol.js';

/** How often a thread that waits for room looks whether it is to end. */
const LOOK_MS = 20;
const NS_PER_MS = 1_000_000;
/** Characters in one record; a guest's burst takes as many records as it needs. */
const CHARACTERS = 32;

/**
 * When the ring is full, the vCPU stands still until the other thread has taken something: nothing of what a guest sends is
 * lost here. Told to seal, it waits no longer. `news` is called when the other thread has asked to be told.
 */
export class VcpuOutbox {
  readonly #ring: SharedRing;
  readonly #control: Int32Array;
  readonly #news: () => void;
  readonly #now: () => number;
  /** How many characters stand in the record that is being filled, and where; -1 when none is. */
  #characterRecord = -1;
  #characterCount = 0;
  /** Whether anything waits for `commit` that is worth waking the other thread. */
  #isNews = false;
  /** Whether what the guest has sent since the last `commit` carries a stamp. */
  #isStamped = false;

  constructor(memory: ThreadMemory, now: () => number, news: () => void) {
    this.#ring = new SharedRing(memory.outbound, OUTBOUND_WORDS);
    this.#control = new Int32Array(memory.control);
    this.#news = news;
    this.#now = now;
  }

  character(byte: number): void {
    this.#stamp();
    if (this.#characterRecord < 0 || this.#characterCount === CHARACTERS) {
      this.#characterRecord = this.#begin(OUTBOUND.characters, 1 + CHARACTERS / 4);
      this.#characterCount = 0;
      if (this.#characterRecord < 0) return;
    }
    this.#ring.bytes[4 * (this.#characterRecord + 1) + this.#characterCount++] = byte;
    this.#ring.words[this.#characterRecord] = this.#characterCount;
  }

  configure(line: CharacterLine): void {
    const at = this.#begin(OUTBOUND.configure, 4);
    if (at < 0) return;
    this.#ring.words.set([line.baudRate, line.dataBits, PARITIES.indexOf(line.parity), 2 * line.stopBits], at);
  }

  /** A record of one word. */
  put(kind: number, word: number): void {
    const at = this.#begin(kind, 1);
    if (at >= 0) this.#ring.words[at] = word;
  }

  /** A register of the board is to be written. */
  boardWrite(offset: number, value: number): void {
    this.#stamp();
    this.#pair(OUTBOUND.boardWrite, offset, value);
  }

  /** A register of the board is to be read, and the answer to carry this ticket; the other thread is told at once. */
  boardRead(ticket: number, offset: number): void {
    this.#stamp();
    this.#pair(OUTBOUND.boardRead, ticket, offset);
    this.commit();
  }

  #pair(kind: number, first: number, second: number): void {
    const at = this.#begin(kind, 2);
    if (at < 0) return;
    this.#ring.words[at] = first;
    this.#ring.words[at + 1] = second;
  }

  urb(slot: number, urb: Urb): void {
    this.#stamp();
    const out = urb.inbound ? 0 : urb.length;
    const at = this.#begin(OUTBOUND.urbSubmit, 8 + ((out + 3) >> 2));
    if (at < 0) return;
    const { words, bytes } = this.#ring;
    words[at] = slot;
    words[at + 1] = urb.id;
    words[at + 2] = urb.endpointAddress;
    words[at + 3] = urb.length;
    words[at + 4] = urb.flags;
    words[at + 5] = urb.interval;
    for (let i = 0; i < urb.setup.length; i++) bytes[4 * (at + 6) + i] = urb.setup[i];
    for (let i = 0; i < out; i++) bytes[4 * (at + 8) + i] = urb.data[i];
  }

  report(record: Uint8Array, length: number, atNs: number): void {
    const at = this.#begin(OUTBOUND.report, 3 + ((length + 3) >> 2));
    if (at < 0) return;
    const { words, bytes } = this.#ring;
    words[at] = length;
    putInstant(words, at + 1, atNs);
    for (let i = 0; i < length; i++) bytes[4 * (at + 3) + i] = record[i];
  }

  /** A piece of the guest's output section, for its peer. */
  section(offset: number, source: Uint8Array, from: number, length: number): void {
    const at = this.#begin(OUTBOUND.sectionCarry, 2 + ((length + 3) >> 2));
    if (at < 0) return;
    const { words, bytes } = this.#ring;
    words[at] = offset;
    words[at + 1] = length;
    for (let i = 0; i < length; i++) bytes[4 * (at + 2) + i] = source[from + i];
  }

  /** A burst of the other thread, handed over at `fromNs`, was let in at `toNs`. Nobody is woken for it. */
  handover(fromNs: number, toNs: number): void {
    const at = this.#begin(OUTBOUND.handover, 4);
    if (at < 0) return;
    putInstant(this.#ring.words, at, fromNs);
    putInstant(this.#ring.words, at + 2, toNs);
  }

  /** Shows everything so far, and tells the other thread if it listens. */
  commit(): void {
    this.#characterRecord = -1;
    this.#isStamped = false;
    if (!this.#ring.isPending) return;
    this.#ring.publish();
    if (this.#isNews) this.tell();
    this.#isNews = false;
  }

  /** There is something to look at. */
  tell(): void {
    if (Atomics.compareExchange(this.#control, CONTROL.isListening, 1, 0) === 1) this.#news();
  }

  /** Once a burst: it leaves with the next `commit`, as a whole. */
  #stamp(): void {
    if (this.#isStamped) return;
    const at = this.#begin(OUTBOUND.departure, 2);
    if (at < 0) return;
    putInstant(this.#ring.words, at, this.#now());
    this.#isStamped = true;
  }

  #begin(kind: number, words: number): number {
    // Characters of a later record must not stand in an earlier one.
    if (kind !== OUTBOUND.characters) this.#characterRecord = -1;
    if (kind !== OUTBOUND.handover) this.#isNews = true;
    for (;;) {
      const at = this.#ring.begin(kind, words);
      if (at >= 0) return at;
      this.#ring.publish();
      this.tell();
      if (Atomics.load(this.#control, CONTROL.order) === ORDER.seal) return -1;
      this.#ring.waitForRoom(LOOK_MS);
    }
  }
}

/** An instant is more than a word holds: milliseconds and nanoseconds. */
function putInstant(words: Int32Array, at: number, ns: number): void {
  words[at] = Math.floor(ns / NS_PER_MS);
  words[at + 1] = ns % NS_PER_MS;
}
