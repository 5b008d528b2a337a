/** The network's end of the cable: Ethernet and IPv4 headers of what goes to the guest (RFC 894 and RFC 791). */

import { FRAME_BYTES, type NetworkFrontend } from '../devices/network.js';
import { NETWORK } from './addresses.js';
import { copyBytes, writeU16, writeU32 } from './big-endian.js';
import { addWords, foldChecksum } from './checksum.js';

export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806 } as const;
export const IP_PROTOCOL = { icmp: 1, tcp: 6, udp: 17 } as const;

export const ETHERNET = { destination: 0, source: 6, type: 12, payload: 14 } as const;
export const MAC_BYTES = 6;
/** Of the header without options, the only one that is sent. */
export const IPV4_HEADER_BYTES = 20;
/** Where the payload of an IPv4 packet lies in `Link.frame`. */
export const IPV4_PAYLOAD = ETHERNET.payload + IPV4_HEADER_BYTES;

const TIME_TO_LIVE = 64;
const DONT_FRAGMENT = 0x4000;

/** First two bytes of the addresses 52:55:0a:00:02:xx of the network's hosts: the rest is their IPv4 address. */
export const HOST_MAC_PREFIX = 0x5255;

/** Writes the Ethernet address of one of the network's hosts. */
export function writeHostMac(bytes: Uint8Array, at: number, address: number): void {
  writeU16(bytes, at, HOST_MAC_PREFIX);
  writeU32(bytes, at + 2, address);
}

/**
 * Builds every frame in the same bytes: fill `frame` from the payload on, then send it at once.
 * The guest is whoever sent the last frame; before its first, frames go to everyone.
 */
export class Link {
  readonly frame = new Uint8Array(FRAME_BYTES);
  readonly guestMac = new Uint8Array(MAC_BYTES).fill(0xff);
  /** Frames the device took, and those it did not. */
  readonly counts = { sent: 0, dropped: 0 };
  readonly #frontend: NetworkFrontend;
  #identification = 0;

  constructor(frontend: NetworkFrontend) {
    this.#frontend = frontend;
  }

  /** Learns where the guest is from a frame that it sent. */
  learn(frame: Uint8Array): void {
    copyBytes(frame, ETHERNET.source, this.guestMac, 0, MAC_BYTES);
  }

  forget(): void {
    this.guestMac.fill(0xff);
    this.#identification = 0;
  }

  /** Completes and sends a frame with `length` bytes of payload from the host `source`; false when the device dropped it. */
  sendEthernet(type: number, source: number, length: number, toEveryone = false): boolean {
    const { frame } = this;
    if (toEveryone) frame.fill(0xff, ETHERNET.destination, MAC_BYTES);
    else copyBytes(this.guestMac, 0, frame, ETHERNET.destination, MAC_BYTES);
    writeHostMac(frame, ETHERNET.source, source);
    writeU16(frame, ETHERNET.type, type);
    const taken = this.#frontend.receive(frame, ETHERNET.payload + length);
    if (taken) this.counts.sent++;
    else this.counts.dropped++;
    return taken;
  }

  /** Completes and sends an IPv4 packet with `length` bytes of payload; false when the device dropped it. */
  sendIpv4(protocol: number, source: number, destination: number, length: number, toEveryone = false): boolean {
    const { frame } = this;
    const at = ETHERNET.payload;
    writeU16(frame, at, 0x4500);
    writeU16(frame, at + 2, IPV4_HEADER_BYTES + length);
    this.#identification = (this.#identification + 1) & 0xffff;
    writeU16(frame, at + 4, this.#identification);
    writeU16(frame, at + 6, DONT_FRAGMENT);
    frame[at + 8] = TIME_TO_LIVE;
    frame[at + 9] = protocol;
    writeU16(frame, at + 10, 0);
    writeU32(frame, at + 12, source);
    writeU32(frame, at + 16, destination);
    writeU16(frame, at + 10, foldChecksum(addWords(0, frame, at, IPV4_HEADER_BYTES)));
    // What lies outside the network is reached through the gateway.
    const host = source === NETWORK.dns ? source : NETWORK.gateway;
    return this.sendEthernet(ETHERTYPE.ipv4, host, IPV4_HEADER_BYTES + length, toEveryone);
  }
}
