/** Tests of the simulated bus against devices and hosts that misbehave: exact times, one end for every transfer, no endless work. */

import { expect } from 'chai';
import { createRandom, type Random, TRANSFER_TYPE, URB_STATUS, Urb, VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { busTiming } from './bus-timing.js';
import { describeDevice, type EndpointData } from './describe.js';
import { setupPacket } from './setup-packet.js';
import { createSimulatedUsbPort, type SimulatedUsbPort } from './simulated-port.js';
import { HANDSHAKE, type UsbPeripheral, type UsbPeripheralOutput } from './usb-peripheral.js';
import type { UsbDescription, UsbSpeed } from './usb-port.js';

/** A device that answers as the test says. */
class Puppet implements UsbPeripheral {
  readonly description: UsbDescription;
  output: UsbPeripheralOutput | undefined;
  onIn: (address: number, packet: Uint8Array, offset: number, most: number) => number = () => HANDSHAKE.nak;
  onOut: (address: number, length: number) => number = () => HANDSHAKE.ack;
  onControl: (data: Uint8Array, length: number) => number = () => HANDSHAKE.stall;

  constructor(speed: UsbSpeed, endpoints: readonly EndpointData[], device?: Uint8Array) {
    const interfaces = [{ number: 0, interfaceClass: 0xff, endpoints }];
    const description = describeDevice({ speed, vendorId: 1, productId: 2, interfaces });
    this.description = device === undefined ? description : { ...description, device };
  }

  start(output: UsbPeripheralOutput): void {
    this.output = output;
  }

  configured(): void {}

  control(_setup: Uint8Array, data: Uint8Array, length: number): number {
    return this.onControl(data, length);
  }

  out(address: number, _packet: Uint8Array, _offset: number, length: number): number {
    return this.onOut(address, length);
  }

  in(address: number, packet: Uint8Array, offset: number, most: number): number {
    return this.onIn(address, packet, offset, most);
  }

  stop(): void {}
}

class Host {
  readonly clock = new VirtualClock();
  readonly port: SimulatedUsbPort;
  readonly ends = new Map<Urb, number[]>();
  onDone: (urb: Urb) => void = () => {};

  constructor(readonly device: Puppet) {
    this.port = createSimulatedUsbPort({ name: 'sim:puppet', clock: this.clock, device });
    this.port.attach({
      completed: (urb) => {
        this.ends.get(urb)?.push(this.clock.now());
        this.onDone(urb);
      },
      plugged: () => {},
      disconnected: () => {},
    });
  }

  submit(type: Urb['transferType'], address: number, length: number, flags = 0): Urb {
    const urb = new Urb();
    urb.transferType = type;
    urb.endpointAddress = address;
    urb.data = new Uint8Array(length);
    urb.length = length;
    urb.flags = flags;
    this.ends.set(urb, []);
    this.port.submit(urb);
    return urb;
  }

  control(bmRequestType: number, bRequest: number, wValue = 0, wIndex = 0, length = 0, inbound = bmRequestType): Urb {
    const urb = new Urb();
    urb.endpointAddress = inbound & 0x80;
    urb.setup.set(setupPacket({ bmRequestType, bRequest, wValue, wIndex, wLength: length }));
    urb.data = new Uint8Array(length);
    urb.length = length;
    this.ends.set(urb, []);
    this.port.submit(urb);
    return urb;
  }

  run(ns: number): void {
    this.clock.advanceTo(this.clock.now() + ns);
  }

  configure(): void {
    const urb = this.control(0, 9, 1);
    this.run(2e6);
    expect(urb.status).to.equal(URB_STATUS.ok);
  }
}

const { bulk, interrupt } = TRANSFER_TYPE;
const IN: EndpointData = { address: 0x81, type: bulk, maxPacketBytes: 64 };
const OUT: EndpointData = { address: 0x02, type: bulk, maxPacketBytes: 64 };
const EVENT: EndpointData = { address: 0x83, type: interrupt, maxPacketBytes: 8, interval: 4 };

function configured(speed: UsbSpeed = 'full', endpoints: readonly EndpointData[] = [IN, OUT, EVENT]): Host {
  const host = new Host(new Puppet(speed, endpoints));
  host.configure();
  return host;
}

/** Everything that was submitted has ended once. */
function expectOneEndEach(host: Host): void {
  for (const [urb, ends] of host.ends) if (ends.length !== 1) expect.fail(`${ends.length} ends, status ${urb.status}`);
}

describe('the bus’s timing', () => {
  it('fits as many full packets into a frame as the standard’s tables say, or fewer by the start of frame', () => {
    const fits = (speed: UsbSpeed, type: Urb['transferType'], bytes: number): number => {
      const timing = busTiming(speed);
      return Math.floor((timing.frameNs - timing.startOfFrameNs) / timing.transactionNs(type, bytes));
    };
    expect(fits('full', bulk, 64)).to.equal(19);
    expect(fits('full', bulk, 8)).to.equal(71);
    expect(fits('high', bulk, 512)).to.equal(13);
    expect(fits('low', interrupt, 8)).to.equal(6);
  });

  it('takes intervals as frames at low and full, as powers of two of microframes at high speed', () => {
    expect([1, 10, 255].map(busTiming('low').intervalNs)).to.deep.equal([1e6, 1e7, 2.55e8]);
    expect([1, 4, 16].map(busTiming('high').intervalNs)).to.deep.equal([125_000, 1e6, 4.096e9]);
    expect([0, 255].map(busTiming('high').intervalNs), 'outside of the standard').to.deep.equal([125_000, 4.096e9]);
    expect(busTiming('full').intervalNs(0)).to.equal(1e6);
  });

  it('is whole nanoseconds', () => {
    for (const speed of ['low', 'full', 'high'] as const)
      for (let bytes = 0; bytes <= 64; bytes++)
        expect(Number.isInteger(busTiming(speed).transactionNs(bulk, bytes))).to.equal(true);
  });
});

describe('the simulated bus under hosts and devices that misbehave', () => {
  it('ends a transfer of many packets at the nanosecond of its last one, in whatever steps the clock goes', () => {
    const ends = [1, 977, 1e7].map((stepNs) => {
      const host = configured();
      host.device.onIn = (_address, _packet, _offset, most) => most;
      host.clock.advanceTo(10e6);
      const urb = host.submit(bulk, IN.address, 64 * 25);
      while (host.clock.now() < (stepNs === 1 ? 10.001e6 : 13e6)) host.run(stepNs);
      if (stepNs === 1) host.run(3e6);
      return host.ends.get(urb)?.[0];
    });
    const { startOfFrameNs, transactionNs } = busTiming('full');
    expect(new Set(ends)).to.deep.equal(new Set([11e6 + startOfFrameNs + 6 * transactionNs(bulk, 64)]));
  });

  it('puts interrupt packets before bulk ones in a full frame', () => {
    const host = configured();
    host.device.onIn = (_address, _packet, _offset, most) => most;
    host.onDone = (urb) => {
      if (host.clock.now() < 19e6) host.port.submit(urb);
    };
    host.submit(bulk, IN.address, 64);
    const event = host.submit(interrupt, EVENT.address, 8);
    host.run(30e6);
    const { transactionNs } = busTiming('full');
    const late = (host.ends.get(event) ?? []).map((ns) => ns % 4e6);
    expect(late.length).to.be.greaterThan(3);
    for (const ns of late) expect(ns).to.be.below(1e4 + transactionNs(interrupt, 8) + transactionNs(bulk, 64));
  });

  it('offers a packet again that found no room, when the device is ready', () => {
    const host = configured();
    let room = 1;
    let offers = 0;
    host.device.onOut = () => {
      offers++;
      return room-- > 0 ? HANDSHAKE.ack : HANDSHAKE.nak;
    };
    const urb = host.submit(bulk, OUT.address, 128);
    host.run(5e6);
    expect([urb.status, offers]).to.deep.equal([URB_STATUS.inProgress, 2]);
    room = 1;
    host.device.output?.ready(OUT.address);
    host.run(1e6);
    expect([urb.status, urb.actualLength, offers]).to.deep.equal([URB_STATUS.ok, 128, 3]);
  });

  it('stalls a transfer that waits at a NAK when its endpoint is halted', () => {
    const host = configured();
    const urb = host.submit(bulk, IN.address, 64);
    host.run(2e6);
    host.control(0x02, 3, 0, IN.address);
    host.run(2e6);
    expect(urb.status).to.equal(URB_STATUS.stall);
  });

  it('stalls control transfers whose direction contradicts their request, and leaves the buffer alone', () => {
    const host = configured();
    const out = host.control(0x80, 6, 0x0100, 0, 18, 0);
    const into = host.control(0x40, 1, 0, 0, 8, 0x80);
    host.run(5e6);
    expect([out.status, into.status]).to.deep.equal([URB_STATUS.stall, URB_STATUS.stall]);
    expect([...out.data].every((byte) => byte === 0)).to.equal(true);
  });

  it('gives control transfers an end although a device says that its packets are empty', () => {
    const device = new Puppet('full', []).description.device.slice();
    device[7] = 0;
    const host = new Host(new Puppet('full', [], device));
    const urb = host.control(0x80, 6, 0x0100, 0, 18);
    host.run(5e6);
    expect([urb.status, urb.actualLength]).to.deep.equal([URB_STATUS.ok, 18]);
  });

  it('refuses a device without a device descriptor', () => {
    expect(() => new Host(new Puppet('full', [], new Uint8Array(3)))).to.throw(HalError, '3 bytes where 18 are needed');
  });

  it('carries packets that are longer than a frame, of endpoints of no size, and of no endpoint', () => {
    const host = configured('low', [
      { ...IN, maxPacketBytes: 1024 },
      { ...OUT, maxPacketBytes: 0 },
    ]);
    const urbs = [
      host.submit(bulk, IN.address, 4096),
      host.submit(bulk, OUT.address, 3),
      host.submit(bulk, 0x85, 64),
      host.submit(interrupt, IN.address, 64),
    ];
    host.device.onIn = (_address, _packet, _offset, most) => most;
    host.run(1e8);
    expect(urbs.map(({ status }) => status)).to.deep.equal([
      URB_STATUS.ok,
      URB_STATUS.ok,
      URB_STATUS.stall,
      URB_STATUS.stall,
    ]);
    expect(urbs[0].actualLength).to.equal(4096);
  });

  it('refuses to hold more than 1024 transfers for an endpoint', () => {
    const host = configured();
    for (let i = 0; i < 1024; i++) host.submit(bulk, IN.address, 8);
    expect(() => host.submit(bulk, IN.address, 8)).to.throw(HalError, 'more than 1024 transfers would wait');
  });
});

/** One thing that a host or a device may do at any time. */
function misbehave(host: Host, random: Random): void {
  const urbs = [...host.ends.keys()];
  switch (random.below(10)) {
    case 0:
      host.control(random.below(2) === 0 ? 0xc0 : 0x40, 1, 0, 0, random.below(300));
      break;
    case 1:
      host.control(0, 9, random.below(3) === 0 ? 0 : 1);
      break;
    case 2:
      host.control(0x02, random.below(2) === 0 ? 1 : 3, 0, [0x81, 0x02, 0x83][random.below(3)]);
      break;
    case 3:
      if (urbs.length > 0) host.port.cancel(urbs[random.below(urbs.length)]);
      break;
    case 4:
      if (random.below(8) === 0) host.port.reset();
      break;
    case 5:
      if (random.below(2) === 0) host.port.replug();
      else if (random.below(8) === 0) host.port.unplug();
      break;
    case 6:
      host.device.output?.ready([0x81, 0x02, 0x83, random.below(256)][random.below(4)]);
      break;
    default: {
      const address = [0x81, 0x02, 0x83, 0x85][random.below(4)];
      host.submit(address === 0x83 ? interrupt : bulk, address, random.below(300), random.below(128));
    }
  }
}

/** Statuses, lengths and times of a run, which a seed decides. */
function storm(seed: string): string {
  const random = createRandom(seed);
  const answers = random.fork('device');
  const device = new Puppet(random.below(2) === 0 ? 'full' : 'high', [IN, OUT, EVENT]);
  device.onIn = (_address, _packet, _offset, most) =>
    [HANDSHAKE.nak, most, answers.below(most + 1), -2][answers.below(4)];
  device.onOut = () => [HANDSHAKE.nak, HANDSHAKE.ack, HANDSHAKE.ack, HANDSHAKE.stall][answers.below(4)];
  device.onControl = (_data, length) => answers.below(length + 3) - 2;
  const host = new Host(device);
  host.configure();
  for (let step = 0; step < 300; step++) {
    misbehave(host, random);
    host.run(random.below(300_000));
  }
  host.port.close();
  host.run(1e6);
  expectOneEndEach(host);
  for (const { actualLength, length } of host.ends.keys()) expect(actualLength).to.be.within(0, length);
  return [...host.ends].map(([urb, [endNs]]) => `${urb.status} ${urb.actualLength} ${endNs}`).join('\n');
}

describe('the simulated bus in a storm', () => {
  it('ends every transfer once and the same way in every run', () => {
    for (let round = 0; round < 60; round++) expect(storm(`bus ${round}`)).to.equal(storm(`bus ${round}`));
  });
});
