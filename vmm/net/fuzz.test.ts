/** Throws random and mutated frames at the network: it answers, drops and counts, and keeps its bounds. */

import { expect } from 'chai';
import { createRandom, NS_PER_MS, type Random } from '../../base/index.js';
import { FRAME_BYTES } from '../devices/network.js';
import {
  DNS_IP,
  DNS_MAC,
  ethernet,
  GATEWAY_IP,
  GATEWAY_MAC,
  GUEST_IP,
  ipv4,
  NetworkSetup,
  tcp,
  udp,
} from './net-test-kit.js';
import { MAX_CONNECTIONS } from './tcp-host.js';

const nightly = process.env.RIGVISOR_NIGHTLY === '1';
const FRAMES = nightly ? 1_000_000 : 100_000;
const BUFFER_BYTES = 2 * 0x1_0000;
/** Checksums are right again after this share of mutations, or hardly any would come past them. */
const REPAIRED = 3;

const QUERY = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4, 104, 111, 115, 116, 0, 0, 1, 0, 1];
const DISCOVER = [1, 1, 6, 0, ...new Array<number>(232).fill(0), 0x63, 0x82, 0x53, 0x63, 53, 1, 1, 50, 4, ...GUEST_IP];

/** Well-formed frames of every protocol, to be spoilt. */
const SEEDS: readonly Uint8Array[] = [
  ethernet('ff'.repeat(6), 0x0806, [0, 1, 8, 0, 6, 4, 0, 1, ...new Array<number>(16).fill(1), ...GATEWAY_IP]),
  ethernet(GATEWAY_MAC, 0x0800, ipv4(1, GUEST_IP, GATEWAY_IP, [8, 0, 0xf7, 0xff, 0, 0, 0, 0])),
  ethernet(DNS_MAC, 0x0800, udp(DNS_IP, 53, QUERY)),
  ethernet('ff'.repeat(6), 0x0800, udp([255, 255, 255, 255], 67, [...DISCOVER, 255], [0, 0, 0, 0], 68)),
  ethernet(GATEWAY_MAC, 0x0800, udp(GATEWAY_IP, 9, [1])),
];

function sumOf(view: DataView, from: number, to: number, start: number): number {
  let sum = start;
  for (let i = from; i < to; i++) sum += (i - from) % 2 === 0 ? view.getUint8(i) * 256 : view.getUint8(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return 0xffff - sum;
}

/** Makes the checksums of an IPv4 frame right, where it has room for them. */
function repair(frame: Uint8Array, length: number): void {
  const view = new DataView(frame.buffer);
  const header = 14 + (frame[14] & 0xf) * 4;
  const end = 14 + view.getUint16(16);
  if (header > length || header < 34 || end > length || end < header) return;
  view.setUint16(24, 0);
  view.setUint16(24, sumOf(view, 14, header, 0));
  const at = header + ({ 1: 2, 6: 16, 17: 6 }[frame[23]] ?? length);
  if (at + 2 > end) return;
  view.setUint16(at, 0);
  const pseudo = frame[23] === 1 ? 0 : 0xffff - sumOf(view, 26, 34, frame[23] + end - header);
  view.setUint16(at, sumOf(view, header, end, pseudo));
}

/** A segment of one of a few connections, with numbers near what the network expects. */
function segment(random: Random, acknowledgments: Map<number, number>): Uint8Array {
  const from = 40_000 + random.below(200);
  const near = (value: number): number => (random.below(4) === 0 ? value + random.below(3000) - 1500 : value) >>> 0;
  return tcp({
    from,
    to: 1 + random.below(3),
    sequence: near(random.below(3)),
    acknowledgment: near(acknowledgments.get(from) ?? 0),
    flags: random.below(3) === 0 ? random.below(64) : [2, 16, 17, 24][random.below(4)],
    window: random.below(2) === 0 ? 0xffff : random.below(3000),
    payload: new Array<number>(random.below(40)).fill(1),
    options: random.below(4) === 0 ? [2, 4, random.below(8), random.below(256)] : [],
  });
}

class Fuzz {
  readonly random = createRandom('network fuzz');
  readonly s = new NetworkSetup();
  readonly frame = new Uint8Array(FRAME_BYTES);
  /** What the network has sent to each port of the guest, as the guest would acknowledge it. */
  readonly acknowledgments = new Map<number, number>();
  answers = 0;
  mostConnections = 0;

  step(): void {
    const { random, s, frame } = this;
    const length = random.below(16) === 0 ? this.#noise() : this.#mutated();
    if (random.below(REPAIRED) > 0 && length > 34) repair(frame, length);
    s.network.transmit(frame, length);
    if (random.below(3) === 0) this.#hostMove();
    if (random.below(4) === 0) s.clock.advanceTo(s.clock.now() + random.below(50) * NS_PER_MS);
    s.card.full = random.below(20) === 0;
    this.#hear();
    this.mostConnections = Math.max(this.mostConnections, s.network.connections);
  }

  #noise(): number {
    const length = this.random.below(FRAME_BYTES + 1);
    for (let i = 0; i < length; i++) this.frame[i] = this.random.below(256);
    return length;
  }

  #mutated(): number {
    const { random, frame } = this;
    const isTcp = random.below(2) === 0;
    const seed = isTcp ? segment(random, this.acknowledgments) : SEEDS[random.below(SEEDS.length)];
    frame.set(seed);
    for (let flips = random.below(4); flips > 0; flips--) frame[random.below(seed.length)] = random.below(256);
    return random.below(8) === 0 ? random.below(FRAME_BYTES + 1) : seed.length;
  }

  /** A host does anything it may, to any connection, dead ones included. */
  #hostMove(): void {
    const { random } = this;
    const { streams } = this.s.connector;
    if (streams.length > 300) streams.splice(0, 100);
    if (streams.length === 0) return;
    const stream = streams[random.below(streams.length)];
    stream.written.length = 0;
    stream.calls.length = 0;
    stream.room = random.below(100);
    const { handlers } = stream;
    const bytes = new Uint8Array(random.below(8) === 0 ? 70_000 : 100);
    const moves = [
      () => handlers.connected(),
      () => handlers.connected(),
      () => handlers.data(bytes, 0, bytes.length),
      () => handlers.data(bytes, 0, bytes.length),
      () => handlers.writable(),
      () => handlers.ended(),
      () => random.below(4) === 0 && handlers.reset(),
      () => random.below(4) === 0 && handlers.refused(),
    ];
    moves[random.below(moves.length)]();
  }

  #hear(): void {
    const { card } = this.s;
    for (const frame of card.take()) {
      this.answers++;
      expect(frame.length).to.be.within(42, FRAME_BYTES);
      if (frame[23] !== 6 || frame[13] !== 0) continue;
      const view = new DataView(frame.buffer);
      const taken = view.getUint16(16) - 20 - (frame[46] >> 4) * 4 + (frame[47] & 2) / 2 + (frame[47] & 1);
      this.acknowledgments.set(view.getUint16(36), (view.getUint32(38) + taken) >>> 0);
    }
    card.captured.length = 0;
  }
}

describe('UserNetwork under fire', () => {
  it(`bears ${FRAMES.toLocaleString('en')} random and mutated frames, and answers a good one afterwards`, function () {
    this.timeout(nightly ? 600_000 : 60_000);
    const fuzz = new Fuzz();
    for (let i = 0; i < FRAMES / 10; i++) fuzz.step();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = FRAMES / 10; i < FRAMES; i++) fuzz.step();
    const grown = process.memoryUsage().arrayBuffers - before;
    const { s } = fuzz;
    expect(grown, 'bytes of buffers').to.be.below(MAX_CONNECTIONS * BUFFER_BYTES + 64 * 1024 * 1024);
    expect(fuzz.mostConnections).to.equal(MAX_CONNECTIONS);
    expect(fuzz.answers).to.be.above(FRAMES / 10);
    expect(s.network.counts.malformed).to.be.above(FRAMES / 20);
    expect(s.network.tcpCounts.opened).to.be.above(FRAMES / 1000);
    expect(s.network.tcpCounts.retransmitted).to.be.above(FRAMES / 1000);
    s.card.full = false;
    s.card.take();
    expect(s.ask(SEEDS[1])).to.have.lengthOf(1);
    s.network.reset();
    expect(s.network.connections).to.equal(0);
    expect(s.clock.nextDueNs(), 'no timer outlives its connection').to.equal(Number.POSITIVE_INFINITY);
  });
});
