/** Tests of TCP segment by segment: handshake, windows, order, retransmission, both ways to end, and what is refused. */

import { expect } from 'chai';
import { FIRST_DELAY_NS, MAX_ATTEMPTS } from './backoff-timer.js';
import { fromHex, hex, isTcp, NetworkSetup, readTcp, type TestSegment, type TestStream, tcp } from './net-test-kit.js';
import { MAX_CONNECTIONS, TCP_BUFFER_BYTES } from './tcp-host.js';

const FIN = 1;
const SYN = 2;
const RST = 4;
const PSH = 8;
const ACK = 16;
const MSS_1460 = [2, 4, 5, 0xb4];
const FIRST = 1000;

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const bytesOf = (message: string): number[] => [...Buffer.from(message, 'latin1')];

/** A guest that says exactly what the test wants, on one connection. */
class Dialogue {
  readonly s = new NetworkSetup();
  /** Next sequence number of the guest, and what it acknowledges. */
  sequence = FIRST;
  acknowledgment = 0;

  constructor(readonly port = 80) {}

  get stream(): TestStream {
    return this.s.connector.last;
  }

  /** Sends a segment; returns the answers. */
  send(flags: number, payload: readonly number[] = [], more: Partial<TestSegment> = {}) {
    const { sequence, acknowledgment, port } = this;
    const frame = tcp({ to: port, sequence, acknowledgment, flags, payload, ...more });
    return this.s.ask(frame).filter(isTcp).map(readTcp);
  }

  take() {
    return this.s.card.take().map(readTcp);
  }

  passMs(ms: number) {
    return this.s.passMs(ms).map(readTcp);
  }

  /** Completes the handshake; the guest's window and MSS are what the test says. */
  open(window = 0xffff, options: readonly number[] = MSS_1460): this {
    this.send(SYN, [], { options });
    this.stream.handlers.connected();
    const [synAck] = this.take();
    this.sequence = (this.sequence + 1) >>> 0;
    this.acknowledgment = (synAck.sequence + 1) >>> 0;
    this.send(ACK, [], { window });
    return this;
  }

  /** Offers bytes from the host; returns how many were taken. */
  host(bytes: readonly number[]): number {
    return this.stream.handlers.data(Uint8Array.from(bytes), 0, bytes.length);
  }

  /** The guest's next bytes, which it counts as sent. */
  say(message: string, flags = ACK | PSH) {
    const answers = this.send(flags, bytesOf(message));
    this.sequence += message.length + (flags & FIN);
    return answers;
  }

  hear(count: number, more: Partial<TestSegment> = {}) {
    this.acknowledgment = (this.acknowledgment + count) >>> 0;
    return this.send(ACK, [], more);
  }
}

describe('TCP of the user-mode network', () => {
  it('answers a SYN only when the host is connected, byte by byte', () => {
    const s = new NetworkSetup();
    const syn =
      '52550a00020252540012345608004500002c00074000400622b50a00020f0a0002029c4000501122334400000000' +
      '6002faf0a42e0000020405b4';
    expect(s.ask(fromHex(syn))).to.deep.equal([]);
    expect(s.connector.last.port).to.equal(80);
    s.connector.last.handlers.connected();
    expect(s.card.take().map(hex)).to.deep.equal([
      '52540012345652550a00020208004500002c00014000400622bb0a0002020a00020f00509c400001000011223345' +
        '6012ffff9f0d0000020405b4',
    ]);
    expect(s.network.tcpCounts).to.include({ opened: 1, refused: 0 });
  });

  it('resets the attempt when the host refuses, at once or later', () => {
    const d = new Dialogue();
    d.s.connector.accepts = (port) => port === 80;
    const [atOnce] = d.send(SYN, [], { to: 81 });
    expect([atOnce.flags, atOnce.acknowledgment]).to.deep.equal([RST | ACK, FIRST + 1]);
    expect(d.send(SYN)).to.deep.equal([]);
    d.stream.handlers.refused();
    const [later] = d.take();
    expect([later.flags, later.acknowledgment]).to.deep.equal([RST | ACK, FIRST + 1]);
    expect(d.s.network.connections).to.equal(0);
    expect(d.s.network.tcpCounts.refused).to.equal(2);
  });

  it('sends SYN and ACK again when the guest asks again or says nothing', () => {
    const d = new Dialogue();
    d.send(SYN);
    expect(d.send(SYN)).to.deep.equal([]);
    d.stream.handlers.connected();
    const [first] = d.take();
    const [again] = d.send(SYN);
    expect([again.flags, again.sequence]).to.deep.equal([SYN | ACK, first.sequence]);
    expect(d.passMs(500).map((segment) => segment.flags)).to.deep.equal([SYN | ACK]);
  });

  it('carries bytes both ways, with the acknowledgment on the answer', () => {
    const d = new Dialogue().open();
    d.stream.onWrite = (bytes) => d.stream.handlers.data(bytes, 0, bytes.length);
    const answers = d.say('hello');
    expect(answers).to.have.lengthOf(1);
    expect(text(answers[0].payload)).to.equal('hello');
    expect([answers[0].flags, answers[0].acknowledgment]).to.deep.equal([ACK | PSH, d.sequence]);
    expect(d.hear(5)).to.deep.equal([]);
  });

  it('acknowledges a burst of the guest once', () => {
    const d = new Dialogue().open();
    for (let i = 0; i < 10; i++) {
      d.s.card.send(tcp({ to: 80, sequence: d.sequence, acknowledgment: d.acknowledgment, flags: ACK, payload: [i] }));
      d.sequence++;
    }
    d.s.clock.advanceTo(d.s.clock.now());
    const answers = d.take();
    expect(answers.map((segment) => segment.acknowledgment)).to.deep.equal([d.sequence]);
    expect(d.stream.written).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('takes bytes once and in order, whatever the guest sends again or ahead', () => {
    const d = new Dialogue().open();
    d.say('abc');
    const [ahead] = d.send(ACK, bytesOf('xyz'), { sequence: d.sequence + 1 });
    expect(ahead.acknowledgment).to.equal(d.sequence);
    const [old] = d.send(ACK, bytesOf('abc'), { sequence: d.sequence - 3 });
    expect(old.acknowledgment).to.equal(d.sequence);
    d.send(ACK, bytesOf('bcde'), { sequence: d.sequence - 2 });
    expect(text(Uint8Array.from(d.stream.written))).to.equal('abcde');
  });

  it('counts round the end of the sequence numbers', () => {
    const d = new Dialogue();
    d.sequence = 0xffff_fffe;
    d.open();
    const [answer] = d.say('hello');
    expect(answer.acknowledgment).to.equal(4);
    d.sequence = 4;
    d.say('world');
    expect(text(Uint8Array.from(d.stream.written))).to.equal('helloworld');
  });

  it('closes its window while the host takes nothing, and opens it when it does', () => {
    const d = new Dialogue().open();
    d.stream.room = 0;
    const block = 'x'.repeat(1024);
    let last = 0xffff;
    for (let i = 0; i < TCP_BUFFER_BYTES / 1024; i++) [{ window: last }] = d.say(block);
    expect(last).to.equal(0);
    const [probe] = d.send(ACK, [1]);
    expect([probe.acknowledgment, probe.window]).to.deep.equal([d.sequence, 0]);
    d.stream.room = 1000;
    d.stream.handlers.writable();
    expect(d.take(), 'less than two segments').to.deep.equal([]);
    d.stream.room = Number.POSITIVE_INFINITY;
    d.stream.handlers.writable();
    expect(d.take().map(({ window }) => window)).to.deep.equal([0xffff]);
    expect(d.stream.written).to.have.lengthOf(TCP_BUFFER_BYTES);
  });

  it('sends no more than the guest has a window for, in segments it can take', () => {
    const d = new Dialogue().open(3000, [2, 4, 4, 0]);
    expect(d.host(new Array<number>(5000).fill(7))).to.equal(5000);
    expect(d.take().map(({ payload }) => payload.length)).to.deep.equal([1024, 1024]);
    expect(d.hear(2048, { window: 4096 }).map(({ payload }) => payload.length)).to.deep.equal([1024, 1024, 904]);
  });

  it('bears a guest that asks for tiny segments, or for none', () => {
    for (const options of [[2, 4, 0, 0], []]) {
      const d = new Dialogue().open(0xffff, options);
      d.host(new Array<number>(600).fill(1));
      expect(d.take()[0].payload).to.have.lengthOf(options.length === 0 ? 536 : 64);
    }
  });

  it('buffers 64 KiB from the host, refuses more, and says when there is room', () => {
    const d = new Dialogue().open(0);
    expect(d.host(new Array<number>(TCP_BUFFER_BYTES + 10).fill(1))).to.equal(TCP_BUFFER_BYTES);
    expect(d.host([1])).to.equal(0);
    d.send(ACK, [], { window: 1460 });
    d.hear(1460, { window: 0 });
    expect(d.stream.calls).to.deep.equal(['resume']);
    expect(d.host(new Array<number>(2000).fill(1))).to.equal(1460);
  });

  it('probes a closed window with one byte, for as long as the guest answers', () => {
    const d = new Dialogue().open(0);
    d.host(bytesOf('abc'));
    for (let i = 0; i < 3 * MAX_ATTEMPTS; i++) {
      const probes = d.passMs(60_000);
      for (const probe of probes) expect(text(probe.payload)).to.equal('a');
      d.send(ACK, [], { window: 0 });
    }
    const opened = d.send(ACK, [], { window: 100 });
    expect(opened.map(({ payload }) => text(payload))).to.deep.equal(['abc']);
  });

  it('sends again what is not acknowledged, at longer and longer intervals, and gives up', () => {
    const d = new Dialogue().open();
    d.host(bytesOf('lost'));
    d.take();
    const times: number[] = [];
    const start = d.s.clock.now();
    while (d.s.network.connections > 0) {
      d.s.clock.advanceTo(d.s.clock.nextDueNs());
      for (const { flags, payload } of d.take()) {
        times.push((d.s.clock.now() - start) / FIRST_DELAY_NS);
        if ((flags & RST) === 0) expect(text(payload)).to.equal('lost');
      }
    }
    expect(times).to.deep.equal([1, 3, 7, 15, 31, 63, 127, 247, 367, 487]);
    expect(d.stream.calls).to.deep.equal(['reset']);
    expect(d.s.network.tcpCounts).to.include({ gaveUp: 1, retransmitted: MAX_ATTEMPTS });
  });

  it('sends a lost segment again at the third duplicate of an acknowledgment', () => {
    const d = new Dialogue().open();
    d.host(new Array<number>(1460 * 5).fill(9));
    d.take();
    expect([d.send(ACK), d.send(ACK)]).to.deep.equal([[], []]);
    const [again] = d.send(ACK);
    expect([again.sequence, again.payload.length]).to.deep.equal([d.acknowledgment, 1460]);
    expect(d.hear(1460 * 5)).to.deep.equal([]);
  });

  it('begins with one segment after a time-out and speeds up with each acknowledgment', () => {
    const d = new Dialogue().open();
    d.host(new Array<number>(1460 * 8).fill(9));
    d.take();
    expect(d.passMs(500)).to.have.lengthOf(1);
    expect(d.hear(1460)).to.have.lengthOf(2);
    expect(d.hear(2 * 1460)).to.have.lengthOf(3);
  });

  it('waits for the card to have room', () => {
    const d = new Dialogue().open();
    d.s.card.full = true;
    d.host(bytesOf('later'));
    d.s.card.full = false;
    expect(d.passMs(500).map(({ payload }) => text(payload))).to.deep.equal(['later']);
  });

  it('ends when the guest closes first, then the host', () => {
    const d = new Dialogue().open();
    const [ack] = d.say('bye', FIN | ACK);
    expect(ack.acknowledgment).to.equal(d.sequence);
    expect(d.stream.calls).to.deep.equal(['end']);
    expect(d.host(bytesOf('and'))).to.equal(3);
    d.stream.handlers.ended();
    expect(d.take().map(({ flags }) => flags)).to.deep.equal([ACK | PSH, ACK | PSH | FIN]);
    d.hear(4);
    expect(d.s.network.connections).to.equal(0);
    expect(d.stream.calls).to.deep.equal(['end']);
  });

  it('ends when the host closes first, and acknowledges the last FIN again for a while', () => {
    const d = new Dialogue().open();
    d.stream.handlers.ended();
    expect(d.take().map(({ flags }) => flags)).to.deep.equal([ACK | PSH | FIN]);
    d.hear(1);
    const [first] = d.send(FIN | ACK);
    expect(first.acknowledgment).to.equal(d.sequence + 1);
    const [again] = d.send(FIN | ACK);
    expect(again.acknowledgment).to.equal(d.sequence + 1);
    expect(d.s.network.connections).to.equal(1);
    expect(d.passMs(500)).to.deep.equal([]);
    expect(d.s.network.connections).to.equal(0);
  });

  it('opens anew from a connection that only waits', () => {
    const d = new Dialogue().open();
    d.stream.handlers.ended();
    d.take();
    d.hear(1);
    d.send(FIN | ACK);
    d.sequence += 100;
    d.open();
    expect(d.s.connector.streams).to.have.lengthOf(2);
    d.say('again');
    expect(text(Uint8Array.from(d.stream.written))).to.equal('again');
  });

  it('hands the end over only behind the last byte', () => {
    const d = new Dialogue().open();
    d.stream.room = 2;
    d.say('abc', FIN | ACK);
    expect(d.stream.calls).to.deep.equal([]);
    d.stream.room = 1;
    d.stream.handlers.writable();
    expect(d.stream.calls).to.deep.equal(['end']);
  });

  it('passes a reset on, either way', () => {
    const guest = new Dialogue().open();
    guest.send(RST, [], { sequence: guest.sequence + 1 });
    expect(guest.s.network.connections, 'not the exact number').to.equal(1);
    guest.send(RST);
    expect([guest.s.network.connections, guest.stream.calls]).to.deep.equal([0, ['reset']]);
    const host = new Dialogue().open();
    host.stream.handlers.reset();
    expect(host.take().map(({ flags }) => flags)).to.deep.equal([RST | ACK]);
    expect([host.s.network.connections, host.stream.calls]).to.deep.equal([0, []]);
    expect(host.host([1])).to.equal(0);
  });

  it('resets what belongs to no connection, but never a reset', () => {
    const d = new Dialogue();
    const [answer] = d.send(ACK, [], { acknowledgment: 77 });
    expect([answer.flags, answer.sequence]).to.deep.equal([RST, 77]);
    const [fin] = d.send(FIN, [1, 2]);
    expect([fin.flags, fin.acknowledgment]).to.deep.equal([RST | ACK, FIRST + 3]);
    expect(d.send(RST)).to.deep.equal([]);
    expect(d.send(RST | ACK)).to.deep.equal([]);
  });

  it('challenges a SYN on an open connection and an acknowledgment of what was never sent', () => {
    const d = new Dialogue().open();
    for (const answers of [
      d.send(SYN),
      d.send(SYN, [], { sequence: 5 }),
      d.send(ACK, [1], { acknowledgment: 5_000_000 }),
    ])
      expect(answers.map(({ flags, acknowledgment }) => [flags, acknowledgment])).to.deep.equal([[ACK, d.sequence]]);
    expect(d.stream.written).to.deep.equal([]);
    d.say('fine');
    expect(text(Uint8Array.from(d.stream.written))).to.equal('fine');
  });

  it('keeps 64 connections, refuses the next, and uses their buffers again', () => {
    const d = new Dialogue();
    const handshake = (from: number): number[] => d.send(SYN, [], { from }).map(({ flags }) => flags);
    for (let i = 0; i < MAX_CONNECTIONS; i++) expect(handshake(1000 + i)).to.deep.equal([]);
    expect(handshake(5000)).to.deep.equal([RST | ACK]);
    expect(d.s.network.connections).to.equal(MAX_CONNECTIONS);
    d.s.network.reset();
    expect(d.s.network.connections).to.equal(0);
    expect(d.s.connector.streams.every(({ calls }) => calls.join() === 'reset')).to.equal(true);
    expect(handshake(5000)).to.deep.equal([]);
    expect(d.s.clock.runUntilIdle(1e15)).to.equal(true);
    expect(d.s.network.connections, 'a host that never answers').to.equal(0);
  });

  it('bears a host that drops the connection from within every call', () => {
    for (const when of ['onWrite', 'onEnd', 'onResume'] as const) {
      const d = new Dialogue().open(0);
      d.host(new Array<number>(TCP_BUFFER_BYTES + 1).fill(1));
      d.stream[when] = () => d.stream.handlers.reset();
      d.send(ACK, [], { window: 1460 });
      d.acknowledgment += 1460;
      d.send(ACK | FIN, bytesOf('x'));
      expect(d.s.network.connections, when).to.equal(0);
      d.stream.handlers.writable();
      d.stream.handlers.ended();
      d.stream.handlers.connected();
      expect(d.s.clock.runUntilIdle(1e15)).to.equal(true);
    }
  });
});
