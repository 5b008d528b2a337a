/** What the network reads from a guest's IPv4 packet (RFC 791), once its every length and its checksum are checked. */

import { readU16, readU32 } from './big-endian.js';
import { addWords, foldChecksum } from './checksum.js';
import { IPV4_HEADER_BYTES } from './link.js';

const MORE_FRAGMENTS_AND_OFFSET = 0x3fff;

/** One packet, in the frame it arrived in; used again for each. */
export class Ipv4Packet {
  frame: Uint8Array = new Uint8Array(0);
  headerAt = 0;
  source = 0;
  destination = 0;
  protocol = 0;
  payloadAt = 0;
  payloadLength = 0;

  /**
   * Reads the packet in [at, end) of `frame`. False when it is malformed or a fragment: the network's MTU is
   * the guest's own, so a guest need not fragment, and what it does fragment is not put together again.
   */
  parse(frame: Uint8Array, at: number, end: number): boolean {
    if (end - at < IPV4_HEADER_BYTES) return false;
    const headerLength = (frame[at] & 0xf) * 4;
    const totalLength = readU16(frame, at + 2);
    if (frame[at] >>> 4 !== 4 || headerLength < IPV4_HEADER_BYTES) return false;
    if (totalLength < headerLength || at + totalLength > end) return false;
    if (foldChecksum(addWords(0, frame, at, headerLength)) !== 0) return false;
    if ((readU16(frame, at + 6) & MORE_FRAGMENTS_AND_OFFSET) !== 0) return false;
    this.frame = frame;
    this.headerAt = at;
    this.source = readU32(frame, at + 12);
    this.destination = readU32(frame, at + 16);
    this.protocol = frame[at + 9];
    this.payloadAt = at + headerLength;
    this.payloadLength = totalLength - headerLength;
    return true;
  }
}
