/** Tests of URB requests over the paravirtual device: fields, order, errors of the guest, unlink, reset. */

import { expect } from 'chai';
import { URB_STATUS, VirtualClock } from '../../base/index.js';
import { CheckedRam, TestLine } from './device-test-kit.js';
import { URB_COMMAND, URB_MAX_BYTES, URBS_IN_FLIGHT } from './urb-request.js';
import { KeptUrbs, TEST_PLUG, UrbTestDriver } from './urb-test-kit.js';
import { VIRTIO_MMIO } from './virtio/virtio-mmio.js';
import { DriverQueue, VirtioDriver } from './virtio/virtio-test-driver.js';
import { VirtioUsb } from './virtio/virtio-usb.js';

const RAM = 0x8000_0000;

function setup(places = 8) {
  const ram = new CheckedRam(RAM, 0x20_0000);
  const line = new TestLine();
  const device = new VirtioUsb({ clock: new VirtualClock(), line, ram });
  const backend = new KeptUrbs();
  device.attach(backend);
  device.plugged(TEST_PLUG);
  const transport = new VirtioDriver(device);
  const queue = new DriverQueue(ram, RAM, 64);
  transport.start(queue);
  const driver = new UrbTestDriver(ram, queue, RAM + 0x1000, places);
  const kick = (): void => transport.notify(0);
  return { ram, line, device, backend, transport, queue, driver, kick };
}

describe('URB requests', () => {
  it('become URBs with every field, and returns with the bytes that came', () => {
    const { driver, kick, backend, device } = setup();
    driver.offer({ seqnum: 7, devid: 0x1_0003, direction: 1, ep: 1, flags: 0x41, length: 8, interval: 10 });
    kick();
    const [urb] = backend.waiting;
    expect(urb).to.include({ id: 7, endpointAddress: 0x81, length: 8, flags: 0x41, interval: 10 });
    expect(urb.data.length).to.be.at.least(8);
    expect(driver.returns()).to.deep.equal([]);
    backend.complete(device, 0, [1, 2, 3]);
    device.flush();
    expect(driver.returns()).to.deep.equal([
      {
        command: URB_COMMAND.returnSubmit,
        seqnum: 7,
        devid: 0x1_0003,
        direction: 1,
        ep: 1,
        status: 0,
        actual: 3,
        written: 51,
        data: [1, 2, 3],
      },
    ]);
  });

  it('carry OUT data and SETUP', () => {
    const { driver, kick, backend, device } = setup();
    driver.offer({ seqnum: 1, setup: [0x40, 0x14, 1, 0, 2, 0, 3, 0], out: [9, 8, 7] });
    kick();
    expect([...backend.waiting[0].setup]).to.deep.equal([0x40, 0x14, 1, 0, 2, 0, 3, 0]);
    expect([...backend.waiting[0].data.subarray(0, 3)]).to.deep.equal([9, 8, 7]);
    backend.complete(device);
    device.flush();
    expect(driver.returns()[0]).to.include({ status: 0, actual: 3, written: 48 });
  });

  it('hand over what came before an error', () => {
    const { driver, kick, backend, device } = setup();
    driver.offer({ seqnum: 1, direction: 1, ep: 1, length: 8 });
    kick();
    backend.complete(device, URB_STATUS.stall, [5]);
    device.flush();
    expect(driver.returns()[0]).to.deep.include({ status: -32, actual: 1, data: [5] });
  });

  it('may be framed by other descriptors than header, data and return', () => {
    const { ram, queue, driver, kick, backend, device } = setup();
    driver.offer({ seqnum: 3, ep: 2, length: 3 });
    // The request in pieces of 20, 28 and 3 bytes, the return in pieces of 1 and 47.
    const at = RAM + 0x1000;
    ram.poke(at + 48, Uint8Array.of(4, 5, 6));
    for (const [i, [gpa, length, flags]] of [
      [at, 20, 1],
      [at + 20, 28, 1],
      [at + 48, 3, 1],
      [at + 0x800, 1, 3],
      [at + 0x801, 47, 2],
    ].entries())
      queue.describe(i, gpa, length, flags, i + 1);
    kick();
    expect([...backend.waiting[0].data.subarray(0, 3)]).to.deep.equal([4, 5, 6]);
    backend.complete(device);
    device.flush();
    expect(driver.returns()[0]).to.include({ seqnum: 3, actual: 3 });
  });

  it('may lie in indirect tables, so that as many are in flight as the queue has entries', () => {
    const { ram, queue, kick, backend, device } = setup();
    const [header, back, tables] = [RAM + 0x1000, RAM + 0x2000, RAM + 0x10_0000];
    for (let i = 0; i < 64; i++) {
      [1, i, 0, 1, 1, 0, 16, 0, 0, 0].forEach((word, at) => {
        ram.pokeU32(header + 48 * i + 4 * at, word);
      });
      queue.describeAt(tables + 32 * i, header + 48 * i, 48, 1, 1);
      queue.describeAt(tables + 32 * i + 16, back + 64 * i, 64, 2);
      queue.describe(i, tables + 32 * i, 32, 4);
      queue.offer(i);
    }
    kick();
    expect(backend.waiting.map(({ id }) => id)).to.deep.equal(Array.from({ length: 64 }, (_, i) => i));
    while (backend.waiting.length > 0) backend.complete(device, 0, [7, 8]);
    device.flush();
    expect(queue.usedIndex).to.equal(64);
    expect(queue.usedElement(63)).to.deep.equal([63, 50]);
    expect([...ram.peek(back + 64 * 63 + 48, 2)]).to.deep.equal([7, 8]);
  });

  it('complete in the order of their ends, with one interrupt for a burst', () => {
    const { driver, kick, backend, device, line } = setup();
    for (const seqnum of [1, 2, 3]) driver.offer({ seqnum, direction: 1, ep: seqnum, length: 4 });
    kick();
    const rises = line.rises;
    const [first, second, third] = backend.waiting;
    for (const urb of [third, first, second]) backend.complete(device, 0, [], urb);
    device.flush();
    expect(driver.returns().map(({ seqnum }) => seqnum)).to.deep.equal([3, 1, 2]);
    expect(line.rises - rises).to.equal(1);
  });

  for (const [what, request] of [
    ['an unknown command', { command: 9 }],
    ['isochronous packets', { direction: 1, ep: 1, length: 4, packets: 2 }],
    ['more than 65,536 bytes', { direction: 1, ep: 1, length: URB_MAX_BYTES + 1, room: 4 }],
    ['more OUT data than it has', { ep: 1, length: 5, out: [1, 2] }],
    ['more IN data than it has room for', { direction: 1, ep: 1, length: 5, room: 4 }],
    ['a direction that is none', { direction: 2 }],
    ['an endpoint that cannot be', { ep: 16 }],
    ['a SETUP of another length', { direction: 1, length: 4, setup: [0x80, 6, 0, 1, 0, 0, 18, 0] }],
    ['a SETUP of another direction', { direction: 1, length: 4, setup: [0x40, 6, 0, 1, 0, 0, 4, 0] }],
  ] as const) {
    it(`end with -EINVAL for ${what}, and harm nothing else`, () => {
      const { driver, kick, backend, device } = setup();
      driver.offer({ seqnum: 1, ...request });
      driver.offer({ seqnum: 2, direction: 1, ep: 1, length: 4 });
      kick();
      expect(driver.returns()).to.deep.equal([
        {
          ...driverReturn,
          seqnum: 1,
          direction: 'direction' in request && request.direction === 1 ? 1 : 0,
          ep: 'ep' in request ? request.ep & 15 : 0,
          status: -22,
        },
      ]);
      expect(backend.waiting.map(({ id }) => id)).to.deep.equal([2]);
      expect(device.fault).to.equal('');
    });
  }

  it('end with -EINVAL for a number that is in flight already', () => {
    const { driver, kick, backend } = setup();
    driver.offer({ seqnum: 5, direction: 1, ep: 1, length: 4 });
    driver.offer({ seqnum: 5, direction: 1, ep: 1, length: 4 });
    kick();
    expect(driver.returns().map(({ status }) => status)).to.deep.equal([-22]);
    expect(backend.waiting.length).to.equal(1);
  });

  it('end with -ENODEV without a device, and for another device', () => {
    const { driver, kick, device } = setup();
    driver.offer({ seqnum: 1, direction: 1, ep: 1, length: 4, devid: 4 });
    kick();
    device.plugged(undefined);
    driver.offer({ seqnum: 2, direction: 1, ep: 1, length: 4 });
    kick();
    expect(driver.returns().map(({ status }) => status)).to.deep.equal([-19, -19]);
  });

  it('fail the queue when they cannot be answered', () => {
    for (const request of [{ headerBytes: 47 }, { returnBytes: 47 }]) {
      const { driver, kick, device, backend } = setup();
      driver.offer({ seqnum: 1, ...request });
      kick();
      expect(device.fault).to.match(/has a header of 47 bytes|has 47 bytes for its return/);
      expect(backend.submitted).to.equal(0);
    }
  });

  it('are taken back by unlink, and complete as unlinked with what came', () => {
    const { driver, kick, backend, device } = setup();
    driver.offer({ seqnum: 1, direction: 1, ep: 1, length: 4 });
    driver.offer({ command: URB_COMMAND.unlink, seqnum: 2, flags: 1 });
    driver.offer({ command: URB_COMMAND.unlink, seqnum: 3, flags: 99 });
    kick();
    expect(backend.cancelled).to.deep.equal(backend.waiting);
    backend.complete(device, URB_STATUS.killed, [1, 2]);
    device.flush();
    expect(
      driver.returns().map(({ command, seqnum, status, actual }) => [command, seqnum, status, actual]),
    ).to.deep.equal([
      [4, 2, -104, 0],
      [4, 3, 0, 0],
      [3, 1, -104, 2],
    ]);
  });

  it('are forgotten by a reset: they are cancelled, and their ends touch no memory', () => {
    const { ram, driver, kick, backend, device, transport, queue } = setup();
    driver.offer({ seqnum: 1, direction: 1, ep: 1, length: 4 });
    kick();
    transport.write(VIRTIO_MMIO.Status, 0);
    expect(backend.cancelled.length).to.equal(1);
    queue.restart();
    ram.pokeU16(queue.used + 2, 0);
    transport.start(queue);
    const { writes } = ram;
    backend.complete(device, URB_STATUS.killed, [1]);
    device.flush();
    expect([ram.writes, queue.usedIndex, device.inFlight]).to.deep.equal([writes, 0, 0]);
  });

  it('wait in the ring while so many are in flight as the pool has, and follow by themselves', () => {
    const { driver, kick, backend, device, queue } = setup(32);
    // 32 chains of two descriptors fill the queue; a guest that offers the same heads again fills the pool.
    for (let seqnum = 0; seqnum < 32; seqnum++) driver.offer({ seqnum, direction: 1, ep: 1, length: 4 });
    kick();
    for (let seqnum = 32; seqnum < 64; seqnum++) driver.offer({ seqnum, direction: 1, ep: 1, length: 4 });
    kick();
    driver.offer({ seqnum: 64, direction: 1, ep: 1, length: 4 });
    kick();
    expect(backend.submitted).to.equal(URBS_IN_FLIGHT);
    backend.complete(device);
    expect(backend.submitted).to.equal(URBS_IN_FLIGHT + 1);
    while (backend.waiting.length > 0) backend.complete(device);
    device.flush();
    expect(queue.usedIndex).to.equal(65);
  });

  it('use the same URBs and buffers again', () => {
    const { driver, kick, backend, device } = setup(4);
    const urbs = new Set<unknown>();
    for (let seqnum = 0; seqnum < 200; seqnum++) {
      driver.offer({ seqnum, direction: 1, ep: 1, length: 1000 });
      kick();
      urbs.add(backend.waiting[0]).add(backend.waiting[0].data.buffer);
      backend.complete(device);
      device.flush();
    }
    expect(urbs.size).to.equal(2);
  });

  it('that end although nobody has them are ignored', () => {
    const { driver, kick, backend, device, queue } = setup();
    driver.offer({ seqnum: 1, direction: 1, ep: 1, length: 4 });
    kick();
    const [urb] = backend.waiting;
    backend.complete(device);
    device.completed(urb);
    device.flush();
    expect(queue.usedIndex).to.equal(1);
  });
});

const driverReturn = { command: 3, devid: 0x1_0003, direction: 0, ep: 0, actual: 0, written: 48, data: [] };
