/** Tests of the simulated USB port: what crosses it, when, and how it ends. */

import { expect } from 'chai';
import { TRANSFER_TYPE, URB_FLAGS, URB_STATUS, Urb, VirtualClock } from '../../base/index.js';
import { setupPacket } from './setup-packet.js';
import { createSimulatedUsbPort, type SimulatedUsbPort } from './simulated-port.js';
import { TEST_DEVICE, TestPeripheral } from './test-peripheral.js';
import type { UsbSpeed } from './usb-port.js';

interface Done {
  readonly urb: Urb;
  readonly atNs: number;
  readonly status: number;
  readonly bytes: number;
}

class Host {
  readonly clock = new VirtualClock();
  readonly device: TestPeripheral;
  readonly port: SimulatedUsbPort;
  readonly done: Done[] = [];
  readonly plugs: boolean[] = [];
  onDone: (urb: Urb) => void = () => {};
  #id = 0;

  constructor(speed: UsbSpeed = 'full') {
    this.device = new TestPeripheral(speed);
    this.port = createSimulatedUsbPort({ name: 'sim:test', clock: this.clock, device: this.device });
    this.port.attach({
      completed: (urb) => {
        this.done.push({ urb, atNs: this.clock.now(), status: urb.status, bytes: urb.actualLength });
        this.onDone(urb);
      },
      plugged: (present) => this.plugs.push(present),
      disconnected: () => {},
    });
  }

  urb(endpointAddress: number, length: number, data: Uint8Array = new Uint8Array(length)): Urb {
    const urb = new Urb();
    urb.id = ++this.#id;
    urb.endpointAddress = endpointAddress;
    urb.transferType = endpointAddress === TEST_DEVICE.eventIn ? TRANSFER_TYPE.interrupt : TRANSFER_TYPE.bulk;
    urb.data = data;
    urb.length = length;
    return urb;
  }

  submit(endpointAddress: number, length: number, data: Uint8Array = new Uint8Array(length)): Urb {
    const urb = this.urb(endpointAddress, length, data);
    this.port.submit(urb);
    return urb;
  }

  control(bmRequestType: number, bRequest: number, value = 0, index = 0, data: Uint8Array = new Uint8Array(0)): Urb {
    const urb = new Urb();
    urb.endpointAddress = bmRequestType & 0x80;
    urb.setup.set(setupPacket({ bmRequestType, bRequest, wValue: value, wIndex: index, wLength: data.length }));
    urb.data = data;
    urb.length = data.length;
    this.port.submit(urb);
    return urb;
  }

  run(ns: number): void {
    this.clock.advanceTo(this.clock.now() + ns);
  }

  configure(): void {
    this.control(0, 9, 1);
    this.run(1e6);
    expect(this.done.pop()?.status).to.equal(URB_STATUS.ok);
  }
}

function configured(speed?: UsbSpeed): Host {
  const host = new Host(speed);
  host.configure();
  return host;
}

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

describe('a simulated USB port', () => {
  it('answers descriptors, and stalls what it does not know', () => {
    const host = new Host();
    const device = host.control(0x80, 6, 0x0100, 0, new Uint8Array(64));
    const text = host.control(0x80, 6, 0x0302, 0x0409, new Uint8Array(255));
    const none = host.control(0x80, 6, 0x0309, 0x0409, new Uint8Array(255));
    host.run(5e6);
    expect(device.actualLength).to.equal(18);
    expect(Buffer.from(text.data.subarray(2, text.actualLength)).toString('utf16le')).to.equal('Loopback');
    expect(none.status).to.equal(URB_STATUS.stall);
  });

  it('knows its endpoints only when it is configured', () => {
    const host = new Host();
    const early = host.submit(TEST_DEVICE.loopOut, 4);
    expect(host.done, 'never from inside submit').to.have.length(0);
    host.run(1);
    expect(early.status).to.equal(URB_STATUS.stall);
    host.configure();
    host.submit(TEST_DEVICE.loopOut, 4);
    host.run(1e6);
    expect(host.done.at(-1)?.status).to.equal(URB_STATUS.ok);
  });

  it('brings every byte back, in transfers of any length', () => {
    const host = configured();
    const sent = pattern(1000);
    host.submit(TEST_DEVICE.loopOut, 1000, sent);
    const first = host.submit(TEST_DEVICE.loopIn, 640);
    const second = host.submit(TEST_DEVICE.loopIn, 640);
    host.run(5e6);
    expect([first.actualLength, second.actualLength]).to.deep.equal([640, 360]);
    expect([...first.data, ...second.data.subarray(0, 360)]).to.deep.equal([...sent]);
  });

  it('carries 19 bulk packets in a full-speed frame and 13 in a microframe', () => {
    for (const [speed, packet, frameNs, count] of [
      ['full', 64, 1_000_000, 19],
      ['high', 512, 125_000, 13],
    ] as const) {
      const host = configured(speed);
      host.clock.advanceTo(10 * frameNs - ((10 * frameNs) % frameNs));
      host.run(frameNs - (host.clock.now() % frameNs));
      host.onDone = () => {};
      for (let i = 0; i < 40; i++) host.submit(TEST_DEVICE.loopOut, packet);
      const startNs = host.clock.now();
      host.run(frameNs);
      expect(
        host.done.filter(({ atNs }) => atNs < startNs + frameNs),
        speed,
      ).to.have.length(count);
      host.run(frameNs);
      expect(host.done, speed).to.have.length(2 * count);
    }
  });

  it('asks an interrupt endpoint at its interval, aligned to frames', () => {
    const host = configured();
    host.onDone = (urb) => host.port.submit(urb);
    host.submit(TEST_DEVICE.eventIn, 8);
    host.device.produce(5);
    host.run(30e6);
    const frames = host.done.map(({ atNs }) => Math.floor(atNs / 1e6));
    expect(frames).to.deep.equal([4, 8, 12, 16, 20]);
    expect(host.done.every(({ bytes }) => bytes === 2)).to.equal(true);
    host.device.produce(1);
    host.run(10e6);
    expect(Math.floor(host.done[5].atNs / 1e6)).to.equal(32);
  });

  it('waits at a NAK and ends at a short or zero-length packet', () => {
    const host = configured();
    const urb = host.submit(TEST_DEVICE.loopIn, 128);
    host.run(10e6);
    expect(host.done).to.have.length(0);
    host.submit(TEST_DEVICE.loopOut, 64, pattern(64));
    host.run(1e6);
    expect(urb.status).to.equal(URB_STATUS.inProgress);
    host.control(0x40, TEST_DEVICE.zeroPacket);
    host.run(1e6);
    expect([urb.status, urb.actualLength]).to.deep.equal([URB_STATUS.ok, 64]);
  });

  it('hears a device that is ready again before its NAK has crossed the bus', () => {
    const host = configured();
    const urb = host.submit(TEST_DEVICE.loopIn, 64);
    host.run(1);
    host.device.out(TEST_DEVICE.loopOut, pattern(3), 0, 3);
    host.run(1e6);
    expect([urb.status, urb.actualLength]).to.deep.equal([URB_STATUS.ok, 3]);
  });

  it('says so when more comes than was asked for, and hands over what fits', () => {
    const host = configured();
    host.submit(TEST_DEVICE.loopOut, 64, pattern(64));
    const urb = host.submit(TEST_DEVICE.loopIn, 10);
    host.run(1e6);
    expect([urb.status, urb.actualLength]).to.deep.equal([URB_STATUS.overflow, 10]);
    expect([...urb.data]).to.deep.equal([...pattern(10)]);
  });

  it('forbids short packets where it is told to', () => {
    const host = configured();
    host.submit(TEST_DEVICE.loopOut, 10, pattern(10));
    const urb = host.urb(TEST_DEVICE.loopIn, 64);
    urb.flags = URB_FLAGS.shortNotOk;
    host.port.submit(urb);
    host.run(1e6);
    expect([urb.status, urb.actualLength]).to.deep.equal([URB_STATUS.short, 10]);
  });

  it('stalls a halted endpoint until the halt is cleared', () => {
    const host = configured();
    host.control(0x40, TEST_DEVICE.stallEndpoint, 0, TEST_DEVICE.loopIn);
    const first = host.submit(TEST_DEVICE.loopIn, 64);
    const second = host.submit(TEST_DEVICE.loopIn, 64);
    host.run(2e6);
    expect([first.status, second.status]).to.deep.equal([URB_STATUS.stall, URB_STATUS.stall]);
    host.control(0x02, 1, 0, TEST_DEVICE.loopIn);
    host.run(1e6);
    host.submit(TEST_DEVICE.loopOut, 3, pattern(3));
    const third = host.submit(TEST_DEVICE.loopIn, 64);
    host.run(2e6);
    expect([third.status, third.actualLength]).to.deep.equal([URB_STATUS.ok, 3]);
  });

  it('takes a transfer back, with what had come', () => {
    const host = configured();
    host.submit(TEST_DEVICE.loopOut, 64, pattern(64));
    const urb = host.submit(TEST_DEVICE.loopIn, 128);
    const waiting = host.submit(TEST_DEVICE.loopIn, 128);
    host.run(2e6);
    host.port.cancel(waiting);
    host.port.cancel(urb);
    host.port.cancel(urb);
    expect([waiting.status, waiting.actualLength]).to.deep.equal([URB_STATUS.unlinked, 0]);
    expect([urb.status, urb.actualLength]).to.deep.equal([URB_STATUS.unlinked, 64]);
    expect(host.done.filter((done) => done.urb === urb)).to.have.length(1);
  });

  it('ends what is in flight when the device is pulled, and begins anew when it is back', () => {
    const host = configured();
    const urb = host.submit(TEST_DEVICE.loopIn, 64);
    host.run(1e6);
    host.port.unplug();
    expect(urb.status).to.equal(URB_STATUS.shutdown);
    const late = host.submit(TEST_DEVICE.loopIn, 64);
    host.run(1);
    expect(late.status).to.equal(URB_STATUS.noDevice);
    host.port.replug();
    expect(host.plugs).to.deep.equal([false, true]);
    expect(host.device.configuration).to.equal(0);
    host.configure();
  });

  it('unlinks at a reset and shuts down at close', () => {
    const host = configured();
    const urb = host.submit(TEST_DEVICE.loopIn, 64);
    host.port.reset();
    expect(urb.status).to.equal(URB_STATUS.unlinked);
    host.configure();
    const last = host.submit(TEST_DEVICE.loopIn, 64);
    host.port.close();
    host.port.close();
    expect(last.status).to.equal(URB_STATUS.shutdown);
    expect(() => host.submit(TEST_DEVICE.loopIn, 64)).to.throw('is closed');
  });

  it('refuses transfers that contradict themselves', () => {
    const host = configured();
    const urb = host.urb(TEST_DEVICE.loopIn, 64);
    urb.length = 65;
    expect(() => host.port.submit(urb)).to.throw('a length of 65 and a buffer of 64 bytes');
    urb.transferType = TRANSFER_TYPE.isochronous;
    expect(() => host.port.submit(urb)).to.throw('isochronous');
  });

  it('shares the frame between endpoints', () => {
    const host = configured();
    host.onDone = (urb) => {
      if (host.clock.now() < 20e6) host.port.submit(urb);
    };
    host.submit(TEST_DEVICE.loopOut, 64);
    host.submit(TEST_DEVICE.loopIn, 64);
    host.run(30e6);
    const count = (address: number): number => host.done.filter(({ urb }) => urb.endpointAddress === address).length;
    expect(Math.abs(count(TEST_DEVICE.loopIn) - count(TEST_DEVICE.loopOut))).to.be.at.most(1);
  });
});
