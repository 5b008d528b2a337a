/** Tests of the simulated bus where things happen at once: cancelling, resetting and leaving in the midst of a transfer, late clocks. */

import { expect } from 'chai';
import {
  type Clock,
  createRandom,
  type Timer,
  TRANSFER_TYPE,
  URB_FLAGS,
  URB_STATUS,
  type Urb,
  VirtualClock,
} from '../../base/index.js';
import { describeDevice } from './describe.js';
import { createSimulatedUsbPort } from './simulated-port.js';
import { TestHost } from './test-host.js';
import { TEST_DEVICE, TestPeripheral } from './test-peripheral.js';
import { HANDSHAKE, type UsbPeripheral, type UsbPeripheralOutput } from './usb-peripheral.js';
import type { UsbDescription, UsbSpeed } from './usb-port.js';

const { bulk, interrupt } = TRANSFER_TYPE;
const { ok, unlinked, shutdown, stall } = URB_STATUS;
const { loopIn, loopOut, eventIn } = TEST_DEVICE;
const LEAVE = 1;

/** Two interfaces, the second with two settings; takes what it is sent and has nothing to send. */
class Sink implements UsbPeripheral {
  readonly description: UsbDescription;
  readonly packets: { readonly address: number; readonly length: number }[] = [];
  readonly settings: string[] = [];
  handshake: number = HANDSHAKE.ack;
  output: UsbPeripheralOutput | undefined;

  constructor(speed: UsbSpeed = 'full', packetBytes = 64) {
    const out = (address: number) => ({ address, type: bulk, maxPacketBytes: packetBytes });
    const control = { interfaceClass: 0xff };
    this.description = describeDevice({
      speed,
      vendorId: 1,
      productId: 2,
      interfaces: [
        {
          number: 0,
          ...control,
          endpoints: [
            { address: 0x81, type: bulk, maxPacketBytes: packetBytes },
            { address: 0x02, type: interrupt, maxPacketBytes: Math.min(8, packetBytes), interval: 10 },
          ],
        },
        { number: 1, ...control, endpoints: [] },
        { number: 1, alternateSetting: 1, ...control, endpoints: [out(0x03), { ...out(0x83) }] },
      ],
    });
  }

  start(output: UsbPeripheralOutput): void {
    this.output = output;
  }

  configured(value: number): void {
    this.settings.push(`configuration ${value}`);
  }

  alternate(number: number, setting: number): void {
    this.settings.push(`interface ${number} ${setting}`);
  }

  control(setup: Uint8Array): number {
    if (setup[1] === LEAVE) this.output?.detach();
    return HANDSHAKE.ack;
  }

  out(address: number, _packet: Uint8Array, _offset: number, length: number): number {
    if (this.handshake === HANDSHAKE.ack) this.packets.push({ address, length });
    return this.handshake;
  }

  in(): number {
    return HANDSHAKE.nak;
  }

  stop(): void {
    this.output = undefined;
  }
}

describe('the simulated bus', () => {
  it('lets a packet that is on the bus arrive when its transfer is cancelled, and goes on with the next', () => {
    const device = new TestPeripheral();
    const host = new TestHost(device).configure();
    const sent = Uint8Array.from({ length: 300 }, (_, i) => i);
    host.submit(bulk, loopOut, sent.subarray(0, 200));
    host.run(1e6);
    const first = host.submit(bulk, loopIn, 512);
    const second = host.submit(bulk, loopIn, 512);
    host.run(70_000);
    host.port.cancel(first);
    expect(first.status, 'its second packet is on the bus').to.equal(URB_STATUS.inProgress);
    host.submit(bulk, loopOut, sent.subarray(200));
    host.run(5e6);
    expect(first.status).to.equal(unlinked);
    expect(first.actualLength % 64).to.equal(0);
    const got = [...first.data.subarray(0, first.actualLength), ...second.data.subarray(0, second.actualLength)];
    expect(got, 'no byte is lost and none comes twice').to.deep.equal([...sent.subarray(0, got.length)]);
  });

  it('completes a transfer that its last packet ends although it was cancelled meanwhile', () => {
    const host = new TestHost(new TestPeripheral()).configure();
    const urb = host.submit(bulk, loopOut, 10);
    host.run(1);
    host.port.cancel(urb);
    host.run(1e6);
    expect([urb.status, urb.actualLength]).to.deep.equal([ok, 10]);
  });

  it('ends a request in which the device leaves, and those that wait', () => {
    const device = new Sink();
    const host = new TestHost(device).configure();
    const waiting = host.submit(bulk, 0x81, 64);
    const leaving = host.request(0x40, LEAVE);
    const behind = host.request(0x40, 2);
    host.run(1e6);
    expect([waiting.status, leaving.status, behind.status]).to.deep.equal([shutdown, shutdown, shutdown]);
    expect(host.plugs).to.deep.equal([false]);
    expect(host.done.filter(({ urb }) => urb === leaving)).to.have.length(1);
  });

  it('does not end a request that was made after the device left and came back', () => {
    const host = new TestHost(new Sink()).configure();
    let later: Urb | undefined;
    host.onPlugged = (present) => {
      if (!present) host.port.replug();
      else later = host.request(0x80, 6, 0x0100, 0, 18);
    };
    host.request(0x40, LEAVE);
    host.run(1e6);
    expect(host.plugs).to.deep.equal([false, true]);
    expect([later?.status, later?.actualLength]).to.deep.equal([ok, 18]);
  });

  it('unlinks everything at a reset, and completes what is submitted meanwhile', () => {
    const host = new TestHost(new TestPeripheral()).configure();
    const urbs = [
      host.submit(bulk, loopIn, 64),
      host.submit(interrupt, eventIn, 8),
      host.request(0x80, 6, 0x0100, 0, 18),
    ];
    const again: Urb[] = [];
    host.onDone = (urb) => {
      if (urb.status === unlinked && urb.endpointAddress === loopIn && again.length < 5)
        again.push(host.submit(bulk, loopIn, 64));
    };
    host.port.reset();
    host.run(1e6);
    expect(urbs.map(({ status }) => status)).to.deep.equal([unlinked, unlinked, unlinked]);
    expect(again.at(-1)?.status, 'the endpoint is gone').to.equal(stall);
    expect(again.every(({ status }) => status !== URB_STATUS.inProgress)).to.equal(true);
  });

  it('reopens pipes at SET_CONFIGURATION, and completes what is submitted meanwhile', () => {
    const host = new TestHost(new TestPeripheral()).configure();
    host.onDone = (urb) => {
      if (urb.status === unlinked) host.port.submit(urb);
    };
    const urb = host.submit(bulk, loopIn, 64);
    host.configure();
    host.submit(bulk, loopOut, 5);
    host.run(1e6);
    expect([urb.status, urb.actualLength]).to.deep.equal([ok, 5]);
  });

  it('reopens the pipes of an interface at SET_INTERFACE, and lets the others be', () => {
    const device = new Sink();
    const host = new TestHost(device).configure();
    expect(host.control(0x01, 11, 1, 1).status).to.equal(ok);
    const other = host.submit(bulk, 0x81, 64);
    const own = host.submit(bulk, 0x83, 64);
    expect(host.control(0x01, 11, 1, 1).status).to.equal(ok);
    expect([other.status, own.status]).to.deep.equal([URB_STATUS.inProgress, unlinked]);
    host.submit(bulk, 0x03, 64);
    host.run(1e6);
    expect(device.packets).to.deep.equal([{ address: 0x03, length: 64 }]);
    host.control(0x01, 11, 0, 1);
    const gone = host.submit(bulk, 0x03, 64);
    host.run(1e6);
    expect(gone.status).to.equal(stall);
    expect(device.settings).to.deep.equal([
      'configuration 0',
      'configuration 1',
      'interface 1 1',
      'interface 1 1',
      'interface 1 0',
    ]);
  });

  it('sends a zero-length packet behind whole ones only where it is asked to', () => {
    const device = new Sink();
    const host = new TestHost(device).configure();
    host.control(0x01, 11, 1, 1);
    for (const [length, flags] of [
      [128, URB_FLAGS.zeroPacket],
      [128, 0],
      [100, URB_FLAGS.zeroPacket],
      [0, 0],
    ])
      host.submit(bulk, 0x03, new Uint8Array(length), flags);
    host.run(5e6);
    expect(device.packets.map(({ length }) => length)).to.deep.equal([64, 64, 0, 64, 64, 64, 36, 0]);
    expect(host.done.slice(-4).every(({ status }) => status === ok)).to.equal(true);
  });

  it('sends interrupt packets at their interval, and holds them at a NAK', () => {
    const device = new Sink();
    const host = new TestHost(device).configure();
    const atNs: number[] = [];
    host.onDone = () => atNs.push(host.clock.now());
    for (let i = 0; i < 3; i++) host.submit(interrupt, 0x02, 8);
    host.run(50e6);
    expect(atNs.map((at) => Math.floor(at / 1e6))).to.deep.equal([10, 20, 30]);
    device.handshake = HANDSHAKE.nak;
    host.submit(interrupt, 0x02, 8);
    host.run(100e6);
    expect(atNs).to.have.length(3);
    device.handshake = HANDSHAKE.ack;
    device.output?.ready(0x02);
    host.run(11e6);
    expect(atNs).to.have.length(4);
  });

  it('takes the bit times of low speed, and keeps to its frames', () => {
    const host = new TestHost(new Sink('low', 8));
    host.clock.advanceTo(10e6);
    const urb = host.request(0x80, 6, 0x0100, 0, 18);
    host.run(2e6);
    // Setup, three packets of data and the status, each with its overhead of 21 bytes, behind a start of frame.
    const bits = 8 * (6 + 5 * 21 + 8 + 18);
    expect([urb.status, urb.actualLength]).to.deep.equal([ok, 18]);
    expect((host.done[0].atNs - 10e6) / 1e3).to.be.closeTo((bits * 2) / 3, 0.01);
  });

  it('squeezes a packet that no frame has room for into one', () => {
    const device = new Sink('low', 1023);
    const host = new TestHost(device).configure();
    host.control(0x01, 11, 1, 1);
    host.submit(bulk, 0x03, 1023);
    host.run(50e6);
    expect(device.packets).to.have.length(1);
  });

  it('halts an endpoint that stalls a packet to it', () => {
    const device = new Sink();
    const host = new TestHost(device).configure();
    host.control(0x01, 11, 1, 1);
    device.handshake = HANDSHAKE.stall;
    const first = host.submit(bulk, 0x03, 64);
    host.run(1e6);
    device.handshake = HANDSHAKE.ack;
    const second = host.submit(bulk, 0x03, 64);
    host.run(1e6);
    host.control(0x02, 1, 0, 0x03);
    const third = host.submit(bulk, 0x03, 64);
    host.run(1e6);
    expect([first.status, second.status, third.status]).to.deep.equal([stall, stall, ok]);
  });

  it('carries as much on a clock whose timers are late', () => {
    const counts = [1, 20_000_000].map((lateNs) => {
      const clock = new VirtualClock();
      const device = new TestPeripheral('full');
      const host = createSimulatedUsbPort({ name: 'sim:late', clock: new LateClock(clock, lateNs), device });
      let bytes = 0;
      host.attach({
        completed: (urb) => {
          if (urb.transferType === bulk) bytes += urb.actualLength;
          if (urb.transferType === bulk && urb.status === ok) host.submit(urb);
        },
        disconnected: () => {},
      });
      const tools = new TestHost(new TestPeripheral(), new VirtualClock());
      const configure = tools.request(0, 9, 1);
      host.submit(configure);
      clock.advanceTo(100e6);
      for (let i = 0; i < 4; i++) {
        const urb = tools.submit(bulk, loopOut, 4096);
        const echo = tools.submit(bulk, loopIn, 4096);
        host.submit(urb);
        host.submit(echo);
      }
      clock.advanceTo(3.1e9);
      return bytes;
    });
    expect(counts[0]).to.be.greaterThan(3_000_000);
    expect(counts[1] / counts[0]).to.be.within(0.95, 1.01);
  });

  it('completes every transfer exactly once, whatever a host does', () => {
    const random = createRandom('bus');
    const pick = <T>(...of: readonly T[]): T => of[random.below(of.length)];
    for (let round = 0; round < 20; round++) {
      const host = new TestHost(new TestPeripheral(pick('full', 'high')));
      const urbs: Urb[] = [];
      for (let step = 0; step < 1000; step++) {
        const turn = random.below(20);
        if (turn < 4) urbs.push(host.submit(bulk, pick(loopIn, loopOut, 0x8e), random.below(700), pick(0, 1, 0x40)));
        else if (turn < 6) urbs.push(host.submit(interrupt, eventIn, random.below(16)));
        else if (turn < 9)
          urbs.push(host.request(pick(0x40, 0xc0, 0x80, 2), random.below(10), random.below(4), loopIn, 8));
        else if (turn < 11) urbs.push(host.request(0, 9, pick(0, 1, 1, 1)));
        else if (turn < 13 && urbs.length > 0) host.port.cancel(pick(...urbs));
        else if (turn === 13 && random.below(10) === 0) host.port.reset();
        else if (turn === 14 && random.below(10) === 0) host.port.unplug();
        else if (turn === 15) host.port.replug();
        else host.run(random.below(200_000));
      }
      host.port.close();
      expect(host.done).to.have.length(urbs.length);
      expect(new Set(host.done.map(({ urb }) => urb)).size).to.equal(urbs.length);
    }
  });
});

/** A clock whose timers fire late, as those of a wall clock do; the time itself is right. */
class LateClock implements Clock<'virtual'> {
  readonly domain = 'virtual';

  constructor(
    readonly inner: VirtualClock,
    readonly lateNs: number,
  ) {}

  now(): number {
    return this.inner.now();
  }

  schedule(timer: Timer, dueNs: number): void {
    this.inner.schedule(timer, Math.max(dueNs, this.inner.now()) + this.lateNs);
  }

  cancel(timer: Timer): void {
    this.inner.cancel(timer);
  }
}
