/** Tests of the virtio network card: frames both ways, their header, what is dropped, and a driver gone wild. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../../base/index.js';
import { VmmError } from '../../errors.js';
import { CheckedRam, randomAccess, TestLine } from '../device-test-kit.js';
import { FRAME_BYTES, type NetworkBackend } from '../network.js';
import { VIRTIO_MMIO, VIRTIO_STATUS } from './virtio-mmio.js';
import { VIRTIO_NET, VirtioNet } from './virtio-net.js';
import { DESCRIPTOR, DriverQueue, VirtioDriver } from './virtio-test-driver.js';

const RAM = 0x8000_0000;
const BUFFER = RAM + 0x4000;
const BUFFER_BYTES = 0x800;
const CAPACITY = 4;
const HEADER = new Array<number>(12).fill(0);

class FrameLog implements NetworkBackend {
  readonly frames: number[][] = [];
  onTransmit: () => void = () => {};

  transmit(frame: Uint8Array, length: number): void {
    this.frames.push([...frame.subarray(0, length)]);
    this.onTransmit();
  }
}

class Setup {
  readonly clock = new VirtualClock();
  readonly line = new TestLine();
  readonly ram = new CheckedRam(RAM, 0x1_0000);
  readonly backend = new FrameLog();
  readonly net: VirtioNet;
  readonly driver: VirtioDriver;
  readonly receiveq = new DriverQueue(this.ram, RAM, 8);
  readonly transmitq = new DriverQueue(this.ram, RAM + 0x1000, 8);

  constructor(mac?: string) {
    const options = { clock: this.clock, line: this.line, ram: this.ram, receiveCapacity: CAPACITY };
    this.net = new VirtioNet(mac === undefined ? options : { ...options, mac });
    this.net.attach(this.backend);
    this.driver = new VirtioDriver(this.net);
  }

  start(): void {
    this.driver.start(this.receiveq, this.transmitq);
  }

  offerReceive(index: number, length = BUFFER_BYTES): void {
    this.receiveq.describe(index, BUFFER + BUFFER_BYTES * index, length, DESCRIPTOR.write);
    this.receiveq.offer(index);
    this.driver.notify(0);
  }

  /** Sends `bytes` behind a header as one buffer. */
  send(bytes: readonly number[], index = 0): void {
    this.ram.poke(BUFFER, Uint8Array.from([...HEADER, ...bytes]));
    this.transmitq.describe(index, BUFFER, 12 + bytes.length);
    this.transmitq.offer(index);
    this.driver.notify(1);
  }

  received(index: number): number[] {
    const [head, length] = this.receiveq.usedElement(index);
    return [...this.ram.peek(BUFFER + BUFFER_BYTES * head, length)];
  }
}

function frame(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => seed + i * 3);
}

describe('VirtioNet', () => {
  it('is device 1 with two queues, its address and a link that is up', () => {
    const s = new Setup('52:54:00:ab:cd:ef');
    expect(s.driver.read(VIRTIO_MMIO.DeviceID)).to.equal(1);
    const bytes = Array.from({ length: 10 }, (_, i) => s.net.read(VIRTIO_MMIO.Config + i, 1));
    expect(bytes).to.deep.equal([0x52, 0x54, 0, 0xab, 0xcd, 0xef, 1, 0, 0, 0]);
    expect(s.net.read(VIRTIO_MMIO.Config, 4)).to.equal(0xab00_5452);
    expect(s.net.read(VIRTIO_MMIO.Config + 6, 2)).to.equal(1);
    s.driver.write(VIRTIO_MMIO.DeviceFeaturesSel, 0);
    const features = s.driver.read(VIRTIO_MMIO.DeviceFeatures);
    expect(features).to.equal(VIRTIO_NET.F_MAC | VIRTIO_NET.F_STATUS | (1 << 28));
  });

  it('refuses an address that no card can have', () => {
    for (const mac of ['', '52:54:00:12:34', '53:54:00:12:34:56', '00:00:00:00:00:00', '52:54:00:12:34:5g'])
      expect(() => new Setup(mac), mac)
        .to.throw(VmmError)
        .with.property('code', 'VMM_CONFIG');
  });

  it('delivers a burst behind headers with num_buffers 1, with one interrupt', () => {
    const s = new Setup();
    s.start();
    for (let i = 0; i < 3; i++) s.offerReceive(i);
    expect(s.net.receive(frame(60), 60)).to.equal(true);
    expect(s.net.receive(frame(FRAME_BYTES, 1), FRAME_BYTES)).to.equal(true);
    expect(s.line.level).to.equal(false);
    s.clock.advanceTo(0);
    expect(s.received(0)).to.deep.equal([...HEADER.with(10, 1), ...frame(60)]);
    expect(s.received(1)).to.deep.equal([...HEADER.with(10, 1), ...frame(FRAME_BYTES, 1)]);
    expect([s.receiveq.usedIndex, s.line.rises]).to.deep.equal([2, 1]);
  });

  it('spreads header and frame over the buffers of a chain, and gives a chain that is too short back empty', () => {
    const s = new Setup();
    s.start();
    s.receiveq.describe(0, BUFFER, 5, DESCRIPTOR.write | DESCRIPTOR.next, 1);
    s.receiveq.describe(1, BUFFER + 5, 0, DESCRIPTOR.write | DESCRIPTOR.next, 2);
    s.receiveq.describe(2, BUFFER + 5, 27, DESCRIPTOR.write);
    s.receiveq.offer(0);
    s.net.receive(frame(20), 20);
    s.net.flushReceive();
    expect(s.received(0)).to.deep.equal([...HEADER.with(10, 1), ...frame(20)]);
    s.receiveq.offer(0);
    s.net.receive(frame(21), 21);
    s.net.flushReceive();
    expect(s.receiveq.usedElement(1)).to.deep.equal([0, 0]);
    expect(s.net.counts).to.include({ received: 1, receiveTruncated: 1 });
  });

  it('keeps frames until there are buffers, as many as it has room for, and counts the others', () => {
    const s = new Setup();
    s.start();
    const taken = Array.from({ length: CAPACITY + 2 }, (_, i) => s.net.receive(frame(20, i), 20));
    expect(taken).to.deep.equal([true, true, true, true, false, false]);
    for (let i = 0; i < 5; i++) s.offerReceive(i);
    s.clock.advanceTo(1);
    expect(s.receiveq.usedIndex).to.equal(CAPACITY);
    expect(s.received(3)[12]).to.equal(3);
    expect(s.net.counts).to.include({ received: CAPACITY, receiveDropped: 2 });
  });

  it('loses frames that arrive without a driver, and those that an earlier driver left', () => {
    const s = new Setup();
    expect(s.net.receive(frame(20), 20)).to.equal(false);
    s.start();
    expect(s.net.receive(frame(20), 20)).to.equal(true);
    s.receiveq.restart();
    s.transmitq.restart();
    s.start();
    s.offerReceive(0);
    s.clock.advanceTo(1);
    expect(s.receiveq.usedIndex).to.equal(0);
    expect(s.net.counts.receiveDropped).to.equal(2);
  });

  it('refuses what is no frame', () => {
    const s = new Setup();
    s.start();
    expect([13, FRAME_BYTES + 1].map((length) => s.net.receive(new Uint8Array(2000), length))).to.deep.equal([
      false,
      false,
    ]);
  });

  it('wants to be notified of buffers only while frames wait for them', () => {
    const s = new Setup();
    s.start();
    s.offerReceive(0);
    s.net.receive(frame(20), 20);
    s.net.flushReceive();
    expect(s.receiveq.quiet).to.equal(true);
    s.net.receive(frame(20), 20);
    s.net.flushReceive();
    expect(s.receiveq.quiet).to.equal(false);
    s.offerReceive(1);
    expect(s.receiveq.usedIndex).to.equal(2);
    expect(s.receiveq.quiet).to.equal(true);
  });

  it('transmits the frame behind the header, however buffers divide the two', () => {
    for (const cut of [1, 11, 12, 13, 30]) {
      const s = new Setup();
      s.start();
      s.ram.poke(BUFFER + 12, frame(60));
      s.transmitq.describe(0, BUFFER, cut, DESCRIPTOR.next, 1);
      s.transmitq.describe(1, BUFFER + cut, 72 - cut);
      s.transmitq.offer(0);
      s.driver.notify(1);
      expect(s.backend.frames, `cut at ${cut}`).to.deep.equal([[...frame(60)]]);
      expect(s.transmitq.usedElement(0)).to.deep.equal([0, 0]);
      expect(s.line.rises).to.equal(1);
    }
  });

  it('drops and counts frames that are too long or too short, and gives their buffers back', () => {
    const s = new Setup();
    s.start();
    for (const [i, length] of [0, 13, 14, FRAME_BYTES, FRAME_BYTES + 1].entries()) s.send([...frame(length)], i);
    s.transmitq.describe(5, BUFFER, 5);
    s.transmitq.offer(5);
    s.driver.notify(1);
    expect(s.backend.frames.map((sent) => sent.length)).to.deep.equal([14, FRAME_BYTES]);
    expect(s.net.counts).to.include({ transmitted: 2, transmitMalformed: 4 });
    expect(s.transmitq.usedIndex).to.equal(6);
  });

  it('takes an answer that comes while its question is being transmitted', () => {
    const s = new Setup();
    s.start();
    s.offerReceive(0);
    s.backend.onTransmit = () => s.net.receive(frame(42), 42);
    s.send([...frame(42)]);
    s.clock.advanceTo(0);
    expect(s.received(0)).to.have.lengthOf(54);
  });

  it('asks for a reset at a broken ring, and works after it', () => {
    const s = new Setup();
    s.start();
    s.transmitq.describe(0, 0x1000_0000, 80);
    s.transmitq.offer(0);
    s.driver.notify(1);
    expect(s.driver.read(VIRTIO_MMIO.Status) & VIRTIO_STATUS.DEVICE_NEEDS_RESET).to.be.above(0);
    expect(s.net.fault).to.contain('not RAM');
    expect(s.net.receive(frame(20), 20)).to.equal(false);
    s.receiveq.restart();
    s.transmitq.restart();
    s.start();
    s.send([...frame(30)]);
    expect(s.backend.frames).to.have.lengthOf(1);
  });

  it('bears 100,000 random accesses by a driver that scribbles over its rings', () => {
    const random = createRandom('virtio net');
    const s = new Setup();
    const favourites = [...Object.values(VIRTIO_MMIO), VIRTIO_MMIO.Config + 4];
    const bytes = new Uint8Array(2048);
    for (let i = 0; i < 100_000; i++) {
      if (random.below(200) === 0) restart(s, random.below(2) === 0);
      if (random.below(8) === 0) randomAccess(random, s.net, 0x1000, favourites);
      if (random.below(16) === 0) s.ram.pokeU16(RAM + 2 * random.below(0x1000), random.below(0x1_0000));
      if (random.below(16) === 0) s.offerReceive(random.below(8), random.below(128));
      s.driver.notify(random.below(2));
      s.net.receive(bytes, random.below(100));
      if (random.below(4) === 0) s.clock.advanceTo(s.clock.now() + 1);
    }
    expect(s.backend.frames.length).to.be.above(1000);
    expect(s.net.counts.received).to.be.above(100);
    expect(s.net.counts.receiveTruncated).to.be.above(10);
  });
});

function restart(s: Setup, clean: boolean): void {
  if (clean) s.ram.bytes.fill(0);
  s.receiveq.restart();
  s.transmitq.restart();
  s.start();
  for (let i = 0; i < 8; i++) s.transmitq.describe(i, BUFFER + 0x800 + i, 20 + 9 * i);
  for (let i = 0; i < 6; i++) s.transmitq.offer(i);
}
