/** Tests of the network's servers, byte by byte: ARP, ICMP, UDP, DHCP, DNS, and what is not answered. */

import { expect } from 'chai';
import { VmmError } from '../errors.js';
import {
  checksumOf,
  DNS_IP,
  DNS_MAC,
  ethernet,
  fromHex,
  GATEWAY_IP,
  GATEWAY_MAC,
  GUEST_IP,
  GUEST_MAC,
  hex,
  ipv4,
  NetworkSetup,
  tcp,
  u16,
  u32,
  udp,
} from './net-test-kit.js';

const BROADCAST_MAC = 'ff'.repeat(6);
const ANY_IP = [0, 0, 0, 0];
const EVERYONE_IP = [255, 255, 255, 255];

const ECHO = '52550a00020252540012345608004500002400070000400162c20a00020f0a00020208003305123400017269677669736f72';
const ECHO_REPLY =
  '52540012345652550a00020208004500002400014000400122c80a0002020a00020f00003b05123400017269677669736f72';
const UDP_TO_PORT_9 = '52550a00020252540012345608004500001d00070000401162b90a00020f0a0002029c4000090009d38178';
const PORT_UNREACHABLE =
  '52540012345652550a00020208004500003800014000400122b40a0002020a00020f03038d2800000000' +
  '4500001d00070000401162b90a00020f0a0002029c4000090009d381';
const DNS_QUERY =
  '52550a00020352540012345608004500003200070000401162a30a00020f0a0002039c400035001ea37c' +
  'beef0100000100000000000004486f73740000010001';
const DNS_ANSWER =
  '52540012345652550a00020308004500004200014000401122990a0002030a00020f00359c40002e519a' +
  'beef8580000100010000000004486f73740000010001c00c000100010000012c00040a000202';
const DISCOVER =
  'ffffffffffff525400123456080045000148000700004011799f00000000ffffffff004400430134b65c' +
  `01010600cafe000100000000${'00'.repeat(16)}525400123456${'00'.repeat(202)}63825363350101ff${'00'.repeat(56)}`;
const OFFER =
  '52540012345652550a0002020800450001480001400040112da30a000202ffffffff004300440134f261' +
  `02010600cafe000100000000000000000a00020f0a00020200000000525400123456${'00'.repeat(202)}63825363` +
  `35010236040a0002023304000151800104ffffff0003040a00020206040a000203ff${'00'.repeat(26)}`;

const hexOf = (frames: readonly Uint8Array[]): string[] => frames.map(hex);

function ask(s: NetworkSetup, text: string): string[] {
  return hexOf(s.ask(fromHex(text)));
}

/** An ARP request or reply from the guest. */
function arp(operation: number, target: readonly number[], sender = GUEST_IP): Uint8Array {
  const addresses = [...fromHex(GUEST_MAC), ...sender, 0, 0, 0, 0, 0, 0, ...target];
  return ethernet(BROADCAST_MAC, 0x0806, [0, 1, 8, 0, 6, 4, 0, operation, ...addresses]);
}

describe('UserNetwork', () => {
  it('answers ARP for the gateway and the name server, for nobody else', () => {
    const s = new NetworkSetup();
    expect(hexOf(s.ask(arp(1, GATEWAY_IP)))).to.deep.equal([
      `${GUEST_MAC}${GATEWAY_MAC}08060001080006040002${GATEWAY_MAC}0a000202${GUEST_MAC}0a00020f`,
    ]);
    expect(hexOf(s.ask(arp(1, DNS_IP, ANY_IP)))).to.deep.equal([
      `${GUEST_MAC}${DNS_MAC}08060001080006040002${DNS_MAC}0a000203${GUEST_MAC}00000000`,
    ]);
    for (const frame of [arp(1, GUEST_IP), arp(1, [10, 0, 2, 1]), arp(2, GATEWAY_IP)])
      expect(s.ask(frame)).to.deep.equal([]);
    expect(s.network.counts).to.deep.equal({ received: 5, malformed: 0, ignored: 0 });
  });

  it('answers a ping with the same bytes', () => {
    expect(ask(new NetworkSetup(), ECHO)).to.deep.equal([ECHO_REPLY]);
  });

  it('answers the longest ping, and one with IP options', () => {
    const s = new NetworkSetup();
    const echo = [8, 0, 0, 0, 1, 2, 3, 4, ...Array.from({ length: 1472 }, (_, i) => i & 0xff)];
    echo.splice(2, 2, ...u16(checksumOf(echo)));
    const [reply] = s.ask(ethernet(DNS_MAC, 0x0800, ipv4(1, GUEST_IP, DNS_IP, echo)));
    expect(reply).to.have.lengthOf(1514);
    expect(hex(reply.subarray(38))).to.equal(hex(Uint8Array.from(echo.slice(4))));
    const header = [0x46, 0, 0, 32, 0, 0, 0, 0, 64, 1, 0, 0, ...GUEST_IP, ...GATEWAY_IP, 1, 1, 1, 0];
    header.splice(10, 2, ...u16(checksumOf(header)));
    const answer = s.ask(ethernet(GATEWAY_MAC, 0x0800, [...header, 8, 0, 0xf7, 0xff, 0, 0, 0, 0]));
    expect(hex(answer[0].subarray(34))).to.equal('0000ffff00000000');
  });

  it('says that a UDP port, a TCP port of the name server and another network are unreachable', () => {
    const s = new NetworkSetup();
    expect(ask(s, UDP_TO_PORT_9)).to.deep.equal([PORT_UNREACHABLE]);
    const syn = [...tcp({ to: 53, sequence: 1, flags: 2 })].slice(34);
    const [toDns] = s.ask(ethernet(DNS_MAC, 0x0800, ipv4(6, GUEST_IP, DNS_IP, syn)));
    expect([...toDns.subarray(26, 36)]).to.deep.equal([...DNS_IP, ...GUEST_IP, 3, 3]);
    const [far] = s.ask(ethernet(GATEWAY_MAC, 0x0800, udp([8, 8, 8, 8], 53, [1])));
    expect([...far.subarray(26, 36)]).to.deep.equal([...GATEWAY_IP, ...GUEST_IP, 3, 0]);
  });

  it('offers the lease, and acknowledges it when the guest takes it', () => {
    const s = new NetworkSetup();
    expect(ask(s, DISCOVER)).to.deep.equal([OFFER]);
    const [ack] = s.ask(dhcp(3, [50, 4, ...GUEST_IP, 54, 4, ...GATEWAY_IP]));
    expect(hex(ack.subarray(282, 285))).to.equal('350105');
    expect([...ack.subarray(58, 62)]).to.deep.equal(GUEST_IP);
  });

  it('refuses another address, keeps still for another server, and renews by unicast', () => {
    const s = new NetworkSetup();
    const [nak] = s.ask(dhcp(3, [50, 4, 192, 168, 1, 7]));
    expect(hex(nak.subarray(282, 292))).to.equal('35010636040a000202ff');
    expect(hex(nak.subarray(0, 6))).to.equal(BROADCAST_MAC);
    expect(s.ask(dhcp(3, [50, 4, ...GUEST_IP, 54, 4, 10, 0, 2, 99]))).to.deep.equal([]);
    expect(s.ask(dhcp(7, []))).to.deep.equal([]);
    const [renewed] = s.ask(dhcp(3, [], { ciaddr: GUEST_IP }));
    expect([...renewed.subarray(30, 34)]).to.deep.equal(GUEST_IP);
    const [informed] = s.ask(dhcp(8, [], { ciaddr: GUEST_IP }));
    expect([...informed.subarray(58, 62)]).to.deep.equal(ANY_IP);
    expect(hex(informed.subarray(282))).to.not.contain('3304000151');
    const [asked] = s.ask(dhcp(1, [], { flags: 0x8000 }));
    expect(hex(asked.subarray(0, 6))).to.equal(BROADCAST_MAC);
  });

  it('counts DHCP messages whose options leave them as malformed', () => {
    const s = new NetworkSetup();
    for (const options of [[50, 200, 1], [54]]) expect(s.ask(dhcp(1, options, { exact: true }))).to.deep.equal([]);
    expect(s.network.counts.malformed).to.equal(2);
  });

  it('resolves a name, in the case it was asked in', () => {
    expect(ask(new NetworkSetup(), DNS_QUERY)).to.deep.equal([DNS_ANSWER]);
  });

  it('resolves the names of its table, denies others, and has no IPv6 addresses', () => {
    const s = new NetworkSetup(new Map([['Broker.Example.', '10.0.2.2']]));
    const answers = (name: string, type = 1, classCode = 1): string => dnsAnswer(s, question(name, type, classCode));
    expect(answers('broker.example')).to.equal('rcode 0, 1 answer, 0a000202');
    expect(answers('gateway')).to.equal('rcode 0, 1 answer, 0a000202');
    expect(answers('broker.example', 255)).to.equal('rcode 0, 1 answer, 0a000202');
    expect(answers('broker.example', 28)).to.equal('rcode 0, 0 answers');
    expect(answers('nowhere.example')).to.equal('rcode 3, 0 answers');
    expect(answers('nowhere.example', 28)).to.equal('rcode 3, 0 answers');
    expect(answers('host', 1, 3)).to.equal('rcode 5, 0 answers');
  });

  it('answers malformed questions with an error, and answers not at all', () => {
    const s = new NetworkSetup();
    const header = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    const malformed = [[], [4, 104], [0xc0, 12, 0, 1, 0, 1], [0, 0, 1], Array.from({ length: 300 }, () => 1)];
    for (const rest of malformed) expect(dnsAnswer(s, [...header, ...rest])).to.equal('rcode 1, 0 answers');
    expect(dnsAnswer(s, header.with(5, 2))).to.equal('rcode 1, 0 answers');
    expect(dnsAnswer(s, header.with(2, 0x29))).to.equal('rcode 4, 0 answers');
    for (const bytes of [header.with(2, 0x81), header.slice(1)])
      expect(s.ask(ethernet(DNS_MAC, 0x0800, udp(DNS_IP, 53, bytes)))).to.deep.equal([]);
    expect(s.network.counts.malformed).to.equal(2);
  });

  it('refuses a table with an address that is none', () => {
    for (const address of ['10.0.2', '10.0.2.256', 'host', '::1'])
      expect(() => new NetworkSetup(new Map([['name', address]])), address)
        .to.throw(VmmError)
        .with.property('code', 'VMM_CONFIG');
  });

  it('drops and counts what has a wrong checksum, a wrong length, or is a fragment', () => {
    const s = new NetworkSetup();
    const frames: [string, Uint8Array][] = [
      ['IP checksum', fromHex(ECHO).with(24, 0)],
      ['ICMP checksum', fromHex(ECHO).with(40, 1)],
      ['UDP checksum', fromHex(UDP_TO_PORT_9).with(42, 0)],
      ['TCP checksum', tcp({ to: 80, sequence: 1, flags: 2 }).with(50, 1)],
      ['TCP header length', tcp({ to: 80, sequence: 1, flags: 2, options: [3, 9, 0, 0] })],
      ['cut frame', fromHex(ECHO).slice(0, 40)],
      ['cut ARP', arp(1, GATEWAY_IP).slice(0, 40)],
      ['no header', fromHex(ECHO).slice(0, 14)],
      ['fragment', ethernet(GATEWAY_MAC, 0x0800, refragmented())],
    ];
    for (const [what, frame] of frames) expect(s.ask(frame), what).to.deep.equal([]);
    expect(s.network.counts).to.deep.equal({ received: frames.length, malformed: frames.length, ignored: 0 });
  });

  it('takes a datagram without a checksum and a frame with padding', () => {
    const s = new NetworkSetup();
    const bytes = fromHex(DNS_QUERY);
    expect(s.ask(bytes.with(40, 0).with(41, 0))).to.have.lengthOf(1);
    expect(s.ask(Uint8Array.from([...bytes, ...new Array<number>(20).fill(0xaa)]))).to.have.lengthOf(1);
  });

  it('ignores what goes to others, comes from others, or is neither ARP nor IPv4', () => {
    const s = new NetworkSetup();
    const echo = [8, 0, 0xf7, 0xff, 0, 0, 0, 0];
    const frames = [
      ethernet('525400aabbcc', 0x0800, ipv4(1, GUEST_IP, GATEWAY_IP, echo)),
      ethernet('333300000001', 0x86dd, [0x60, 0, 0, 0]),
      ethernet(GATEWAY_MAC, 0x86dd, [0x60, 0, 0, 0]),
      ethernet(GATEWAY_MAC, 0x0800, ipv4(1, [10, 0, 2, 16], GATEWAY_IP, echo)),
      ethernet(BROADCAST_MAC, 0x0800, ipv4(1, GUEST_IP, [10, 0, 2, 255], echo)),
      ethernet(BROADCAST_MAC, 0x0800, udp(EVERYONE_IP, 9, [1])),
      ethernet(GATEWAY_MAC, 0x0800, udp([224, 0, 0, 251], 5353, [1])),
      ethernet(GATEWAY_MAC, 0x0800, ipv4(132, GUEST_IP, GATEWAY_IP, echo)),
      fromHex(ECHO).with(6, 0x53),
    ];
    for (const [i, frame] of frames.entries()) expect(s.ask(frame), `frame ${i}`).to.deep.equal([]);
    expect(s.network.counts).to.deep.equal({ received: frames.length, malformed: 0, ignored: frames.length });
  });

  it('counts what the card has no room for', () => {
    const s = new NetworkSetup();
    s.card.full = true;
    expect(ask(s, ECHO)).to.deep.equal([]);
    expect(s.network.linkCounts).to.deep.equal({ sent: 0, dropped: 1 });
  });

  it('refuses a TCP port that the connector refuses', () => {
    const s = new NetworkSetup();
    s.connector.accepts = () => false;
    const [reset] = s.ask(tcp({ to: 80, sequence: 0x1122_3344, flags: 2 }));
    expect(hex(reset)).to.equal(
      '52540012345652550a00020208004500002800014000400622bf0a0002020a00020f00509c40000000001122334550140000b6c80000',
    );
  });
});

interface DhcpFields {
  readonly ciaddr?: readonly number[];
  readonly flags?: number;
  /** Ends with the options, with no end option. */
  readonly exact?: boolean;
}

function dhcp(type: number, options: readonly number[], { ciaddr = ANY_IP, flags = 0, exact }: DhcpFields = {}) {
  const fixed = [1, 1, 6, 0, ...u32(1), 0, 0, ...u16(flags), ...ciaddr, ...new Array<number>(12).fill(0)];
  const names = [...fromHex(GUEST_MAC), ...new Array<number>(202).fill(0), 0x63, 0x82, 0x53, 0x63];
  const all = [...fixed, ...names, 53, 1, type, ...options, ...(exact === true ? [] : [0, 255])];
  const source = ciaddr === ANY_IP ? ANY_IP : GUEST_IP;
  return ethernet(BROADCAST_MAC, 0x0800, udp(EVERYONE_IP, 67, all, source, 68));
}

function question(name: string, type: number, classCode: number): number[] {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  return [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, ...u16(type), ...u16(classCode)];
}

function dnsAnswer(s: NetworkSetup, query: readonly number[]): string {
  const [answer] = s.ask(ethernet(DNS_MAC, 0x0800, udp(DNS_IP, 53, query)));
  const count = answer[49];
  const address = count === 0 ? '' : `, ${hex(answer.subarray(-4))}`;
  return `rcode ${answer[45] & 0xf}, ${count} answer${count === 1 ? '' : 's'}${address}`;
}

/** An echo request that says that more fragments follow. */
function refragmented(): number[] {
  const packet = ipv4(1, GUEST_IP, GATEWAY_IP, [8, 0, 0xf7, 0xff, 0, 0, 0, 0]);
  packet.splice(6, 1, 0x20);
  packet.splice(10, 2, 0, 0);
  packet.splice(10, 2, ...u16(checksumOf(packet.slice(0, 20))));
  return packet;
}
