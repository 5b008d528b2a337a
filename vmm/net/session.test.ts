/** Whole sessions of a guest on the network, on a good cable and on a bad one, and what Wireshark says of them. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom, NS_PER_MS, NS_PER_SECOND } from '../../base/index.js';
import { askGatewayMac, lease, resolve, TestTcpClient } from './net-test-client.js';
import type { TestStream } from './net-test-kit.js';
import { ethernet, fromHex, GATEWAY_MAC, hex, lossOf, NetworkSetup, pcapOf, randomBytes, udp } from './net-test-kit.js';

/** Fields that are 0 where the checksum is wrong. */
const STATUSES = ['ip', 'tcp', 'udp', 'icmp'].map((protocol) => `${protocol}.checksum.status`);
/** Severity of an expert message, as tshark numbers it. */
const ERROR = 0x80_0000;
const HOUR_NS = 3600 * NS_PER_SECOND;

/** Makes a stream that sends back what it takes, and takes only so much at a time, each turn of `pump`. */
function echo(stream: TestStream): () => void {
  let sent = 0;
  let ended = false;
  return () => {
    const { handlers, written } = stream;
    sent += handlers.data(Uint8Array.from(written), sent, written.length - sent);
    stream.room = 4096;
    handlers.writable();
    if (ended || sent < written.length || !stream.calls.includes('end')) return;
    ended = true;
    handlers.ended();
  };
}

/** Lets clients, network and host do what they have to do until every client is closed or reset. */
function converse(s: NetworkSetup, clients: readonly TestTcpClient[]): void {
  const pumps: (() => void)[] = [];
  const isOver = (): boolean => clients.every(({ closed, wasReset }) => closed || wasReset);
  while (!isOver() && s.clock.now() < HOUR_NS) {
    for (const stream of s.connector.streams.slice(pumps.length)) {
      stream.room = 4096;
      stream.handlers.connected();
      pumps.push(echo(stream));
    }
    for (const pump of pumps) pump();
    const frames = s.card.take();
    for (const frame of frames) for (const client of clients) client.handle(frame);
    // When nothing is on its way, nothing happens before the next timer.
    const next = frames.length > 0 ? 0 : Math.min(s.clock.nextDueNs(), HOUR_NS);
    s.clock.advanceTo(Math.max(next, s.clock.now() + NS_PER_MS));
  }
}

function session(loss: () => boolean, messages: readonly Uint8Array[]) {
  const s = new NetworkSetup(new Map([['echo.example', '10.0.2.2']]));
  s.card.loses = loss;
  expect(lease(s.card)).to.equal('0a00020f');
  expect(askGatewayMac(s.card)).to.equal(GATEWAY_MAC);
  expect(resolve(s.card, 'echo.example')).to.equal('0a000202');
  const clients = messages.map((message, i) => new TestTcpClient(s.card, s.clock, message, 41_000 + i));
  converse(s, clients);
  return { s, clients };
}

describe('A session on the user-mode network', () => {
  it('leases, resolves, connects and echoes 200,000 bytes, with nothing sent twice', () => {
    const message = randomBytes(createRandom('echo'), 200_000);
    const { s, clients } = session(() => false, [message]);
    expect(hex(Uint8Array.from(clients[0].received))).to.equal(hex(message));
    expect(s.network.tcpCounts).to.deep.equal({ opened: 1, refused: 0, reset: 0, gaveUp: 0, retransmitted: 0 });
    expect(s.network.connections).to.equal(0);
    expect(s.network.counts).to.include({ malformed: 0, ignored: 0 });
  });

  for (const oneIn of [20, 6]) {
    it(`delivers every byte of three connections though one frame in ${oneIn} is lost`, () => {
      const random = createRandom(`messages ${oneIn}`);
      const messages = [30_000, 1, 50_000].map((length) => randomBytes(random, length));
      const { s, clients } = session(lossOf(`loss ${oneIn}`, oneIn), messages);
      clients.forEach(({ received }, i) => {
        expect(hex(Uint8Array.from(received)), `connection ${i}`).to.equal(hex(messages[i]));
      });
      expect(s.network.tcpCounts.retransmitted).to.be.above(3);
      expect(s.network.tcpCounts.gaveUp).to.equal(0);
      expect(s.clock.runUntilIdle(s.clock.now() + HOUR_NS)).to.equal(true);
      expect(s.network.connections).to.equal(0);
    });
  }

  it('is the same in every frame and nanosecond when it is done again', () => {
    const run = (): Buffer => pcapOf(session(lossOf('again', 10), [new Uint8Array(20_000)]).s.card.captured);
    expect(run().equals(run())).to.equal(true);
  });

  it('gives a connection up when the cable is cut', () => {
    const { s } = session(() => false, []);
    const client = new TestTcpClient(s.card, s.clock, new Uint8Array(9000), 41_000);
    s.connector.last.handlers.connected();
    for (const frame of s.card.take()) client.handle(frame);
    s.connector.last.handlers.data(new Uint8Array(100), 0, 100);
    s.card.loses = () => true;
    s.clock.advanceTo(300 * NS_PER_SECOND);
    expect(s.network.connections).to.equal(0);
    expect(s.network.tcpCounts.gaveUp).to.equal(1);
    expect(s.connector.last.calls).to.deep.equal(['end', 'reset']);
  });

  it('shows tshark no malformed packet and no wrong checksum', function () {
    if (spawnSync('tshark', ['--version']).status !== 0) {
      console.log('      skipped: tshark is not installed');
      this.skip();
    }
    const { s } = session(lossOf('shown', 30), [randomBytes(createRandom('shown'), 20_000), Uint8Array.of(1)]);
    s.ask(ethernet(GATEWAY_MAC, 0x0800, udp([10, 0, 2, 2], 9, [1, 2, 3])));
    s.ask(
      fromHex('52550a00020252540012345608004500002400070000400162c20a00020f0a00020208003305123400017269677669736f72'),
    );
    const folder = mkdtempSync(join(tmpdir(), 'rigvisor-net-'));
    const path = join(folder, 'session.pcap');
    writeFileSync(path, pcapOf(s.card.captured));
    const checks = ['ip', 'tcp', 'udp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);
    const fields = ['frame.protocols', '_ws.malformed', '_ws.expert.severity', ...STATUSES].flatMap((name) => [
      '-e',
      name,
    ]);
    const result = spawnSync('tshark', ['-r', path, ...checks, '-T', 'fields', ...fields], { encoding: 'utf8' });
    expect(result.status, result.stderr).to.equal(0);
    const packets = result.stdout.trimEnd().split('\n');
    expect(packets).to.have.lengthOf(s.card.captured.length);
    const protocols = new Set<string>();
    for (const packet of packets) {
      const [protocol, malformed, severity, ...statuses] = packet.split('\t');
      protocols.add(protocol.replace(/^eth:ethertype:/, ''));
      expect(malformed, packet).to.equal('');
      expect(
        severity.split(',').every((level) => Number(level) < ERROR),
        packet,
      ).to.equal(true);
      expect(statuses.join().match(/0/), `a checksum of ${packet}`).to.equal(null);
    }
    const seen = ['arp', 'ip:udp:dhcp', 'ip:udp:dns', 'ip:icmp:data', 'ip:icmp:ip:udp', 'ip:tcp', 'ip:tcp:echo'];
    expect([...protocols]).to.include.members(seen);
    rmSync(folder, { recursive: true, force: true });
  });
});
