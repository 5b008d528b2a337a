/** Tests of HID devices over USB ports: the contract on every kind of device, and what is particular to this binding. */

import { expect } from 'chai';
import { type Clock, createRandom, VirtualClock, WallClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import { type PassingTime, virtualTime, wallTime } from '../serial/passing-time.js';
import { createVellemanK8055 } from '../simulators/velleman-k8055/device.js';
import { usbDeviceFromPort } from '../usb/device-from-port.js';
import { portFromUsbDevice } from '../usb/port-from-device.js';
import { createSimulatedUsbPort } from '../usb/simulated-port.js';
import { TestPeripheral } from '../usb/test-peripheral.js';
import type { UsbPort } from '../usb/usb-port.js';
import { connectUsbip } from '../usbip/client.js';
import { serveUsbip, type UsbipServer } from '../usbip/server.js';
import type { HidDevice } from './hid-device.js';
import { openHid } from './hid-from-usb-port.js';
import { type HidFixture, testHidDevice } from './hid-suite.js';
import { portFromHid } from './port-from-hid.js';
import { TEST_HID, type TestHidOptions, TestHidPeripheral } from './test-hid-peripheral.js';

type Through = (port: UsbPort, clock: Clock) => Promise<UsbPort>;

function makeFixture(options: TestHidOptions, through: Through) {
  const clock = new VirtualClock();
  return fixtureOn(clock, virtualTime(clock), options, through);
}

function fixtureOn<C extends Clock>(clock: C, time: PassingTime, options: TestHidOptions, through: Through) {
  const peripheral = new TestHidPeripheral(options);
  const port = createSimulatedUsbPort({ name: 'sim:hid', clock, device: peripheral });
  const { numbered } = options;
  const fixture: HidFixture = {
    time,
    vendorId: TEST_HID.vendorId,
    productId: TEST_HID.productId,
    numbered,
    feature: {
      id: numbered ? TEST_HID.featureId.numbered : TEST_HID.featureId.unnumbered,
      bytes: TEST_HID.featureBytes,
    },
    open: async (queueReports) => openHid(await through(port, clock), { clock, queueReports }),
    send: (report) => peripheral.send(report),
    received: () => peripheral.received,
    unplug: () => port.unplug(),
    close: async () => {},
  };
  return { fixture, clock, peripheral, port };
}

const direct: Through = async (port) => port;

/** The device as a library would own it, shown as a port again. */
const roundTrip: Through = async (port, clock) =>
  portFromHid(await openHid(port, { clock }), { name: 'hid:loopback', clock, description: port.description });

/** The device as a browser or a USB library would own it. */
const overWebUsb: Through = async (port, clock) => {
  const device = usbDeviceFromPort(port, { clock });
  await device.open();
  return portFromUsbDevice(device, { name: 'webusb:loopback', clock, description: port.description });
};

testHidDevice(
  'over WebUSB, numbered reports, interrupt OUT',
  async () => makeFixture({ numbered: true, withOutput: true }, overWebUsb).fixture,
);

/** The device of another machine. */
async function remoteFixture(): Promise<HidFixture> {
  const clock = new WallClock();
  const servers: UsbipServer[] = [];
  const overUsbip: Through = async (port) => {
    const server = await serveUsbip({ ports: [port], port: 0 });
    servers.push(server);
    return connectUsbip({ host: '127.0.0.1', port: server.port, busid: '1-1', clock });
  };
  const { fixture } = fixtureOn(clock, wallTime(clock), { numbered: true, withOutput: true }, overUsbip);
  const close = async (): Promise<void> => {
    for (const server of servers) await server.close();
  };
  return { ...fixture, close };
}

testHidDevice('over USB/IP, numbered reports, interrupt OUT', remoteFixture);

for (const numbered of [true, false])
  for (const withOutput of [true, false]) {
    const kind = `${numbered ? 'numbered' : 'unnumbered'} reports, ${withOutput ? 'interrupt OUT' : 'SET_REPORT'}`;
    testHidDevice(`simulated, ${kind}`, async () => makeFixture({ numbered, withOutput }, direct).fixture);
    testHidDevice(`behind portFromHid, ${kind}`, async () => makeFixture({ numbered, withOutput }, roundTrip).fixture);
  }

describe('openHid', () => {
  const numbered = { numbered: true, withOutput: true };

  async function opened(options = numbered, queueReports = 8) {
    const made = makeFixture(options, direct);
    const device = await made.fixture.time.settle(made.fixture.open(queueReports));
    return { ...made, device, time: made.fixture.time };
  }

  async function code(time: PassingTime, promise: Promise<unknown>): Promise<string> {
    return time.settle(
      promise.then(
        () => 'resolved',
        (error: HalError) => error.code,
      ),
    );
  }

  it('opens although SET_IDLE is stalled', async () => {
    const { peripheral } = await opened();
    expect(peripheral.idleRefused).to.equal(1);
  });

  it('joins the packets of a report that is longer than one', async () => {
    const { peripheral, device, time } = await opened();
    const long = Uint8Array.from({ length: 101 }, (_, i) => (i === 0 ? 2 : i));
    expect(await time.settle(device.write(long))).to.equal(101);
    expect([...(peripheral.received[0] ?? [])]).to.deep.equal([...long]);
    expect([...((await time.settle(device.read(100))) ?? [])]).to.deep.equal([...long]);
  });

  it('misses no report of a device that sends one at each poll', async () => {
    const { peripheral, device, time } = await opened();
    const heard: number[] = [];
    device.on('data', (report) => heard.push(report.readUInt32LE(1)));
    for (let n = 0; n < 2000; n++) {
      const report = Buffer.alloc(9, 1);
      report.writeUInt32LE(n, 1);
      peripheral.send(report);
      await time.pass(1e6);
    }
    await time.pass(10e6);
    expect(heard).to.have.length(2000);
    expect(heard.every((value, i) => value === i)).to.equal(true);
    expect(device.lost).to.equal(0);
  });

  it('clears a halt of the input endpoint and goes on', async () => {
    const { peripheral, device, time } = await opened();
    peripheral.stall(1);
    await time.pass(10e6);
    peripheral.send(Uint8Array.of(1, 1, 2, 3, 4, 5, 6, 7, 8));
    expect((await time.settle(device.read(100)))?.length).to.equal(9);
  });

  it('gives up on an endpoint that stalls for ever, and says so', async () => {
    const { peripheral, device, time } = await opened();
    peripheral.stall(Number.POSITIVE_INFINITY);
    expect(await code(time, device.read())).to.equal('HAL_STALL');
    peripheral.stall(0);
    expect(await time.settle(device.write(new Uint8Array(9).fill(1))), 'the rest still works').to.equal(9);
  });

  it('ends a request that the device does not answer in time', async () => {
    const clock = new VirtualClock();
    const peripheral = new TestHidPeripheral(numbered);
    peripheral.out = () => -1;
    const port = createSimulatedUsbPort({ name: 'sim:hid', clock, device: peripheral });
    const time = virtualTime(clock);
    const device = await time.settle(openHid(port, { clock, timeoutMs: 200 }));
    const startNs = clock.now();
    expect(await code(time, device.write(new Uint8Array(9).fill(1)))).to.equal('HAL_TIMEOUT');
    expect((clock.now() - startNs) / 1e6).to.be.closeTo(200, 1);
  });

  it('refuses what has no HID function', async () => {
    const clock = new VirtualClock();
    const port = createSimulatedUsbPort({ name: 'sim:test', clock, device: new TestPeripheral() });
    expect(await code(virtualTime(clock), openHid(port, { clock }))).to.equal('HAL_INVALID');
  });

  it('says what the device is', async () => {
    const { device, time } = await opened();
    expect(await time.settle(device.getDeviceInfo())).to.deep.equal({
      vendorId: TEST_HID.vendorId,
      productId: TEST_HID.productId,
      path: 'sim:hid',
      serialNumber: 'HID-1',
      manufacturer: 'Rigvisor',
      product: 'HID loopback',
      release: 0x0100,
      interface: 0,
      usagePage: TEST_HID.usagePage,
      usage: TEST_HID.usage,
    });
  });

  it('lets a listener that throws take no report from another', async () => {
    const { fixture, device, time } = await opened();
    const heard: number[] = [];
    const uncaught: unknown[] = [];
    const others = process.rawListeners('uncaughtException') as ((error: Error) => void)[];
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    device.on('data', () => {
      throw new Error('a listener fails');
    });
    device.on('data', (report) => heard.push(report[1]));
    fixture.send(Uint8Array.of(1, 7, 0, 0, 0, 0, 0, 0, 0));
    fixture.send(Uint8Array.of(1, 8, 0, 0, 0, 0, 0, 0, 0));
    await time.pass(20e6);
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
    expect(heard).to.deep.equal([7, 8]);
    expect(uncaught).to.have.length(2);
  });
});

describe('openHid on the simulated K8055', () => {
  async function board(): Promise<{ device: HidDevice; time: PassingTime; clock: VirtualClock }> {
    const clock = new VirtualClock();
    const time = virtualTime(clock);
    const k8055 = createVellemanK8055(
      { digital: [{ kind: 'square', frequencyHz: 50, duty: 0.5 }] },
      { clock, random: createRandom(1) },
    );
    const port = createSimulatedUsbPort({ name: 'sim:velleman-k8055', clock, device: k8055 });
    return { device: await time.settle(openHid(port, { clock })), time, clock };
  }

  it('sees an output at the input that is wired to it', async () => {
    const { device, time } = await board();
    await time.settle(device.write([0, 5, 0, 100, 200, 0, 0, 0, 0]));
    await time.pass(50e6);
    const heard: Buffer[] = [];
    device.on('data', (report) => heard.push(report));
    await time.pass(1e9);
    const last = heard.at(-1);
    expect([last?.[1], last?.[2], last?.[3]]).to.deep.equal([1, 100, 200]);
  });

  it('counts 50 pulses a second', async () => {
    const { device, time } = await board();
    let latest = Buffer.alloc(8);
    device.on('data', (report) => {
      latest = report as Buffer<ArrayBuffer>;
    });
    await time.pass(1e9);
    const before = latest.readUInt16LE(4);
    await time.pass(10e9);
    expect(latest.readUInt16LE(4) - before).to.equal(500);
  });
});
