/** The user-mode network of one guest: Ethernet on its side, and on the other nothing but names and a host's ports. */

import type { Clock } from '../../base/index.js';
import type { NetworkBackend, NetworkFrontend } from '../devices/network.js';
import { isHost, NETWORK } from './addresses.js';
import { answerArp } from './arp.js';
import { readU16, readU32 } from './big-endian.js';
import { DHCP_PORT, DhcpServer } from './dhcp-server.js';
import { DNS_PORT, DnsServer } from './dns-server.js';
import { answerIcmp, sendUnreachable, UNREACHABLE_CODE } from './icmp.js';
import { Ipv4Packet } from './ipv4.js';
import { ETHERNET, ETHERTYPE, HOST_MAC_PREFIX, IP_PROTOCOL, Link } from './link.js';
import type { TcpConnector } from './tcp-connector.js';
import { TcpHost } from './tcp-host.js';
import { UdpDatagram } from './udp.js';

const MULTICAST_BIT = 1;

export interface UserNetworkOptions {
  readonly clock: Clock;
  /** The guest's network card; the network attaches itself. */
  readonly frontend: NetworkFrontend;
  /** Names for the DNS server, beside `host` and `gateway`, with their dotted IPv4 addresses. */
  readonly hosts?: ReadonlyMap<string, string>;
  /** What stands behind the ports of 10.0.2.2; every connection is refused when absent. */
  readonly connector?: TcpConnector;
}

/**
 * The network that QEMU's user-mode stack shows a guest: 10.0.2.0/24 with the guest at 10.0.2.15, gateway and host at
 * 10.0.2.2, DNS at 10.0.2.3. It answers ARP, pings, DHCP and DNS by itself, and carries TCP to ports of 10.0.2.2
 * through the connector. Everything else is unreachable, and the guest is told so.
 *
 * Without a connector it is a function of the guest's frames and of the clock alone. Frames never make it throw; its
 * memory is bounded by 64 connections of 128 KiB. The constructor throws VMM_CONFIG for a host that has no IPv4 address.
 */
export class UserNetwork implements NetworkBackend {
  /** Frames from the guest: all, those that no stack could read, and those that are none of this network's business. */
  readonly counts = { received: 0, malformed: 0, ignored: 0 };
  readonly #link: Link;
  readonly #packet = new Ipv4Packet();
  readonly #datagram = new UdpDatagram();
  readonly #dhcp: DhcpServer;
  readonly #dns: DnsServer;
  readonly #tcp: TcpHost;

  constructor(options: UserNetworkOptions) {
    this.#link = new Link(options.frontend);
    this.#dhcp = new DhcpServer(this.#link);
    this.#dns = new DnsServer(this.#link, options.hosts ?? new Map());
    this.#tcp = new TcpHost(options.clock, this.#link, options.connector);
    options.frontend.attach(this);
  }

  /** Frames that the guest's card took, and those that it dropped. */
  get linkCounts(): Readonly<Link['counts']> {
    return this.#link.counts;
  }

  get tcpCounts(): Readonly<TcpHost['counts']> {
    return this.#tcp.counts;
  }

  /** TCP connections that are not closed. */
  get connections(): number {
    return this.#tcp.connections;
  }

  transmit(frame: Uint8Array, length: number): void {
    this.counts.received++;
    if (length < ETHERNET.payload || length > frame.length) {
      this.counts.malformed++;
      return;
    }
    if (!isForUs(frame) || (frame[ETHERNET.source] & MULTICAST_BIT) !== 0) {
      this.counts.ignored++;
      return;
    }
    this.#link.learn(frame);
    const type = readU16(frame, ETHERNET.type);
    if (type === ETHERTYPE.arp) this.#count(answerArp(this.#link, frame, ETHERNET.payload, length));
    else if (type === ETHERTYPE.ipv4) this.#receiveIpv4(frame, length);
    else this.counts.ignored++;
  }

  /** The machine was reset: the guest has forgotten its connections, and so does the network. */
  reset(): void {
    this.#tcp.reset();
    this.#link.forget();
  }

  #count(wellFormed: boolean): void {
    if (!wellFormed) this.counts.malformed++;
  }

  #receiveIpv4(frame: Uint8Array, length: number): void {
    const packet = this.#packet;
    if (!packet.parse(frame, ETHERNET.payload, length)) {
      this.counts.malformed++;
      return;
    }
    if (packet.protocol === IP_PROTOCOL.udp) {
      this.#receiveUdp(packet);
      return;
    }
    if (packet.source !== NETWORK.guest || !isOneHost(packet.destination)) {
      this.counts.ignored++;
      return;
    }
    if (packet.protocol === IP_PROTOCOL.icmp) this.#count(answerIcmp(this.#link, packet));
    else if (packet.protocol !== IP_PROTOCOL.tcp) this.counts.ignored++;
    else if (packet.destination === NETWORK.gateway) this.#count(this.#tcp.receive(packet));
    else this.#unreachable(packet);
  }

  #receiveUdp(packet: Ipv4Packet): void {
    const datagram = this.#datagram;
    if (!datagram.parse(packet)) {
      this.counts.malformed++;
      return;
    }
    const { destination } = packet;
    const isDhcp = datagram.destinationPort === DHCP_PORT.server && datagram.sourcePort === DHCP_PORT.client;
    if (isDhcp && (destination === NETWORK.gateway || !isOneHost(destination)))
      this.#count(this.#dhcp.answer(packet.frame, datagram));
    else if (packet.source !== NETWORK.guest || !isOneHost(destination)) this.counts.ignored++;
    else if (datagram.destinationPort === DNS_PORT && destination === NETWORK.dns)
      this.#count(this.#dns.answer(packet.frame, datagram));
    else this.#unreachable(packet);
  }

  #unreachable(packet: Ipv4Packet): void {
    const code = isHost(packet.destination) ? UNREACHABLE_CODE.port : UNREACHABLE_CODE.network;
    sendUnreachable(this.#link, packet, code);
  }
}

/** The frame goes to everyone or to one of the network's hosts. */
function isForUs(frame: Uint8Array): boolean {
  const high = readU16(frame, ETHERNET.destination);
  const low = readU32(frame, ETHERNET.destination + 2);
  return high === HOST_MAC_PREFIX ? isHost(low) : high === 0xffff && low === 0xffff_ffff;
}

/** Neither a broadcast nor a multicast address, nor one that stands for no host (RFC 1122, section 3.2.1.3). */
function isOneHost(address: number): boolean {
  const isMulticastOrReserved = address >>> 28 >= 0xe;
  return !isMulticastOrReserved && address !== NETWORK.broadcast && address >>> 24 !== 0 && address >>> 24 !== 127;
}
