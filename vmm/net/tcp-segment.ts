/** TCP segments as they are on the wire: reading the guest's and sending the network's (RFC 9293, section 3.1). */

import { NETWORK } from './addresses.js';
import { readU16, readU32, writeU16, writeU32 } from './big-endian.js';
import { addWords, foldChecksum, pseudoHeaderSum } from './checksum.js';
import type { Ipv4Packet } from './ipv4.js';
import { IP_PROTOCOL, IPV4_PAYLOAD, type Link } from './link.js';

export const TCP_FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const;
/** What the network can receive in one segment: its MTU of 1,500 without the two headers. */
export const MAX_SEGMENT_BYTES = 1460;
/** What a host can receive that does not say (section 3.7.1). */
const DEFAULT_SEGMENT_BYTES = 536;
/** A guest that asks for less would only make the rig send more headers. */
const LEAST_SEGMENT_BYTES = 64;

const HEADER_BYTES = 20;
const OPTION = { end: 0, none: 1, mss: 2 } as const;
const MSS_OPTION_BYTES = 4;
/** Where the payload of a segment without options lies in `Link.frame`. */
export const TCP_PAYLOAD = IPV4_PAYLOAD + HEADER_BYTES;

/** How far `a` is behind `b` in the circle of 2^32 sequence numbers: negative when it is ahead. */
export function sequenceDistance(a: number, b: number): number {
  return (b - a) | 0;
}

/** One segment, in the frame it arrived in; used again for each. */
export class TcpSegment {
  frame: Uint8Array = new Uint8Array(0);
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgment = 0;
  flags = 0;
  window = 0;
  payloadAt = 0;
  payloadLength = 0;
  /** Most bytes that the sender of this SYN takes in one segment. */
  maxSegment = DEFAULT_SEGMENT_BYTES;

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Sequence numbers that the segment takes. */
  get sequenceLength(): number {
    return this.payloadLength + (this.has(TCP_FLAG.SYN) ? 1 : 0) + (this.has(TCP_FLAG.FIN) ? 1 : 0);
  }

  /** False when the segment is malformed or its checksum is wrong. */
  parse({ frame, payloadAt, payloadLength, source, destination }: Ipv4Packet): boolean {
    if (payloadLength < HEADER_BYTES) return false;
    const headerLength = (frame[payloadAt + 12] >>> 4) * 4;
    if (headerLength < HEADER_BYTES || headerLength > payloadLength) return false;
    const pseudo = pseudoHeaderSum(source, destination, IP_PROTOCOL.tcp, payloadLength);
    if (foldChecksum(addWords(pseudo, frame, payloadAt, payloadLength)) !== 0) return false;
    this.frame = frame;
    this.sourcePort = readU16(frame, payloadAt);
    this.destinationPort = readU16(frame, payloadAt + 2);
    this.sequence = readU32(frame, payloadAt + 4);
    this.acknowledgment = readU32(frame, payloadAt + 8);
    this.flags = frame[payloadAt + 13];
    this.window = readU16(frame, payloadAt + 14);
    this.payloadAt = payloadAt + headerLength;
    this.payloadLength = payloadLength - headerLength;
    return this.#readOptions(payloadAt + HEADER_BYTES, payloadAt + headerLength);
  }

  #readOptions(from: number, end: number): boolean {
    const { frame } = this;
    this.maxSegment = DEFAULT_SEGMENT_BYTES;
    for (let at = from; at < end && frame[at] !== OPTION.end; ) {
      if (frame[at] === OPTION.none) {
        at++;
        continue;
      }
      if (at + 2 > end) return false;
      const length = frame[at + 1];
      if (length < 2 || at + length > end) return false;
      if (frame[at] === OPTION.mss && length === MSS_OPTION_BYTES)
        this.maxSegment = Math.max(LEAST_SEGMENT_BYTES, Math.min(readU16(frame, at + 2), MAX_SEGMENT_BYTES));
      at += length;
    }
    return true;
  }
}

/** Sends segments from 10.0.2.2 to the guest. */
export class TcpOutput {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Where the payload of the next segment belongs: from `TCP_PAYLOAD` on. */
  get frame(): Uint8Array {
    return this.#link.frame;
  }

  /**
   * Sends a segment with `length` bytes of payload; one with SYN has none, and says `MAX_SEGMENT_BYTES`. False when
   * the device dropped it.
   */
  send(
    hostPort: number,
    guestPort: number,
    sequence: number,
    acknowledgment: number,
    flags: number,
    window: number,
    length: number,
  ): boolean {
    const { frame } = this.#link;
    const at = IPV4_PAYLOAD;
    const isSyn = (flags & TCP_FLAG.SYN) !== 0;
    const headerLength = isSyn ? HEADER_BYTES + MSS_OPTION_BYTES : HEADER_BYTES;
    writeU16(frame, at, hostPort);
    writeU16(frame, at + 2, guestPort);
    writeU32(frame, at + 4, sequence);
    writeU32(frame, at + 8, acknowledgment);
    frame[at + 12] = (headerLength / 4) << 4;
    frame[at + 13] = flags;
    writeU16(frame, at + 14, window);
    writeU32(frame, at + 16, 0);
    if (isSyn) writeU32(frame, at + HEADER_BYTES, (OPTION.mss << 24) | (MSS_OPTION_BYTES << 16) | MAX_SEGMENT_BYTES);
    const total = headerLength + length;
    const pseudo = pseudoHeaderSum(NETWORK.gateway, NETWORK.guest, IP_PROTOCOL.tcp, total);
    writeU16(frame, at + 16, foldChecksum(addWords(pseudo, frame, at, total)));
    return this.#link.sendIpv4(IP_PROTOCOL.tcp, NETWORK.gateway, NETWORK.guest, total);
  }

  /** Resets what belongs to no connection (section 3.5.2). */
  refuse(segment: TcpSegment): void {
    if (segment.has(TCP_FLAG.RST)) return;
    const { sourcePort, destinationPort } = segment;
    if (segment.has(TCP_FLAG.ACK)) {
      this.send(destinationPort, sourcePort, segment.acknowledgment, 0, TCP_FLAG.RST, 0, 0);
      return;
    }
    const next = (segment.sequence + segment.sequenceLength) >>> 0;
    this.send(destinationPort, sourcePort, 0, next, TCP_FLAG.RST | TCP_FLAG.ACK, 0, 0);
  }
}
