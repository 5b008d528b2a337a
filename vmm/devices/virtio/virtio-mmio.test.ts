/** Tests of the virtio-mmio transport: registers, negotiation, status, interrupts, reset. */

import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { CheckedRam, randomAccess, TestLine } from '../device-test-kit.js';
import { SplitQueue } from './split-queue.js';
import { VIRTIO_INTERRUPT, VIRTIO_MMIO, VIRTIO_STATUS, type VirtioDevice, VirtioMmio } from './virtio-mmio.js';
import { DriverQueue, VirtioDriver } from './virtio-test-driver.js';

const RAM = 0x8000_0000;
const { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, DEVICE_NEEDS_RESET } = VIRTIO_STATUS;

class Setup {
  readonly ram = new CheckedRam(RAM, 0x1_0000);
  readonly line = new TestLine();
  readonly queues = [new SplitQueue(this.ram, 64), new SplitQueue(this.ram, 16)];
  readonly log: string[] = [];
  readonly device: VirtioDevice = {
    deviceId: 3,
    featuresLow: (1 << 28) | 1,
    featuresHigh: 2,
    queues: this.queues,
    readConfig: (offset, size) => {
      this.log.push(`config r${offset}/${size}`);
      return 0x2a;
    },
    writeConfig: (offset, size, value) => this.log.push(`config w${offset}/${size}=${value}`),
    notified: (index) => this.log.push(`notified ${index}`),
    started: () => this.log.push('started'),
  };
  readonly mmio = new VirtioMmio(this.device, this.line);
  readonly driver = new VirtioDriver(this.mmio);
  readonly rings = [new DriverQueue(this.ram, RAM, 8), new DriverQueue(this.ram, RAM + 0x1000, 8)];

  get status(): number {
    return this.driver.read(VIRTIO_MMIO.Status);
  }
}

describe('VirtioMmio', () => {
  it('identifies itself', () => {
    const { driver } = new Setup();
    const { MagicValue, Version, DeviceID, VendorID } = VIRTIO_MMIO;
    expect([driver.read(MagicValue), driver.read(Version), driver.read(DeviceID)]).to.deep.equal([0x7472_6976, 2, 3]);
    expect(driver.read(VendorID)).to.be.above(0);
  });

  it('offers its features and VERSION_1, word by word', () => {
    const { driver } = new Setup();
    const words = [0, 1, 2, 0xffff_ffff].map((word) => {
      driver.write(VIRTIO_MMIO.DeviceFeaturesSel, word);
      return driver.read(VIRTIO_MMIO.DeviceFeatures);
    });
    expect(words).to.deep.equal([0x1000_0001, 3, 0, 0]);
  });

  it('accepts a subset of its features with VERSION_1, and nothing else', () => {
    for (const [low, high, accepted] of [
      [0, 1, true],
      [0x1000_0001, 3, true],
      [0, 0, false],
      [2, 1, false],
      [0, 5, false],
      [0x8000_0000, 1, false],
    ] as const) {
      const s = new Setup();
      new VirtioDriver(s.mmio, [low, high]).negotiate();
      expect((s.status & FEATURES_OK) !== 0, `${low} ${high}`).to.equal(accepted);
    }
  });

  it('does not run without FEATURES_OK', () => {
    const s = new Setup();
    s.driver.write(VIRTIO_MMIO.Status, ACKNOWLEDGE | DRIVER | DRIVER_OK);
    s.driver.notify(0);
    expect(s.mmio.running).to.equal(false);
    expect(s.log).to.deep.equal([]);
  });

  it('starts at DRIVER_OK once, tells the queues what was negotiated, and passes notifications on', () => {
    const s = new Setup();
    s.driver.start(...s.rings);
    s.driver.write(VIRTIO_MMIO.Status, s.status);
    expect(s.mmio.running).to.equal(true);
    expect(s.queues.map((q) => q.indirectDescriptors)).to.deep.equal([true, true]);
    s.driver.notify(1);
    s.driver.notify(2);
    s.driver.notify(0xffff_ffff);
    expect(s.log).to.deep.equal(['started', 'notified 1']);
  });

  it('takes no features after FEATURES_OK and no queue address while the queue is ready', () => {
    const s = new Setup();
    s.driver.start(...s.rings);
    s.driver.write(VIRTIO_MMIO.DriverFeatures, 0xffff_ffff);
    s.driver.write(VIRTIO_MMIO.QueueSel, 0);
    s.driver.write(VIRTIO_MMIO.QueueDescLow, 0);
    s.driver.write(VIRTIO_MMIO.QueueNum, 1);
    expect([s.queues[0].descriptorArea, s.queues[0].size]).to.deep.equal([RAM, 8]);
    expect(s.status).to.equal(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
  });

  it('assembles 64-bit queue addresses in either order', () => {
    const s = new Setup();
    s.driver.write(VIRTIO_MMIO.QueueDescHigh, 0x12);
    s.driver.write(VIRTIO_MMIO.QueueDescLow, 0x8000_0010);
    s.driver.write(VIRTIO_MMIO.QueueDescHigh, 0x1);
    expect(s.queues[0].descriptorArea).to.equal(0x1_8000_0010);
  });

  it('tells the size of each queue, 0 for one that does not exist', () => {
    const s = new Setup();
    const sizes = [0, 1, 2, 0xffff_ffff].map((index) => {
      s.driver.write(VIRTIO_MMIO.QueueSel, index);
      return s.driver.read(VIRTIO_MMIO.QueueNumMax);
    });
    expect(sizes).to.deep.equal([64, 16, 0, 0]);
    s.driver.write(VIRTIO_MMIO.QueueReady, 1);
    expect(s.driver.read(VIRTIO_MMIO.QueueReady)).to.equal(0);
  });

  it('lowers its line when every interrupt is acknowledged', () => {
    const s = new Setup();
    s.driver.start(...s.rings);
    s.mmio.interrupt();
    s.mmio.fail('test');
    expect(s.driver.read(VIRTIO_MMIO.InterruptStatus)).to.equal(3);
    s.driver.write(VIRTIO_MMIO.InterruptACK, VIRTIO_INTERRUPT.usedBuffer);
    expect(s.line.level).to.equal(true);
    s.driver.write(VIRTIO_MMIO.InterruptACK, VIRTIO_INTERRUPT.configurationChange);
    expect(s.line.level).to.equal(false);
  });

  it('asks for a reset when a queue cannot be as programmed, and works after it', () => {
    const s = new Setup();
    s.driver.negotiate();
    s.driver.program(0, s.rings[0], 3);
    expect(s.status & DEVICE_NEEDS_RESET).to.equal(DEVICE_NEEDS_RESET);
    expect(s.mmio.fault).to.contain('queue size 3');
    s.driver.write(VIRTIO_MMIO.Status, s.status | DRIVER_OK);
    expect(s.mmio.running).to.equal(false);
    expect(s.line.level, 'the driver was not ready to be told').to.equal(false);
    s.driver.start(...s.rings);
    expect(s.mmio.running).to.equal(true);
    expect(s.mmio.fault).to.equal('');
  });

  it('tells a running driver of the need for a reset, once, with a new configuration generation', () => {
    const s = new Setup();
    s.driver.start(...s.rings);
    const generation = s.driver.read(VIRTIO_MMIO.ConfigGeneration);
    s.mmio.fail('first');
    s.mmio.fail('second');
    expect(s.mmio.fault).to.equal('first');
    expect(s.line.rises).to.equal(1);
    expect(s.driver.read(VIRTIO_MMIO.ConfigGeneration)).to.not.equal(generation);
  });

  it('forgets everything at a reset', () => {
    const s = new Setup();
    s.driver.start(...s.rings);
    s.mmio.interrupt();
    s.driver.write(VIRTIO_MMIO.Status, 0);
    expect([s.status, s.driver.read(VIRTIO_MMIO.InterruptStatus), s.line.level]).to.deep.equal([0, 0, false]);
    expect(s.queues.map((q) => q.ready)).to.deep.equal([false, false]);
  });

  it('has no shared memory, and answers narrow accesses in the configuration space alone', () => {
    const s = new Setup();
    expect(s.driver.read(VIRTIO_MMIO.SHMLenLow)).to.equal(0xffff_ffff);
    expect(s.mmio.read(VIRTIO_MMIO.MagicValue, 1)).to.equal(0);
    s.mmio.write(VIRTIO_MMIO.Status, 1, 1);
    expect(s.status).to.equal(0);
    expect(s.mmio.read(VIRTIO_MMIO.Config + 2, 2)).to.equal(0x2a);
    s.mmio.write(VIRTIO_MMIO.Config + 8, 1, 7);
    expect(s.log).to.deep.equal(['config r2/2', 'config w8/1=7']);
  });

  it('bears 100,000 random accesses', () => {
    const random = createRandom('virtio registers');
    const s = new Setup();
    const favourites = Object.values(VIRTIO_MMIO);
    for (let i = 0; i < 100_000; i++) {
      if (random.below(500) === 0) s.driver.start(...s.rings);
      randomAccess(random, s.mmio, 0x1000, favourites);
      for (const queue of s.queues) if (queue.ready) queue.next();
    }
    expect(s.log.filter((entry) => entry === 'started').length).to.be.above(100);
  });
});
