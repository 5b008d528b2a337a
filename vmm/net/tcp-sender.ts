/** The host's bytes on their way to the guest: windows, acknowledgments, retransmission (RFC 9293, section 3.8, and RFC 5681). */

import type { ByteRing } from './byte-ring.js';
import { sequenceDistance, TCP_FLAG, TCP_PAYLOAD, type TcpSegment } from './tcp-segment.js';

/** What an acknowledgment means to the sender. */
export const ACKNOWLEDGED = { nothing: 0, bytes: 1, neverSent: -1 } as const;

/** Duplicates of an acknowledgment that mean that a segment is lost (RFC 5681, section 3.2). */
const DUPLICATES_OF_LOSS = 3;
const WHOLE_WINDOW = 0xffff;

/** Sends a segment whose payload lies in `frame` already; false when the device dropped it. */
export interface TcpEmitter {
  readonly frame: Uint8Array;
  emit(sequence: number, flags: number, length: number): boolean;
}

export interface TcpSenderOptions {
  readonly emitter: TcpEmitter;
  readonly ring: ByteRing;
  /** Of the first byte. */
  readonly firstSequence: number;
  /** Bytes that the guest takes in one segment. */
  readonly maxSegment: number;
  /** Segments sent a second time are added to it. */
  readonly counts: { retransmitted: number };
}

/**
 * The ring holds what the guest has not acknowledged, from `#unacknowledged` on; the FIN follows its last byte.
 * The cable itself loses nothing, so the congestion window is open until something is lost after all.
 */
export class TcpSender {
  readonly #counts: { retransmitted: number };
  readonly #maxSegment: number;
  readonly #emitter: TcpEmitter;
  readonly #ring: ByteRing;
  #unacknowledged: number;
  /** Next to be sent, and the end of all that was ever sent: they differ while lost segments are sent again. */
  #next: number;
  #end: number;
  #guestWindow = 0;
  #windowSequence = 0;
  #congestionWindow = WHOLE_WINDOW;
  #duplicates = 0;
  #finishing = false;
  #finAcknowledged = false;

  constructor(options: TcpSenderOptions) {
    const { firstSequence } = options;
    this.#emitter = options.emitter;
    this.#ring = options.ring;
    this.#maxSegment = options.maxSegment;
    this.#counts = options.counts;
    this.#unacknowledged = firstSequence;
    this.#next = firstSequence;
    this.#end = firstSequence;
  }

  /** The guest takes nothing: it answers, and that is all that can be asked of it. */
  get windowClosed(): boolean {
    return this.#guestWindow === 0;
  }

  /** Sequence number of a segment that carries nothing. */
  get next(): number {
    return this.#end;
  }

  /** Something is unsent or unacknowledged. */
  get busy(): boolean {
    return this.#ring.length > 0 || (this.#finishing && !this.#finAcknowledged);
  }

  get finAcknowledged(): boolean {
    return this.#finAcknowledged;
  }

  get finSent(): boolean {
    return this.#finAcknowledged || sequenceDistance(this.#unacknowledged, this.#end) > this.#ring.length;
  }

  /** The host has written its last byte. */
  get finishing(): boolean {
    return this.#finishing;
  }

  /** The FIN follows what was written. */
  finish(): void {
    this.#finishing = true;
  }

  /** Takes the window of an acceptable segment, unless a later one has said more. */
  learnWindow(segment: TcpSegment): void {
    if (sequenceDistance(this.#windowSequence, segment.sequence) < 0) return;
    this.#windowSequence = segment.sequence;
    this.#guestWindow = segment.window;
  }

  /** The first window, of the segment that ended the handshake. */
  open(segment: TcpSegment): void {
    this.#windowSequence = segment.sequence;
    this.#guestWindow = segment.window;
  }

  /** Handles the acknowledgment of an acceptable segment; answers one of `ACKNOWLEDGED`. */
  acknowledge(segment: TcpSegment): number {
    const count = sequenceDistance(this.#unacknowledged, segment.acknowledgment);
    if (count > sequenceDistance(this.#unacknowledged, this.#end)) return ACKNOWLEDGED.neverSent;
    if (count <= 0) {
      if (count === 0) this.#countDuplicate(segment);
      return ACKNOWLEDGED.nothing;
    }
    if (count > this.#ring.length) this.#finAcknowledged = true;
    this.#ring.drop(count);
    this.#unacknowledged = segment.acknowledgment;
    if (sequenceDistance(this.#unacknowledged, this.#next) < 0) this.#next = this.#unacknowledged;
    this.#duplicates = 0;
    this.#congestionWindow = Math.min(this.#congestionWindow + this.#maxSegment, WHOLE_WINDOW);
    return ACKNOWLEDGED.bytes;
  }

  /** Sends what the windows allow. */
  push(): void {
    while (this.#sendNext(Math.min(this.#guestWindow, this.#congestionWindow)));
  }

  /** Nothing came back in time: begins again at the first byte that may be lost, a segment at a time. */
  timeOut(): void {
    this.#next = this.#unacknowledged;
    this.#congestionWindow = this.#maxSegment;
    this.#duplicates = 0;
    if (!this.windowClosed) {
      this.push();
      return;
    }
    // A closed window is probed with one byte (section 3.8.6.1), which is not sent until it has been taken.
    this.#sendNext(1);
    this.#next = this.#unacknowledged;
  }

  #countDuplicate(segment: TcpSegment): void {
    const inFlight = sequenceDistance(this.#unacknowledged, this.#end) > 0;
    if (!inFlight || this.windowClosed || segment.sequenceLength > 0 || segment.window !== this.#guestWindow) return;
    if (++this.#duplicates !== DUPLICATES_OF_LOSS) return;
    const resumeAt = this.#next;
    this.#next = this.#unacknowledged;
    this.#sendNext(this.#maxSegment);
    if (sequenceDistance(this.#next, resumeAt) > 0) this.#next = resumeAt;
  }

  /** Sends one segment within a window; false when there is nothing to send, no room for it, or no cable. */
  #sendNext(window: number): boolean {
    const sent = sequenceDistance(this.#unacknowledged, this.#next);
    const unsent = this.#ring.length - sent;
    const room = Math.min(window - sent, this.#maxSegment);
    const length = Math.max(0, Math.min(unsent, room));
    const isLast = length === unsent;
    const withFin = isLast && this.#finishing && !this.#finAcknowledged;
    if (length === 0 && !withFin) return false;
    // Less than a segment is sent only when it is all there is or nothing else is on its way (section 3.8.6.2.1).
    if (!isLast && length < this.#maxSegment && sent > 0) return false;
    this.#ring.copy(sent, this.#emitter.frame, TCP_PAYLOAD, length);
    const flags = TCP_FLAG.ACK | (isLast ? TCP_FLAG.PSH : 0) | (withFin ? TCP_FLAG.FIN : 0);
    if (!this.#emitter.emit(this.#next, flags, length)) return false;
    if (sequenceDistance(this.#next, this.#end) > 0) this.#counts.retransmitted++;
    this.#next = (this.#next + length + (withFin ? 1 : 0)) >>> 0;
    if (sequenceDistance(this.#end, this.#next) > 0) this.#end = this.#next;
    return true;
  }
}
