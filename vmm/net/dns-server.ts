/** Answers questions for names from a table, and asks nobody else (DNS, RFC 1035, section 4). */

import { VmmError } from '../errors.js';
import { NETWORK, parseIpv4 } from './addresses.js';
import { copyBytes, readU16, writeU16, writeU32 } from './big-endian.js';
import type { Link } from './link.js';
import { sendUdp, UDP_PAYLOAD, type UdpDatagram } from './udp.js';

export const DNS_PORT = 53;
/** Response codes (RFC 1035, section 4.1.1). */
export const DNS_RCODE = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
export const DNS_TYPE = { A: 1, AAAA: 28, ANY: 255 } as const;

const CLASS_IN = 1;
const HEADER_BYTES = 12;
const FLAG = {
  response: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  wantsRecursion: 0x0100,
  recursion: 0x0080,
} as const;
const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 255;
/** A pointer to the name of the question, which always lies behind the header. */
const NAME_POINTER = 0xc000 | HEADER_BYTES;
const ANSWER_BYTES = 16;
const TIME_TO_LIVE_SECONDS = 300;

/** The names that every network has. */
const OWN_NAMES: readonly [string, number][] = [
  ['host', NETWORK.gateway],
  ['gateway', NETWORK.gateway],
];

/** The one server. A name that it does not know does not exist; one that it knows has an IPv4 address and nothing else. */
export class DnsServer {
  readonly #link: Link;
  readonly #addresses = new Map<string, number>(OWN_NAMES);
  #name = '';
  #questionEnd = 0;

  /** `hosts` maps names, in either case, to dotted IPv4 addresses. Throws VMM_CONFIG for an address that is none. */
  constructor(link: Link, hosts: ReadonlyMap<string, string>) {
    this.#link = link;
    for (const [name, text] of hosts) {
      const address = parseIpv4(text);
      if (address === undefined)
        throw new VmmError('VMM_CONFIG', `the host name "${name}" cannot stand for "${text}"`, {
          hint: 'give an IPv4 address, such as 10.0.2.2',
        });
      this.#addresses.set(name.toLowerCase().replace(/\.$/, ''), address);
    }
  }

  /** Answers a datagram to port 53 of 10.0.2.3; false when it is too malformed for an answer. */
  answer(frame: Uint8Array, datagram: UdpDatagram): boolean {
    const at = datagram.payloadAt;
    const end = at + datagram.payloadLength;
    if (datagram.payloadLength < HEADER_BYTES) return false;
    const flags = readU16(frame, at + 2);
    // An answer to an answer could go on for ever.
    if ((flags & FLAG.response) !== 0) return false;
    if ((flags & FLAG.opcode) !== 0) this.#reply(frame, datagram, DNS_RCODE.NOTIMP, 0);
    else if (readU16(frame, at + 4) !== 1 || !this.#readQuestion(frame, at + HEADER_BYTES, end))
      this.#reply(frame, datagram, DNS_RCODE.FORMERR, 0);
    else this.#resolve(frame, datagram);
    return true;
  }

  /** Reads the name, in lower case and without its last dot; false when it does not end, or a pointer is in it. */
  #readQuestion(frame: Uint8Array, from: number, end: number): boolean {
    let at = from;
    this.#name = '';
    for (;;) {
      if (at >= end) return false;
      const length = frame[at++];
      if (length === 0) break;
      if (length > MAX_LABEL_BYTES || at + length > end || at + length - from >= MAX_NAME_BYTES) return false;
      if (this.#name !== '') this.#name += '.';
      for (let i = 0; i < length; i++) this.#name += String.fromCharCode(lowerCase(frame[at + i]));
      at += length;
    }
    this.#questionEnd = at + 4;
    return this.#questionEnd <= end;
  }

  #resolve(frame: Uint8Array, datagram: UdpDatagram): void {
    const type = readU16(frame, this.#questionEnd - 4);
    const question = this.#questionEnd - datagram.payloadAt;
    const address = this.#addresses.get(this.#name);
    if (readU16(frame, this.#questionEnd - 2) !== CLASS_IN) {
      this.#reply(frame, datagram, DNS_RCODE.REFUSED, question);
    } else if (address === undefined) {
      this.#reply(frame, datagram, DNS_RCODE.NXDOMAIN, question);
    } else if (type === DNS_TYPE.A || type === DNS_TYPE.ANY) {
      this.#reply(frame, datagram, DNS_RCODE.NOERROR, question, address);
    } else {
      this.#reply(frame, datagram, DNS_RCODE.NOERROR, question);
    }
  }

  /** Sends header and question, which are `kept` bytes together (0: none), and the address when there is one. */
  #reply(request: Uint8Array, datagram: UdpDatagram, rcode: number, kept: number, address?: number): void {
    const out = this.#link.frame;
    const at = UDP_PAYLOAD;
    const requestFlags = readU16(request, datagram.payloadAt + 2);
    copyBytes(request, datagram.payloadAt, out, at, Math.max(kept, HEADER_BYTES));
    const echoed = requestFlags & (FLAG.opcode | FLAG.wantsRecursion);
    writeU16(out, at + 2, FLAG.response | FLAG.authoritative | FLAG.recursion | echoed | rcode);
    writeU16(out, at + 4, kept === 0 ? 0 : 1);
    writeU16(out, at + 6, address === undefined ? 0 : 1);
    writeU32(out, at + 8, 0);
    let length = Math.max(kept, HEADER_BYTES);
    if (address !== undefined) {
      writeU16(out, at + length, NAME_POINTER);
      writeU16(out, at + length + 2, DNS_TYPE.A);
      writeU16(out, at + length + 4, CLASS_IN);
      writeU32(out, at + length + 6, TIME_TO_LIVE_SECONDS);
      writeU16(out, at + length + 10, 4);
      writeU32(out, at + length + 12, address);
      length += ANSWER_BYTES;
    }
    const path = {
      source: NETWORK.dns,
      sourcePort: DNS_PORT,
      destination: NETWORK.guest,
      destinationPort: datagram.sourcePort,
    };
    sendUdp(this.#link, path, length);
  }
}

function lowerCase(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}
