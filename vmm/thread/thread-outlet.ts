/** Takes what a guest in another thread has sent, and hands it to whoever stands behind its port. */

import { Urb } from '../../base/index.js';
import { NO_PEER, type SectionLink } from '../devices/section-link.js';
import { URB_MAX_BYTES, URBS_IN_FLIGHT } from '../devices/urb-request.js';
import type { RemoteCharacterFrontend, RemoteUrbFrontend } from './port-frontend.js';
import type { RemoteBoardFrontend } from './remote-board.js';
import { SharedRing } from './shared-ring.js';
import { OUTBOUND, OUTBOUND_WORDS, PARITIES, type ThreadMemory } from './thread-protocol.js';

export interface OutletSinks {
  readonly report: (record: Uint8Array, length: number, atNs: number) => void;
  readonly console: (byte: number) => void;
  /** A burst of this thread, handed over at `fromNs`, was at its frontend at `toNs`. */
  readonly handover: (fromNs: number, toNs: number) => void;
  /** A burst of characters or transfers that follows left the guest at `fromNs`. */
  readonly departure: (fromNs: number) => void;
}

/** Of the largest record a guest can report, with room. */
const REPORT_BYTES = 2048;
const NS_PER_MS = 1_000_000;
const BACKLOG_WORDS = 1 << 12;

/**
 * Records are first gathered out of the shared ring and then handed on, so that `gather` can make room for the guest at any
 * moment, even from inside a call that hands one on; their order stays.
 */
export class ThreadOutlet {
  /** Whom characters, transfers and register accesses of the guest are for; set before anything is taken. */
  characters: RemoteCharacterFrontend | undefined;
  urbs: RemoteUrbFrontend | undefined;
  board: RemoteBoardFrontend | undefined;
  /** Who takes the guest's output section. */
  peer: SectionLink = NO_PEER;
  readonly #ring: SharedRing;
  readonly #sinks: OutletSinks;
  readonly #record = new Uint8Array(REPORT_BYTES);
  readonly #pool: Urb[] = [];
  readonly #slots = new Map<Urb, number>();
  /** Gathered records, each with its header; grows to what the ring and one slice of the guest can hold. */
  #words = new Int32Array(BACKLOG_WORDS);
  #bytes = new Uint8Array(this.#words.buffer);
  #length = 0;

  constructor(memory: ThreadMemory, sinks: OutletSinks) {
    this.#ring = new SharedRing(memory.outbound, OUTBOUND_WORDS);
    this.#sinks = sinks;
  }

  slotOf(urb: Urb): number {
    return this.#slots.get(urb) ?? -1;
  }

  /** Takes everything that is there; returns how many records. */
  take(): number {
    let count = 0;
    this.gather();
    for (let at = 0; at < this.#length; count++) {
      const header = this.#words[at];
      this.#hand(header & 0xff, at + 1);
      at += header >>> 8;
    }
    this.#length = 0;
    return count;
  }

  /** Makes room for the guest and hands nothing on: one ring full at most, which `take` hands on later. */
  gather(): void {
    const { words } = this.#ring;
    for (let taken = 0; taken < OUTBOUND_WORDS; ) {
      const place = this.#ring.next();
      if (place < 0) return;
      const size = words[place] >>> 8;
      this.#reserve(size);
      for (let i = 0; i < size; i++) this.#words[this.#length + i] = words[place + i];
      this.#length += size;
      taken += size;
      this.#ring.release(place);
    }
  }

  #reserve(size: number): void {
    let capacity = this.#words.length;
    if (this.#length + size <= capacity) return;
    while (capacity < this.#length + size) capacity *= 2;
    const grown = new Int32Array(capacity);
    grown.set(this.#words);
    this.#words = grown;
    this.#bytes = new Uint8Array(grown.buffer);
  }

  #hand(kind: number, at: number): void {
    const words = this.#words;
    const bytes = this.#bytes;
    switch (kind) {
      case OUTBOUND.characters:
        for (let i = 0; i < words[at]; i++) this.characters?.backend?.transmit(bytes[4 * (at + 1) + i]);
        break;
      case OUTBOUND.configure:
        this.#configure(at);
        break;
      case OUTBOUND.modemControl:
        this.characters?.backend?.modemControl(words[at]);
        break;
      case OUTBOUND.urbSubmit:
        this.#submit(at);
        break;
      case OUTBOUND.urbCancel:
        this.urbs?.backend?.cancel(this.#urb(words[at]));
        break;
      case OUTBOUND.boardWrite:
        this.board?.write(words[at], words[at + 1]);
        break;
      case OUTBOUND.boardRead:
        this.board?.read(words[at], words[at + 1]);
        break;
      case OUTBOUND.boardOverdue:
        this.board?.overdue(words[at]);
        break;
      case OUTBOUND.report:
        this.#report(at);
        break;
      case OUTBOUND.console:
        this.#sinks.console(words[at]);
        break;
      case OUTBOUND.sectionCarry:
        this.peer.carry(bytes, 4 * (at + 2), words[at], words[at + 1]);
        break;
      case OUTBOUND.sectionRing:
        this.peer.ring(words[at]);
        break;
      case OUTBOUND.handover:
        this.#sinks.handover(instantAt(words, at), instantAt(words, at + 2));
        break;
      case OUTBOUND.departure:
        this.#sinks.departure(instantAt(words, at));
        break;
    }
  }

  #configure(at: number): void {
    const words = this.#words;
    this.characters?.backend?.configure({
      baudRate: words[at] >>> 0,
      dataBits: words[at + 1] as 5 | 6 | 7 | 8,
      parity: PARITIES[words[at + 2]],
      stopBits: (words[at + 3] / 2) as 1 | 1.5 | 2,
    });
  }

  #submit(at: number): void {
    const words = this.#words;
    const bytes = this.#bytes;
    const urb = this.#urb(words[at]);
    urb.id = words[at + 1] >>> 0;
    urb.endpointAddress = words[at + 2];
    urb.length = words[at + 3];
    urb.flags = words[at + 4];
    urb.interval = words[at + 5];
    urb.actualLength = 0;
    for (let i = 0; i < urb.setup.length; i++) urb.setup[i] = bytes[4 * (at + 6) + i];
    const out = urb.inbound ? 0 : urb.length;
    for (let i = 0; i < out; i++) urb.data[i] = bytes[4 * (at + 8) + i];
    this.urbs?.backend?.submit(urb);
  }

  /** One object a slot, made when the slot is first used. */
  #urb(slot: number): Urb {
    if (slot < 0 || slot >= URBS_IN_FLIGHT) throw new Error(`there is no transfer ${slot}`);
    let urb = this.#pool[slot];
    if (urb === undefined) {
      urb = new Urb();
      urb.data = new Uint8Array(URB_MAX_BYTES);
      this.#pool[slot] = urb;
      this.#slots.set(urb, slot);
    }
    return urb;
  }

  #report(at: number): void {
    const words = this.#words;
    const bytes = this.#bytes;
    const length = Math.min(words[at], REPORT_BYTES);
    for (let i = 0; i < length; i++) this.#record[i] = bytes[4 * (at + 3) + i];
    this.#sinks.report(this.#record, length, instantAt(words, at + 1));
  }
}

function instantAt(words: Int32Array, at: number): number {
  return words[at] * NS_PER_MS + words[at + 1];
}
