/** The guest's bytes on their way to the host: what is in order, what fits, and what the host has taken (RFC 9293, section 3.10.7.4). */

import type { ByteRing } from './byte-ring.js';
import type { TcpStream } from './tcp-connector.js';
import { MAX_SEGMENT_BYTES, sequenceDistance, TCP_FLAG, type TcpSegment } from './tcp-segment.js';

/** When a segment has to be acknowledged. */
export const ACKNOWLEDGE = {
  /** It carried nothing. */
  never: 0,
  /** With the next segment, or when the burst of the guest's frames is over. */
  soon: 1,
  /** It was not in order, or did not fit: the guest waits to hear so. */
  now: 2,
} as const;

/** The window is a 16-bit number; scaling it is not offered. */
const LARGEST_WINDOW = 0xffff;

export class TcpReceiver {
  /** Next sequence number expected. */
  next: number;
  /** The guest's FIN has come. */
  finished = false;
  readonly #ring: ByteRing;
  #stream: TcpStream | undefined;
  /** What the guest may send up to, as it was last told. */
  #toldEdge = 0;
  #draining = false;
  #endTold = false;

  constructor(ring: ByteRing, firstSequence: number) {
    this.#ring = ring;
    this.next = firstSequence;
  }

  get window(): number {
    return Math.min(this.#ring.free, LARGEST_WINDOW);
  }

  /** Everything, and the end, has been handed to the host. */
  get done(): boolean {
    return this.#endTold;
  }

  /** So much has been taken since the guest was told that it should hear of it (section 3.8.6.2.2). */
  get windowGrew(): boolean {
    return sequenceDistance(this.#toldEdge, this.next + this.window) >= 2 * MAX_SEGMENT_BYTES;
  }

  attach(stream: TcpStream): void {
    this.#stream = stream;
  }

  /** The host is gone: nothing more is handed over. */
  detach(): void {
    this.#stream = undefined;
  }

  /** A segment tells the guest of `next` and `window`. */
  told(): void {
    this.#toldEdge = this.next + this.window;
  }

  /** Some of [sequence, sequence + length), or for an empty segment its place, lies in the window. */
  accepts(segment: TcpSegment): boolean {
    const from = sequenceDistance(this.next, segment.sequence);
    const length = segment.sequenceLength;
    const { window } = this;
    if (length === 0) return window === 0 ? from === 0 : from >= 0 && from < window;
    const last = from + length - 1;
    return window > 0 && ((from >= 0 && from < window) || (last >= 0 && last < window));
  }

  /** Takes what is new, in order and fits; answers one of `ACKNOWLEDGE`. */
  take(segment: TcpSegment): number {
    const length = segment.payloadLength;
    const hasFin = segment.has(TCP_FLAG.FIN);
    if (length === 0 && !hasFin) return ACKNOWLEDGE.never;
    const known = sequenceDistance(segment.sequence, this.next);
    if (known < 0 || known > length || this.finished) return ACKNOWLEDGE.now;
    const fresh = length - known;
    const count = this.#ring.write(segment.frame, segment.payloadAt + known, Math.min(fresh, this.window));
    this.next = (this.next + count) >>> 0;
    if (count < fresh) return ACKNOWLEDGE.now;
    if (hasFin) {
      this.next = (this.next + 1) >>> 0;
      this.finished = true;
      return ACKNOWLEDGE.soon;
    }
    return count === 0 ? ACKNOWLEDGE.now : ACKNOWLEDGE.soon;
  }

  /** Hands over what the host takes, and the end after the last byte. The host may drop the connection meanwhile. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    const ring = this.#ring;
    while (this.#stream !== undefined && ring.length > 0) {
      const { run } = ring;
      const taken = this.#stream.write(ring.bytes, ring.start, run);
      if (this.#stream === undefined || !(taken > 0)) break;
      ring.drop(Math.min(taken, run));
    }
    if (this.#stream !== undefined && ring.length === 0 && this.finished && !this.#endTold) {
      this.#endTold = true;
      this.#stream.end();
    }
    this.#draining = false;
  }
}
