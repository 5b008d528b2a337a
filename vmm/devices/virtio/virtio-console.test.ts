/** Tests of the virtio console: characters both ways, one interrupt for each burst, and a driver gone wild. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../../base/index.js';
import { LINE_STATUS } from '../character.js';
import { CheckedRam, randomAccess, TestBackend, TestLine } from '../device-test-kit.js';
import { VirtioConsole } from './virtio-console.js';
import { VIRTIO_MMIO, VIRTIO_STATUS } from './virtio-mmio.js';
import { DESCRIPTOR, DriverQueue, VirtioDriver } from './virtio-test-driver.js';

const RAM = 0x8000_0000;
const BUFFER = RAM + 0x4000;
const CAPACITY = 100;

class Setup {
  readonly clock = new VirtualClock();
  readonly line = new TestLine();
  readonly ram = new CheckedRam(RAM, 0x1_0000);
  readonly backend = new TestBackend();
  readonly console = new VirtioConsole({
    clock: this.clock,
    line: this.line,
    ram: this.ram,
    receiveCapacity: CAPACITY,
  });
  readonly driver = new VirtioDriver(this.console);
  readonly receiveq = new DriverQueue(this.ram, RAM, 8);
  readonly transmitq = new DriverQueue(this.ram, RAM + 0x1000, 8);

  constructor() {
    this.console.attach(this.backend);
  }

  start(): void {
    this.driver.start(this.receiveq, this.transmitq);
  }

  offerReceive(index: number, length: number): void {
    this.receiveq.describe(index, BUFFER + 0x100 * index, length, DESCRIPTOR.write);
    this.receiveq.offer(index);
    this.driver.notify(0);
  }

  /** Offers characters; returns how many were taken. */
  arrive(text: string): number {
    let taken = 0;
    for (const c of text) if (this.console.receive(c.charCodeAt(0), 0)) taken++;
    return taken;
  }

  received(index: number): string {
    const [head, length] = this.receiveq.usedElement(index);
    return String.fromCharCode(...this.ram.peek(BUFFER + 0x100 * head, length));
  }

  acknowledge(): void {
    this.driver.write(VIRTIO_MMIO.InterruptACK, 3);
  }
}

describe('VirtioConsole', () => {
  it('is device 3 with two queues', () => {
    const s = new Setup();
    expect(s.driver.read(VIRTIO_MMIO.DeviceID)).to.equal(3);
    const sizes = [0, 1, 2].map((index) => {
      s.driver.write(VIRTIO_MMIO.QueueSel, index);
      return s.driver.read(VIRTIO_MMIO.QueueNumMax);
    });
    expect(sizes).to.deep.equal([64, 64, 0]);
  });

  it('delivers a burst with one DMA write of its characters and one interrupt', () => {
    const s = new Setup();
    s.start();
    s.offerReceive(0, 64);
    const before = s.ram.writes;
    s.arrive('$GPGGA,1');
    expect(s.line.level).to.equal(false);
    s.console.flushReceive();
    expect(s.received(0)).to.equal('$GPGGA,1');
    expect(s.line.rises).to.equal(1);
    expect(s.ram.writes - before, 'characters, used element, used index').to.equal(3);
  });

  it('delivers at the same instant by itself when nobody ends the burst, and only once', () => {
    const s = new Setup();
    s.start();
    s.offerReceive(0, 64);
    s.offerReceive(1, 64);
    s.clock.advanceTo(1000);
    s.arrive('abc');
    s.clock.advanceTo(1000);
    expect(s.received(0)).to.equal('abc');
    s.console.flushReceive();
    expect(s.receiveq.usedIndex).to.equal(1);
    expect(s.line.rises).to.equal(1);
  });

  it('fills as many buffers as the burst needs, still with one interrupt', () => {
    const s = new Setup();
    s.start();
    for (let i = 0; i < 4; i++) s.offerReceive(i, 4);
    s.arrive('0123456789');
    s.console.flushReceive();
    expect([s.received(0), s.received(1), s.received(2)]).to.deep.equal(['0123', '4567', '89']);
    expect(s.receiveq.usedIndex).to.equal(3);
    expect(s.line.rises).to.equal(1);
  });

  it('fills a chain of several buffers', () => {
    const s = new Setup();
    s.start();
    s.receiveq.describe(0, BUFFER, 3, DESCRIPTOR.write | DESCRIPTOR.next, 1);
    s.receiveq.describe(1, BUFFER + 3, 3, DESCRIPTOR.write);
    s.receiveq.offer(0);
    s.arrive('abcde');
    s.console.flushReceive();
    expect(s.received(0)).to.equal('abcde');
  });

  it('keeps characters until the driver is there and has offered buffers', () => {
    const s = new Setup();
    s.arrive('early');
    s.clock.advanceTo(10);
    s.start();
    s.offerReceive(0, 64);
    expect(s.received(0)).to.equal('early');
  });

  it('refuses what exceeds its capacity, and tells of room once there is some', () => {
    const s = new Setup();
    s.start();
    expect(s.arrive('x'.repeat(CAPACITY + 5))).to.equal(CAPACITY);
    expect(s.console.room()).to.equal(0);
    s.offerReceive(0, 30);
    expect(s.backend.roomCalls).to.equal(1);
    expect(s.console.room()).to.equal(30);
    s.offerReceive(1, 30);
    expect(s.backend.roomCalls).to.equal(1);
  });

  it('wants to be notified of buffers only while characters wait for them', () => {
    const s = new Setup();
    s.start();
    const offer = (index: number): void => {
      s.receiveq.describe(index, BUFFER + 0x100 * index, 4, DESCRIPTOR.write);
      s.receiveq.offer(index);
    };
    expect(s.receiveq.quiet).to.equal(false);
    offer(0);
    s.arrive('abcd');
    s.console.flushReceive();
    expect(s.received(0)).to.equal('abcd');
    expect(s.receiveq.quiet).to.equal(true);

    offer(1);
    s.arrive('efgh');
    s.console.flushReceive();
    expect(s.received(1), 'without a notification').to.equal('efgh');
    expect(s.receiveq.quiet).to.equal(true);

    offer(2);
    s.arrive('ijklmn');
    s.console.flushReceive();
    expect(s.received(2)).to.equal('ijkl');
    expect(s.receiveq.quiet, 'with two characters left').to.equal(false);
    offer(3);
    s.driver.notify(0);
    expect(s.received(3)).to.equal('mn');
    expect(s.receiveq.quiet).to.equal(true);

    s.arrive('o');
    s.console.flushReceive();
    expect(s.receiveq.usedIndex).to.equal(4);
    expect(s.receiveq.quiet, 'without any buffer').to.equal(false);
    s.acknowledge();
    offer(4);
    s.driver.notify(0);
    expect(s.received(4)).to.equal('o');
    expect(s.line.level).to.equal(true);
  });

  it('transmits what the driver offers, readable buffers only, at the notification', () => {
    const s = new Setup();
    s.start();
    s.ram.poke(BUFFER, new TextEncoder().encode('hello world'));
    s.transmitq.describe(0, BUFFER, 6, DESCRIPTOR.next, 1);
    s.transmitq.describe(1, BUFFER + 6, 5, DESCRIPTOR.next, 2);
    s.transmitq.describe(2, BUFFER + 64, 5, DESCRIPTOR.write);
    s.transmitq.offer(0);
    expect(s.backend.text).to.equal('');
    s.driver.notify(1);
    expect(s.backend.text).to.equal('hello world');
    expect(s.transmitq.usedElement(0)).to.deep.equal([0, 0]);
    expect(s.line.rises).to.equal(1);
  });

  it('leaves what one notification offers beyond 256 KiB for a millisecond later, and forgets it at a reset', () => {
    const s = new Setup();
    const BYTES = 0x8000;
    const CHAINS = 24;
    let characters = 0;
    s.backend.transmit = () => characters++;
    const queue = new DriverQueue(s.ram, RAM + 0x1000, 32);
    s.driver.start(s.receiveq, queue);
    queue.describe(0, BUFFER, BYTES);
    const offerAll = (): void => {
      for (let i = 0; i < CHAINS; i++) queue.offer(0);
      s.driver.notify(1);
    };
    offerAll();
    expect(characters).to.equal(8 * BYTES);
    // Whoever notifies again has no more of it.
    s.driver.notify(1);
    expect(characters).to.equal(8 * BYTES);
    s.clock.advanceTo(1e6);
    expect(characters).to.equal(16 * BYTES);
    s.clock.advanceTo(3e6);
    expect(characters).to.equal(CHAINS * BYTES);
    expect(queue.usedIndex).to.equal(CHAINS);
    offerAll();
    s.driver.write(VIRTIO_MMIO.Status, 0);
    s.clock.advanceTo(1e9);
    expect(characters).to.equal((CHAINS + 8) * BYTES);
  });

  it('transmits a buffer of 10,000 bytes whole', () => {
    const s = new Setup();
    s.start();
    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i * 7);
    s.ram.poke(BUFFER, bytes);
    s.transmitq.describe(0, BUFFER, bytes.length);
    s.transmitq.offer(0);
    s.driver.notify(1);
    expect(s.backend.transmitted).to.deep.equal([...bytes]);
  });

  it('does not interrupt a driver that polls', () => {
    const s = new Setup();
    s.start();
    s.ram.pokeU16(s.receiveq.available, 1);
    s.offerReceive(0, 8);
    s.arrive('a');
    s.console.flushReceive();
    expect(s.received(0)).to.equal('a');
    expect(s.line.level).to.equal(false);
  });

  it('counts what a console cannot show, and delivers no data for a break', () => {
    const s = new Setup();
    s.start();
    s.offerReceive(0, 8);
    s.console.receive(0x41, LINE_STATUS.parity);
    s.console.receive(0, LINE_STATUS.break | LINE_STATUS.framing);
    s.console.overrun();
    s.console.flushReceive();
    expect(s.received(0)).to.equal('A');
    expect(s.console.counts).to.deep.equal({ overruns: 1, lineErrors: 1, breaks: 1 });
  });

  it('asks for a reset at a broken ring, leaves RAM alone until then, and works after it', () => {
    const s = new Setup();
    s.start();
    s.offerReceive(0, 8);
    s.transmitq.describe(0, 0x1000_0000, 8);
    s.transmitq.offer(0);
    s.driver.notify(1);
    expect(s.driver.read(VIRTIO_MMIO.Status) & VIRTIO_STATUS.DEVICE_NEEDS_RESET).to.be.above(0);
    expect(s.console.fault).to.contain('not RAM');
    expect(s.line.level).to.equal(true);
    const writes = s.ram.writes;
    s.arrive('lost?');
    s.clock.advanceTo(5);
    expect(s.ram.writes).to.equal(writes);
    s.ram.bytes.fill(0);
    const again = new DriverQueue(s.ram, RAM, 8);
    s.driver.start(again, new DriverQueue(s.ram, RAM + 0x1000, 8));
    again.describe(0, BUFFER, 64, DESCRIPTOR.write);
    again.offer(0);
    s.driver.notify(0);
    expect(s.received(0)).to.equal('lost?');
  });

  it('bears 100,000 random accesses by a driver that scribbles over its rings', () => {
    const random = createRandom('virtio console');
    const s = new Setup();
    const favourites = Object.values(VIRTIO_MMIO);
    for (let i = 0; i < 100_000; i++) {
      if (random.below(200) === 0) restart(s, random.below(2) === 0);
      if (random.below(8) === 0) randomAccess(random, s.console, 0x1000, favourites);
      if (random.below(16) === 0) s.ram.pokeU16(RAM + 2 * random.below(0x1000), random.below(0x1_0000));
      if (random.below(16) === 0) s.offerReceive(random.below(8), random.below(64));
      s.driver.notify(random.below(2));
      s.console.receive(random.below(256), 0);
      if (random.below(4) === 0) s.clock.advanceTo(s.clock.now() + 1);
      expect(s.console.room()).to.be.within(0, CAPACITY);
    }
    expect(s.backend.transmitted.length).to.be.above(1000);
    expect(s.backend.roomCalls).to.be.above(20);
  });
});

function restart(s: Setup, clean: boolean): void {
  if (clean) s.ram.bytes.fill(0);
  s.receiveq.restart();
  s.transmitq.restart();
  s.start();
  for (let i = 0; i < 8; i++) s.transmitq.describe(i, BUFFER + 0x800 + i, 1 + i);
  for (let i = 0; i < 4; i++) s.transmitq.offer(i);
}
