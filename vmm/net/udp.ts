/** Datagrams: reading the guest's and sending the servers' (UDP, RFC 768). */

import { readU16, writeU16 } from './big-endian.js';
import { addWords, foldChecksum, pseudoHeaderSum } from './checksum.js';
import type { Ipv4Packet } from './ipv4.js';
import { IP_PROTOCOL, IPV4_PAYLOAD, type Link } from './link.js';

const HEADER_BYTES = 8;
/** Where the payload of a datagram lies in `Link.frame`. */
export const UDP_PAYLOAD = IPV4_PAYLOAD + HEADER_BYTES;

/** One datagram, in the frame it arrived in; used again for each. */
export class UdpDatagram {
  sourcePort = 0;
  destinationPort = 0;
  payloadAt = 0;
  payloadLength = 0;

  /** False when the datagram is malformed or its checksum, if it has one, is wrong. */
  parse({ frame, payloadAt, payloadLength, source, destination }: Ipv4Packet): boolean {
    if (payloadLength < HEADER_BYTES) return false;
    const length = readU16(frame, payloadAt + 4);
    if (length < HEADER_BYTES || length > payloadLength) return false;
    const pseudo = pseudoHeaderSum(source, destination, IP_PROTOCOL.udp, length);
    const hasChecksum = readU16(frame, payloadAt + 6) !== 0;
    if (hasChecksum && foldChecksum(addWords(pseudo, frame, payloadAt, length)) !== 0) return false;
    this.sourcePort = readU16(frame, payloadAt);
    this.destinationPort = readU16(frame, payloadAt + 2);
    this.payloadAt = payloadAt + HEADER_BYTES;
    this.payloadLength = length - HEADER_BYTES;
    return true;
  }
}

/** From where to where a datagram goes. */
export interface UdpPath {
  readonly source: number;
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
  /** To the Ethernet broadcast address. */
  readonly toEveryone?: boolean;
}

/** Sends the `length` bytes that lie at `UDP_PAYLOAD` of the link's frame. */
export function sendUdp(link: Link, path: UdpPath, length: number): void {
  const { frame } = link;
  const total = HEADER_BYTES + length;
  writeU16(frame, IPV4_PAYLOAD, path.sourcePort);
  writeU16(frame, IPV4_PAYLOAD + 2, path.destinationPort);
  writeU16(frame, IPV4_PAYLOAD + 4, total);
  writeU16(frame, IPV4_PAYLOAD + 6, 0);
  const pseudo = pseudoHeaderSum(path.source, path.destination, IP_PROTOCOL.udp, total);
  // 0 would mean that there is no checksum; all ones is the same number.
  writeU16(frame, IPV4_PAYLOAD + 6, foldChecksum(addWords(pseudo, frame, IPV4_PAYLOAD, total)) || 0xffff);
  link.sendIpv4(IP_PROTOCOL.udp, path.source, path.destination, total, path.toEveryone);
}
