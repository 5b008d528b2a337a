/** Tests of the URB device: configuration space, plugging, interrupts. */

import { expect } from 'chai';
import { VirtualClock } from '../../../base/index.js';
import { CheckedRam, TestLine } from '../device-test-kit.js';
import { KeptUrbs, TEST_PLUG, UrbTestDriver } from '../urb-test-kit.js';
import { VIRTIO_INTERRUPT, VIRTIO_MMIO } from './virtio-mmio.js';
import { DriverQueue, VirtioDriver } from './virtio-test-driver.js';
import { VirtioUsb } from './virtio-usb.js';

const RAM = 0x8000_0000;

function setup() {
  const clock = new VirtualClock();
  const ram = new CheckedRam(RAM, 0x1_0000);
  const line = new TestLine();
  const device = new VirtioUsb({ clock, line, ram });
  const backend = new KeptUrbs();
  device.attach(backend);
  const transport = new VirtioDriver(device);
  const queue = new DriverQueue(ram, RAM, 16);
  const config = (): number[] => [0, 4, 8, 12].map((offset) => transport.read(VIRTIO_MMIO.Config + offset));
  return { clock, ram, line, device, backend, transport, queue, config };
}

describe('VirtioUsb', () => {
  it('is device 0x5255 with one queue of 64', () => {
    const { transport, config } = setup();
    expect(transport.read(VIRTIO_MMIO.DeviceID)).to.equal(0x5255);
    expect(transport.read(VIRTIO_MMIO.QueueNumMax)).to.equal(64);
    transport.write(VIRTIO_MMIO.QueueSel, 1);
    expect(transport.read(VIRTIO_MMIO.QueueNumMax)).to.equal(0);
    expect(config()).to.deep.equal([0, 0, 0, 0]);
    expect(transport.device.read(VIRTIO_MMIO.Config + 16, 4)).to.equal(0);
  });

  it('tells of plugging by its configuration and an interrupt, with a generation that grows', () => {
    const { transport, device, line, queue, config } = setup();
    device.plugged(TEST_PLUG);
    expect(line.level).to.equal(false);
    expect(config()).to.deep.equal([2, 0x1_0003, 1, 1]);
    transport.start(queue);
    const before = transport.read(VIRTIO_MMIO.ConfigGeneration);
    device.plugged(undefined);
    expect(config()).to.deep.equal([2, 0x1_0003, 0, 2]);
    expect(line.level).to.equal(true);
    expect(transport.read(VIRTIO_MMIO.InterruptStatus)).to.equal(VIRTIO_INTERRUPT.configurationChange);
    expect(transport.read(VIRTIO_MMIO.ConfigGeneration)).to.equal(before + 1);
  });

  it('shows completions at the same instant when nobody flushes', () => {
    const { clock, ram, transport, device, backend, queue, line } = setup();
    device.plugged(TEST_PLUG);
    transport.start(queue);
    const driver = new UrbTestDriver(ram, queue, RAM + 0x1000, 4);
    driver.offer({ seqnum: 1, direction: 1, ep: 1, length: 2 });
    transport.notify(0);
    backend.complete(device, 0, [1]);
    expect([driver.returns().length, line.level]).to.deep.equal([0, false]);
    clock.advanceTo(clock.now());
    expect([driver.returns().length, line.level]).to.deep.equal([1, true]);
  });

  it('takes requests that were there before the driver was ready', () => {
    const { ram, transport, device, backend, queue } = setup();
    device.plugged(TEST_PLUG);
    new UrbTestDriver(ram, queue, RAM + 0x1000, 4).offer({ seqnum: 1, direction: 1, ep: 1, length: 2 });
    transport.start(queue);
    expect(backend.submitted).to.equal(1);
  });
});
