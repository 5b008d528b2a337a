/** Answers pings and says what cannot be reached (ICMP, RFC 792 and RFC 1122, section 3.2.2). */

import { isHost, NETWORK } from './addresses.js';
import { copyBytes, writeU16, writeU32 } from './big-endian.js';
import { addWords, foldChecksum } from './checksum.js';
import type { Ipv4Packet } from './ipv4.js';
import { IP_PROTOCOL, IPV4_PAYLOAD, type Link } from './link.js';

const HEADER_BYTES = 8;
const ECHO = { reply: 0, request: 8 } as const;
const UNREACHABLE = 3;
/** How much of the packet an error quotes behind its header (RFC 792). */
const QUOTED_PAYLOAD_BYTES = 8;

/** Codes of "destination unreachable". */
export const UNREACHABLE_CODE = { network: 0, port: 3 } as const;

/** Answers an echo request to one of the hosts; false when the message is malformed. */
export function answerIcmp(link: Link, packet: Ipv4Packet): boolean {
  const { frame, payloadAt, payloadLength } = packet;
  if (payloadLength < HEADER_BYTES) return false;
  if (foldChecksum(addWords(0, frame, payloadAt, payloadLength)) !== 0) return false;
  if (frame[payloadAt] !== ECHO.request || frame[payloadAt + 1] !== 0) return true;
  if (!isHost(packet.destination)) {
    sendUnreachable(link, packet, UNREACHABLE_CODE.network);
    return true;
  }
  copyBytes(frame, payloadAt, link.frame, IPV4_PAYLOAD, payloadLength);
  link.frame[IPV4_PAYLOAD] = ECHO.reply;
  finish(link, packet.destination, packet.source, payloadLength);
  return true;
}

/** Tells the guest that its packet went nowhere. Never call it for an ICMP error, a broadcast or a fragment. */
export function sendUnreachable(link: Link, packet: Ipv4Packet, code: number): void {
  const { frame, headerAt, payloadAt } = packet;
  const quoted = payloadAt - headerAt + Math.min(QUOTED_PAYLOAD_BYTES, packet.payloadLength);
  link.frame[IPV4_PAYLOAD] = UNREACHABLE;
  link.frame[IPV4_PAYLOAD + 1] = code;
  writeU32(link.frame, IPV4_PAYLOAD + 4, 0);
  copyBytes(frame, headerAt, link.frame, IPV4_PAYLOAD + HEADER_BYTES, quoted);
  const source = isHost(packet.destination) ? packet.destination : NETWORK.gateway;
  finish(link, source, packet.source, HEADER_BYTES + quoted);
}

function finish(link: Link, source: number, destination: number, length: number): void {
  writeU16(link.frame, IPV4_PAYLOAD + 2, 0);
  writeU16(link.frame, IPV4_PAYLOAD + 2, foldChecksum(addWords(0, link.frame, IPV4_PAYLOAD, length)));
  link.sendIpv4(IP_PROTOCOL.icmp, source, destination, length);
}
