/** What joins the shared memory of two guests in two processes: one ring each way, in memory that both have mapped. */

import { NO_PEER, type SectionLink, SharedRing, sharedRingBytes } from '../../vmm/index.js';

/** Which of the two ends of a channel. */
export type Side = 0 | 1;

const RING_WORDS = 1 << 14;
const PAGE = 4096;
const RING_BYTES = Math.ceil(sharedRingBytes(RING_WORDS) / PAGE) * PAGE;
/** A cell's flags have a cache line of their own: whether it listens, whether its guest takes part. */
const FLAG_WORDS = 16;
const OPEN = 1;

/** Bytes of memory that a channel needs, all 0 before either end begins. */
export const CHANNEL_BYTES = PAGE + 2 * RING_BYTES;

/** Records. Carry: offset, length, bytes. Ring: vector. */
const RECORD = { carry: 1, ring: 2 } as const;
const CARRY_WORDS = 2;
const RING_RECORD_WORDS = 2;
/** Most records that one turn takes, so that a peer cannot hold the loop. */
const RECORDS_A_TURN = 32;

export interface SectionChannelOptions {
  /** `CHANNEL_BYTES` of it. */
  readonly memory: ArrayBufferLike;
  readonly side: Side;
  /** The peer's loop sleeps and is to look. */
  wake(): void;
}

/**
 * One end. A peer that takes nothing (stopped, killed, not there yet) costs its sender nothing: the ring fills, doorbells
 * wait in the sender's guest, and its guest is told by its own full ring. What the other process writes here is checked; what
 * makes no sense stops this end's receiving for good, with a `fault`.
 */
export class SectionChannel {
  /** Sends to the peer. */
  readonly link: SectionLink;
  readonly #out: SharedRing;
  readonly #in: SharedRing;
  readonly #flags: Int32Array;
  readonly #side: Side;
  #receiver: SectionLink = NO_PEER;
  #fault = '';

  constructor({ memory, side, wake }: SectionChannelOptions) {
    this.#side = side;
    this.#flags = new Int32Array(memory, 0, 2 * FLAG_WORDS);
    const ring = (of: number): SharedRing => new SharedRing(memory, RING_WORDS, PAGE + of * RING_BYTES);
    this.#out = ring(side);
    this.#in = ring(1 - side);
    const peerListens = (1 - side) * FLAG_WORDS;
    this.link = {
      carry: (bytes, from, offset, length) => this.#carry(bytes, from, offset, length),
      ring: (vector) => {
        const at = this.#out.begin(RECORD.ring, 1);
        if (at < 0) return;
        this.#out.words[at] = vector;
        this.#out.publish();
        if (Atomics.compareExchange(this.#flags, peerListens, 1, 0) === 1) wake();
      },
      room: () => 4 * ((this.#out.room >> 1) - CARRY_WORDS - 1 - RING_RECORD_WORDS) - 1,
    };
  }

  /** Why nothing is received any more; empty while it works. */
  get fault(): string {
    return this.#fault;
  }

  /** What the peer sends goes there from now on. */
  connect(receiver: SectionLink): void {
    this.#receiver = receiver;
  }

  /** The guest of this end takes part. */
  open(): void {
    Atomics.store(this.#flags, this.#side * FLAG_WORDS + OPEN, 1);
  }

  /** Whether the peer's does. */
  get isPeerOpen(): boolean {
    return Atomics.load(this.#flags, (1 - this.#side) * FLAG_WORDS + OPEN) !== 0;
  }

  /** Takes what the peer has sent, `RECORDS_A_TURN` at most; answers how much that was. */
  poll(): number {
    let taken = 0;
    while (taken < RECORDS_A_TURN && this.#fault === '') {
      const place = this.#in.next();
      if (place < 0) break;
      const problem = this.#take(place);
      if (problem !== '') {
        this.#fault = `the cell of the peer wrote what makes no sense: ${problem}`;
        break;
      }
      this.#in.release(place);
      taken++;
    }
    return taken;
  }

  /** Asks to be woken with the next doorbell. Poll once more before resting: one may have come meanwhile. */
  listen(): void {
    Atomics.store(this.#flags, this.#side * FLAG_WORDS, 1);
  }

  #carry(bytes: Uint8Array, from: number, offset: number, length: number): void {
    const at = this.#out.begin(RECORD.carry, CARRY_WORDS + ((length + 3) >> 2));
    if (at < 0) return;
    const { words, bytes: target } = this.#out;
    words[at] = offset;
    words[at + 1] = length;
    for (let i = 0; i < length; i++) target[4 * (at + CARRY_WORDS) + i] = bytes[from + i];
    this.#out.publish();
  }

  /** Hands on the record at `place`; answers what is wrong with it, nothing if nothing is. */
  #take(place: number): string {
    const { words, bytes } = this.#in;
    const kind = this.#in.kindAt(place);
    const size = words[place] >>> 8;
    const at = place + 1;
    if (place + size > RING_WORDS) return `a record of ${size} words at ${place}`;
    if (kind === RECORD.carry) {
      const offset = words[at];
      const length = words[at + 1];
      if (size <= CARRY_WORDS || offset < 0 || length < 0 || length > 4 * (size - 1 - CARRY_WORDS))
        return `${length} bytes for ${offset} in a record of ${size} words`;
      this.#receiver.carry(bytes, 4 * (at + CARRY_WORDS), offset, length);
      return '';
    }
    if (kind !== RECORD.ring) return `a record of kind ${kind}`;
    if (size < RING_RECORD_WORDS) return 'a doorbell without a vector';
    this.#receiver.ring(words[at]);
    return '';
  }
}
