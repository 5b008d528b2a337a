/** Answers the guest's questions where the network's hosts are (ARP, RFC 826). */

import { isHost } from './addresses.js';
import { copyBytes, readU16, readU32, writeU16, writeU32 } from './big-endian.js';
import { ETHERNET, ETHERTYPE, type Link, MAC_BYTES, writeHostMac } from './link.js';

const ARP_BYTES = 28;
const HARDWARE_ETHERNET = 1;
/** Lengths of an Ethernet and of an IPv4 address. */
const ADDRESS_LENGTHS = 0x0604;
const OPERATION = { request: 1, reply: 2 } as const;
/** Offsets of the operation and of the four addresses. */
const FIELD = { operation: 6, senderMac: 8, senderIp: 14, targetMac: 18, targetIp: 24 } as const;

/** Handles the ARP packet in [at, end) of `frame`; false when it is malformed. */
export function answerArp(link: Link, frame: Uint8Array, at: number, end: number): boolean {
  if (end - at < ARP_BYTES) return false;
  if (readU16(frame, at) !== HARDWARE_ETHERNET || readU16(frame, at + 2) !== ETHERTYPE.ipv4) return false;
  if (readU16(frame, at + 4) !== ADDRESS_LENGTHS) return false;
  const target = readU32(frame, at + FIELD.targetIp);
  if (readU16(frame, at + FIELD.operation) !== OPERATION.request || !isHost(target)) return true;
  const reply = link.frame;
  const out = ETHERNET.payload;
  writeU16(reply, out, HARDWARE_ETHERNET);
  writeU16(reply, out + 2, ETHERTYPE.ipv4);
  writeU16(reply, out + 4, ADDRESS_LENGTHS);
  writeU16(reply, out + FIELD.operation, OPERATION.reply);
  writeHostMac(reply, out + FIELD.senderMac, target);
  writeU32(reply, out + FIELD.senderIp, target);
  copyBytes(frame, at + FIELD.senderMac, reply, out + FIELD.targetMac, MAC_BYTES);
  copyBytes(frame, at + FIELD.senderIp, reply, out + FIELD.targetIp, 4);
  link.sendEthernet(ETHERTYPE.arp, target, ARP_BYTES);
  return true;
}
