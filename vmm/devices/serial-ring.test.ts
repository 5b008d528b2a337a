/** Tests of the serial ring: layout, both directions, control, overrun, and a guest that lies about its indices. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { LINE_STATUS } from './character.js';
import { CheckedRam, TestBackend } from './device-test-kit.js';
import { SERIAL_RING, SerialRing, serialRingBytes } from './serial-ring.js';

const RAM = 0x8000_0000;
const BASE = RAM + 0x1000;
const RX = 16;
const TX = 8;

class Setup {
  readonly clock = new VirtualClock();
  readonly ram = new CheckedRam(RAM, 0x2000);
  readonly backend = new TestBackend();
  doorbells = 0;
  readonly ring = new SerialRing({
    clock: this.clock,
    ram: this.ram,
    base: BASE,
    rxEntries: RX,
    txEntries: TX,
    doorbell: () => this.doorbells++,
  });

  constructor() {
    this.ring.attach(this.backend);
    this.ring.initialise();
    this.ram.writes = 0;
  }

  field(offset: number): number {
    return this.ram.readU32(BASE + offset);
  }

  poke(offset: number, value: number): void {
    this.ram.pokeU32(BASE + offset, value);
  }

  arrive(count: number, from = 0): number {
    let taken = 0;
    for (let i = 0; i < count; i++) if (this.ring.receive((from + i) & 0xff, 0)) taken++;
    return taken;
  }

  /** Drains as the guest does. */
  drain(): number[] {
    const entries: number[] = [];
    const offset = this.field(SERIAL_RING.rxOffset);
    let tail = this.field(SERIAL_RING.rxTail);
    for (; tail !== this.field(SERIAL_RING.rxHead); tail = (tail + 1) >>> 0)
      entries.push(this.ram.readU16(BASE + offset + 2 * (tail & (RX - 1))));
    this.poke(SERIAL_RING.rxTail, tail);
    return entries;
  }

  guestSends(text: string): void {
    const offset = this.field(SERIAL_RING.txOffset);
    let head = this.field(SERIAL_RING.txHead);
    for (const c of text) {
      this.ram.pokeU16(BASE + offset + 2 * (head & (TX - 1)), c.charCodeAt(0));
      head = (head + 1) >>> 0;
    }
    this.poke(SERIAL_RING.txHead, head);
  }
}

describe('SerialRing', () => {
  it('lays out its header as docs/guest-abi.md says', () => {
    const s = new Setup();
    const header = Array.from({ length: 6 }, (_, i) => s.field(4 * i));
    expect(header).to.deep.equal([0x5253_5652, 1, 0x200, RX, 0x200 + 2 * RX, TX]);
    expect(String.fromCharCode(...s.ram.peek(BASE, 4))).to.equal('RVSR');
    expect(serialRingBytes(RX, TX)).to.equal(0x200 + 2 * (RX + TX));
  });

  it('publishes a burst with one write of its entries, one of rx_head and one doorbell', () => {
    const s = new Setup();
    s.arrive(5, 0x40);
    expect([s.field(SERIAL_RING.rxHead), s.doorbells]).to.deep.equal([0, 0]);
    s.ring.publish();
    expect([s.field(SERIAL_RING.rxHead), s.doorbells, s.ram.writes]).to.deep.equal([5, 1, 2]);
    expect(s.drain()).to.deep.equal([0x40, 0x41, 0x42, 0x43, 0x44]);
  });

  it('publishes at the same instant by itself when nobody does, and only once', () => {
    const s = new Setup();
    s.clock.advanceTo(77);
    s.arrive(3);
    s.clock.advanceTo(77);
    s.ring.publish();
    expect([s.field(SERIAL_RING.rxHead), s.doorbells]).to.deep.equal([3, 1]);
    expect(s.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
  });

  it('carries line status in the upper byte', () => {
    const s = new Setup();
    s.ring.receive(0x55, LINE_STATUS.parity | LINE_STATUS.framing);
    s.ring.publish();
    expect(s.drain()).to.deep.equal([0x0c55]);
  });

  it('goes round the end of the ring and of its indices', () => {
    const s = new Setup();
    const got: number[] = [];
    for (let i = 0; i < 100; i++) {
      s.arrive(i % RX, got.length);
      s.ring.publish();
      got.push(...s.drain());
    }
    expect(got).to.deep.equal(got.map((_, i) => i & 0xff));
    expect(got.length).to.be.above(10 * RX);
  });

  it('refuses when it is full, tells of room at a poll, and not before', () => {
    const s = new Setup();
    expect(s.arrive(RX + 3)).to.equal(RX);
    expect(s.ring.room()).to.equal(0);
    s.ring.publish();
    s.ring.poll();
    expect(s.backend.roomCalls).to.equal(0);
    s.drain();
    s.ring.poll();
    expect(s.backend.roomCalls).to.equal(1);
    expect(s.ring.room()).to.equal(RX);
    s.ring.poll();
    expect(s.backend.roomCalls).to.equal(1);
  });

  it('counts a lost character and marks the next one', () => {
    const s = new Setup();
    s.ring.overrun();
    s.ring.overrun();
    s.clock.advanceTo(0);
    expect([s.field(SERIAL_RING.rxLost), s.doorbells]).to.deep.equal([2, 1]);
    s.arrive(2, 0x30);
    s.ring.publish();
    expect(s.drain()).to.deep.equal([0x0230, 0x0031]);
  });

  it('hands over what the guest sends at the poll, and moves tx_tail', () => {
    const s = new Setup();
    for (let i = 0; i < 20; i++) {
      s.guestSends('abcde');
      expect(s.ring.poll()).to.equal(5);
      expect(s.field(SERIAL_RING.txTail)).to.equal(5 * (i + 1));
    }
    expect(s.backend.text).to.equal('abcde'.repeat(20));
    expect(s.ring.poll()).to.equal(0);
  });

  it('tells the line and the modem lines when the control sequence moves, before what is sent', () => {
    const s = new Setup();
    const order: string[] = [];
    s.backend.onTransmit = () => order.push(`transmit after ${s.backend.lines.length}`);
    s.poke(SERIAL_RING.baudRate, 38_400);
    s.poke(SERIAL_RING.lineControl, 0x1a);
    s.poke(SERIAL_RING.modemControl, 0x05);
    s.ring.poll();
    expect(s.backend.lines).to.deep.equal([]);
    s.poke(SERIAL_RING.controlSequence, 1);
    s.guestSends('x');
    s.ring.poll();
    s.ring.poll();
    expect(s.backend.lines).to.deep.equal([{ baudRate: 38_400, dataBits: 7, parity: 'even', stopBits: 1 }]);
    expect(s.backend.modem).to.deep.equal([5]);
    expect(order).to.deep.equal(['transmit after 1']);
  });

  it('shows modem inputs and the loss of the device, with a doorbell', () => {
    const s = new Setup();
    s.ring.modemStatus(0xff);
    s.ring.disconnected(true);
    expect([s.field(SERIAL_RING.modemStatus), s.field(SERIAL_RING.disconnected), s.doorbells]).to.deep.equal([
      0x0f, 1, 2,
    ]);
  });

  for (const [field, value] of [
    ['txHead', TX + 1],
    ['txHead', 0xffff_ffff],
    ['rxTail', RX + 1],
    ['rxTail', 0xffff_ffff],
  ] as const) {
    it(`stands still after ${field} = ${value}, and touches RAM no more`, () => {
      const s = new Setup();
      s.arrive(RX);
      s.ring.publish();
      s.poke(SERIAL_RING[field], value);
      s.ring.room();
      s.ring.poll();
      expect(s.ring.fault)
        .to.contain(field === 'txHead' ? 'tx_head' : 'rx_tail')
        .and.to.contain(String(value));
      const writes = s.ram.writes;
      s.guestSends('a');
      expect(s.ring.poll()).to.equal(0);
      expect(s.ring.receive(1, 0)).to.equal(false);
      s.ring.overrun();
      s.ring.modemStatus(1);
      s.clock.advanceTo(10);
      expect([s.ring.room(), s.ram.writes, s.backend.transmitted.length]).to.deep.equal([0, writes, 0]);
    });
  }

  it('does not take an rx_tail that moves back', () => {
    const s = new Setup();
    s.arrive(RX);
    s.ring.publish();
    s.drain();
    s.ring.room();
    s.poke(SERIAL_RING.rxTail, RX - 1);
    expect(s.ring.room()).to.equal(0);
    expect(s.ring.fault).to.contain('rx_tail');
  });

  it('rejects sizes and places that cannot be', () => {
    const { ram, clock } = new Setup();
    const good = { clock, ram, base: BASE, rxEntries: RX, txEntries: TX, doorbell: () => {} };
    for (const wrong of [
      { rxEntries: 0 },
      { rxEntries: 24 },
      { txEntries: 1 },
      { txEntries: 2 ** 31 },
      { base: BASE + 4 },
      { base: RAM + 0x2000 - 64 },
      { base: 0 },
    ])
      expect(() => new SerialRing({ ...good, ...wrong }), JSON.stringify(wrong)).to.throw(VmmError, 'serial ring');
  });

  it('never leaves RAM through 2,000 guests that scribble over the area', () => {
    const random = createRandom('serial ring');
    let stopped = 0;
    let transmitted = 0;
    for (let i = 0; i < 2000; i++) {
      const s = new Setup();
      for (let step = 0; step < 30; step++) {
        // Not over the offsets, by which the guest of this test finds its entries.
        if (random.below(8) === 0) s.poke(0x40 + 4 * random.below(0x70), random.uint32());
        if (random.below(2) === 0) s.arrive(random.below(RX));
        if (random.below(2) === 0 && s.ring.fault === '') s.guestSends('abc'.slice(random.below(3)));
        if (random.below(4) === 0) s.ring.overrun();
        s.clock.advanceTo(s.clock.now() + random.below(2));
        s.ring.poll();
      }
      if (s.ring.fault !== '') stopped++;
      transmitted += s.backend.transmitted.length;
    }
    expect(stopped).to.be.within(100, 1900);
    expect(transmitted).to.be.above(1000);
  });
});
