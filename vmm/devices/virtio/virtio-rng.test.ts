/** Tests of the virtio entropy device: who gets which bytes, and a driver gone wild. */

import { expect } from 'chai';
import { CheckedRam, TestLine } from '../device-test-kit.js';
import { VIRTIO_MMIO, VIRTIO_STATUS } from './virtio-mmio.js';
import { VirtioRng } from './virtio-rng.js';
import { DESCRIPTOR, DriverQueue, VirtioDriver } from './virtio-test-driver.js';

const RAM = 0x8000_0000;
const BUFFER = RAM + 0x2000;

class Setup {
  readonly line = new TestLine();
  readonly ram = new CheckedRam(RAM, 0x1_0000);
  #next = 0;
  /** Counts up, so that every byte tells its place in the source. */
  readonly rng = new VirtioRng({
    line: this.line,
    ram: this.ram,
    fill: (target, length) => {
      for (let i = 0; i < length; i++) target[i] = ++this.#next;
    },
  });
  readonly driver = new VirtioDriver(this.rng);
  readonly queue = new DriverQueue(this.ram, RAM, 8);
}

describe('VirtioRng', () => {
  it('is device 4 with one queue', () => {
    const { driver } = new Setup();
    expect(driver.read(VIRTIO_MMIO.DeviceID)).to.equal(4);
    const sizes = [0, 1].map((index) => {
      driver.write(VIRTIO_MMIO.QueueSel, index);
      return driver.read(VIRTIO_MMIO.QueueNumMax);
    });
    expect(sizes).to.deep.equal([8, 0]);
  });

  it('fills the writable buffers of every request with the next bytes of its source, and interrupts once', () => {
    const s = new Setup();
    s.driver.start(s.queue);
    s.queue.describe(0, BUFFER, 3, DESCRIPTOR.write | DESCRIPTOR.next, 1);
    s.queue.describe(1, BUFFER + 0x10, 2, DESCRIPTOR.write);
    s.queue.describe(2, BUFFER + 0x20, 4, DESCRIPTOR.write);
    s.queue.offer(0);
    s.queue.offer(2);
    s.driver.notify(0);
    expect([...s.ram.peek(BUFFER, 4)]).to.deep.equal([1, 2, 3, 0]);
    expect([...s.ram.peek(BUFFER + 0x10, 3)]).to.deep.equal([4, 5, 0]);
    expect([...s.ram.peek(BUFFER + 0x20, 5)]).to.deep.equal([6, 7, 8, 9, 0]);
    expect([s.queue.usedElement(0), s.queue.usedElement(1)]).to.deep.equal([
      [0, 5],
      [2, 4],
    ]);
    expect(s.line.rises).to.equal(1);
  });

  it('answers requests that came before the driver was ready, and after', () => {
    const s = new Setup();
    s.queue.describe(0, BUFFER, 1, DESCRIPTOR.write);
    s.queue.offer(0);
    s.driver.start(s.queue);
    expect(s.queue.usedIndex).to.equal(1);
  });

  it('gives 4,096 bytes at most, and none to a request without a writable buffer', () => {
    const s = new Setup();
    s.driver.start(s.queue);
    s.queue.describe(0, BUFFER, 5000, DESCRIPTOR.write);
    s.queue.describe(1, BUFFER, 16);
    s.queue.offer(0);
    s.queue.offer(1);
    s.driver.notify(0);
    expect([s.queue.usedElement(0), s.queue.usedElement(1)]).to.deep.equal([
      [0, 4096],
      [1, 0],
    ]);
    expect([...s.ram.peek(BUFFER + 4095, 2)]).to.deep.equal([0, 0]);
  });

  it('answers what came before a broken chain, then asks for a reset', () => {
    const s = new Setup();
    s.driver.start(s.queue);
    s.queue.describe(0, BUFFER, 4, DESCRIPTOR.write);
    s.queue.describe(1, 0x1000, 4, DESCRIPTOR.write);
    s.queue.offer(0);
    s.queue.offer(1);
    s.driver.notify(0);
    expect(s.queue.usedIndex).to.equal(1);
    expect(s.rng.fault).to.contain('not RAM');
    expect(s.driver.read(VIRTIO_MMIO.Status) & VIRTIO_STATUS.DEVICE_NEEDS_RESET).to.be.above(0);
  });
});
