/** Leases the guest its one address, with mask, router and name server (DHCP, RFC 2131; options, RFC 2132). */

import { NETWORK } from './addresses.js';
import { copyBytes, readU16, readU32, writeU32 } from './big-endian.js';
import type { Link } from './link.js';
import { sendUdp, UDP_PAYLOAD, type UdpDatagram } from './udp.js';

export const DHCP_PORT = { server: 67, client: 68 } as const;
/** Message types (RFC 2132, section 9.6). */
export const DHCP_TYPE = {
  DISCOVER: 1,
  OFFER: 2,
  REQUEST: 3,
  DECLINE: 4,
  ACK: 5,
  NAK: 6,
  RELEASE: 7,
  INFORM: 8,
} as const;
/** Seconds for which an address is the guest's: a day. */
export const LEASE_SECONDS = 86_400;

const OPTION = {
  pad: 0,
  mask: 1,
  router: 3,
  dns: 6,
  requestedAddress: 50,
  leaseTime: 51,
  messageType: 53,
  server: 54,
  end: 255,
} as const;
const BOOT = { request: 1, reply: 2 } as const;
/** Offsets in the message (RFC 2131, section 2). */
const FIELD = { xid: 4, flags: 10, ciaddr: 12, yiaddr: 16, siaddr: 20, chaddr: 28, cookie: 236, options: 240 } as const;
const MAGIC_COOKIE = 0x6382_5363;
const ETHERNET_ADDRESSES = 0x0106;
const FLAG_BROADCAST = 0x8000;
/** Clients may drop a shorter message (RFC 1542, section 2.1). */
const MESSAGE_BYTES = 300;

/** The one server; it keeps no state, because there is one client and one address. */
export class DhcpServer {
  readonly #link: Link;
  #type = 0;
  #server = 0;
  #requested = 0;
  #optionsEnd = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Answers a datagram to port 67; false when it is malformed. */
  answer(frame: Uint8Array, datagram: UdpDatagram): boolean {
    const at = datagram.payloadAt;
    if (datagram.payloadLength < FIELD.options || frame[at] !== BOOT.request) return false;
    if (readU16(frame, at + 1) !== ETHERNET_ADDRESSES || readU32(frame, at + FIELD.cookie) !== MAGIC_COOKIE)
      return false;
    if (!this.#readOptions(frame, at + FIELD.options, at + datagram.payloadLength)) return false;
    const claimed = this.#requested || readU32(frame, at + FIELD.ciaddr);
    switch (this.#type) {
      case DHCP_TYPE.DISCOVER:
        this.#reply(frame, at, DHCP_TYPE.OFFER);
        break;
      case DHCP_TYPE.REQUEST:
        // Another server was chosen: the client is not ours.
        if (this.#server !== 0 && this.#server !== NETWORK.gateway) break;
        this.#reply(frame, at, claimed === NETWORK.guest ? DHCP_TYPE.ACK : DHCP_TYPE.NAK);
        break;
      case DHCP_TYPE.INFORM:
        this.#reply(frame, at, DHCP_TYPE.ACK);
        break;
    }
    return true;
  }

  #readOptions(frame: Uint8Array, from: number, end: number): boolean {
    this.#type = 0;
    this.#server = 0;
    this.#requested = 0;
    for (let at = from; at < end && frame[at] !== OPTION.end; ) {
      const code = frame[at];
      if (code === OPTION.pad) {
        at++;
        continue;
      }
      if (at + 2 > end) return false;
      const length = frame[at + 1];
      const value = at + 2;
      if (value + length > end) return false;
      if (code === OPTION.messageType && length === 1) this.#type = frame[value];
      else if (code === OPTION.server && length === 4) this.#server = readU32(frame, value);
      else if (code === OPTION.requestedAddress && length === 4) this.#requested = readU32(frame, value);
      at = value + length;
    }
    return true;
  }

  #reply(request: Uint8Array, requestAt: number, type: number): void {
    const out = this.#link.frame;
    const at = UDP_PAYLOAD;
    const refused = type === DHCP_TYPE.NAK;
    const informed = this.#type === DHCP_TYPE.INFORM;
    const ciaddr = refused ? 0 : readU32(request, requestAt + FIELD.ciaddr);
    out.fill(0, at, at + MESSAGE_BYTES);
    out[at] = BOOT.reply;
    out[at + 1] = ETHERNET_ADDRESSES >>> 8;
    out[at + 2] = ETHERNET_ADDRESSES & 0xff;
    copyBytes(request, requestAt + FIELD.xid, out, at + FIELD.xid, 4);
    copyBytes(request, requestAt + FIELD.flags, out, at + FIELD.flags, 2);
    writeU32(out, at + FIELD.ciaddr, ciaddr);
    writeU32(out, at + FIELD.yiaddr, refused || informed ? 0 : NETWORK.guest);
    writeU32(out, at + FIELD.siaddr, refused ? 0 : NETWORK.gateway);
    copyBytes(request, requestAt + FIELD.chaddr, out, at + FIELD.chaddr, 16);
    writeU32(out, at + FIELD.cookie, MAGIC_COOKIE);
    this.#writeOptions(at + FIELD.options, type, !refused, !refused && !informed);
    // Clients without an address take a broadcast, whether they asked for it or not (RFC 2131, section 4.1).
    const unicast = ciaddr === NETWORK.guest;
    const path = {
      source: NETWORK.gateway,
      sourcePort: DHCP_PORT.server,
      destination: unicast ? ciaddr : NETWORK.everyone,
      destinationPort: DHCP_PORT.client,
      toEveryone: refused || (readU16(request, requestAt + FIELD.flags) & FLAG_BROADCAST) !== 0,
    };
    sendUdp(this.#link, path, MESSAGE_BYTES);
  }

  #writeOptions(at: number, type: number, configures: boolean, leases: boolean): void {
    const out = this.#link.frame;
    out[at] = OPTION.messageType;
    out[at + 1] = 1;
    out[at + 2] = type;
    this.#optionsEnd = at + 3;
    this.#writeOption(OPTION.server, NETWORK.gateway);
    if (leases) this.#writeOption(OPTION.leaseTime, LEASE_SECONDS);
    if (configures) {
      this.#writeOption(OPTION.mask, NETWORK.mask);
      this.#writeOption(OPTION.router, NETWORK.gateway);
      this.#writeOption(OPTION.dns, NETWORK.dns);
    }
    out[this.#optionsEnd] = OPTION.end;
  }

  #writeOption(code: number, value: number): void {
    const out = this.#link.frame;
    const at = this.#optionsEnd;
    out[at] = code;
    out[at + 1] = 4;
    writeU32(out, at + 2, value);
    this.#optionsEnd = at + 6;
  }
}
