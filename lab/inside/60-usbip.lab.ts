/** Our simulators as devices of a real kernel: its drivers bind to them, the real bindings read what is read in process. */

import { existsSync, readdirSync } from 'node:fs';
import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import { type GnssReceiver, listRealUsb, openRealUsb, realBinding } from '../../hal/index.js';
import { testUsbDevice } from '../../hal/usb/device-suite.js';
import { LOOPBACK, simulatedDevice } from '../simulated-device.js';
import { askHost } from './host.js';
import { openHid } from './open-hid.js';
import { until } from './until.js';
import { type Attached, attach } from './usbip.js';

/** Switches that stand still, so that a report depends on what was written alone. */
const SWITCHES = [
  { kind: 'constant', closed: true },
  { kind: 'constant', closed: false },
  { kind: 'constant', closed: true },
];
const MCC_REQUEST = { start: 0x11, config: 0x14, calibration: 0x30 };
const COUNTER_MODE = 0x20;
const ALL_CHANNELS = 0xff;

function driverOf(portPath: string, interfaceNumber: number): Promise<string> {
  return until(`a driver of ${portPath}`, async () => {
    const device = (await listRealUsb()).devices.find((each) => each.portPath === portPath);
    return device?.interfaces.find(({ number }) => number === interfaceNumber)?.driver;
  });
}

describe('K8055 simulator over USB/IP', () => {
  it('is bound by usbhid and answers the real HID binding as it does in process', async () => {
    const overrides = { digital: SWITCHES };
    const attached = await attach('velleman-k8055', { overrides, record: 'k8055' });
    expect(await driverOf(attached.portPath, 0)).to.equal('usbhid');
    const board = await openHid('USB K8055');
    // The board sends one every 10 ms, whether anything has changed or not.
    let latest: number[] = [];
    board.on('data', (report) => {
      latest = [...report];
    });
    const { simulator } = simulatedDevice('velleman-k8055', overrides, new VirtualClock());
    if (simulator?.model !== 'velleman-k8055') throw new Error('the profile has another model');
    for (let step = 1; step <= 20; step++) {
      const output = Uint8Array.of(5, step, step * 11, 255 - step * 7, 0, 0, 0, 0);
      simulator.out(1, output, 0, output.length);
      await board.write([0, ...output]);
      const expected = [...simulator.report];
      // Reports that were under way when it was written still tell of the step before.
      const report = await until(`the report of step ${step}`, () => latest[2] === expected[2] && latest);
      expect(report).to.deep.equal(expected);
    }
    await board.close();
    await attached.detach();
  });
});

describe('USB-1608FS-Plus simulator over USB/IP', () => {
  let attached: Attached;
  let device: Awaited<ReturnType<typeof openRealUsb>>;
  before(async () => {
    attached = await attach('mcc-usb-1608fs-plus', { record: 'mcc' });
    device = await openRealUsb(attached.portPath);
    await device.claimInterface(0);
  });
  after(async () => {
    await device?.close();
    await attached?.detach();
  });

  /** `scans` of all channels at 1 kHz. */
  async function scan(scans: number, options: number): Promise<number[]> {
    const start = new DataView(new ArrayBuffer(10));
    start.setUint32(0, scans, true);
    start.setUint32(4, 39_999, true);
    start.setUint8(8, ALL_CHANNELS);
    start.setUint8(9, options);
    await device.controlTransferOut(vendor(MCC_REQUEST.start), start);
    const bytes: number[] = [];
    while (bytes.length < scans * 16) {
      const { data } = await device.transferIn(1, 4096, { timeoutMs: 30_000 });
      if (data !== undefined) bytes.push(...new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    return Array.from({ length: bytes.length / 2 }, (_, i) => bytes[2 * i] | (bytes[2 * i + 1] << 8));
  }

  it('counts up without a gap in counter mode', async () => {
    const samples = await scan(500, COUNTER_MODE);
    expect(samples).to.deep.equal(Array.from({ length: 4000 }, (_, i) => i));
  });

  it('gives the codes that the simulator converted, and its calibration', async () => {
    const codes = await scan(500, 0);
    expect(codes).to.deep.equal(await askHost('codes', { scan: 1, scans: 500 }));
    const { peripheral } = simulatedDevice('mcc-usb-1608fs-plus', {}, new VirtualClock());
    const expected = new Uint8Array(64);
    peripheral.control(Uint8Array.of(0xc0, MCC_REQUEST.calibration, 0, 0, 0, 0, 64, 0), expected, 64);
    const { data } = await device.controlTransferIn(vendor(MCC_REQUEST.calibration), 64);
    if (data === undefined) throw new Error('no calibration came');
    expect([...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]).to.deep.equal([...expected]);
    // Channel 3 stands at 1.25 V (noise of 10 mV) in the profile, range 0 is ±10 V.
    const slope = data.getFloat32(3 * 8, true);
    const offset = data.getFloat32(3 * 8 + 4, true);
    const volts = codes.filter((_, i) => i % 8 === 3).map((code) => ((code * slope + offset - 32_768) * 10) / 32_768);
    const mean = volts.reduce((sum, each) => sum + each, 0) / volts.length;
    expect(mean).to.be.closeTo(1.25, 0.005);
  });
});

function vendor(request: number): USBControlTransferParameters {
  return { requestType: 'vendor', recipient: 'device', request, value: 0, index: 0 };
}

describe('GNSS simulator as CDC-ACM over USB/IP', () => {
  it('is bound by cdc_acm and sends the sentences that it sends in process', async () => {
    const attached = await attach('gnss-nmea-10hz', { record: 'gnss' });
    expect(await driverOf(attached.portPath, 0)).to.equal('cdc_acm');
    const tty = `/sys/bus/usb/devices/${attached.portPath}/${attached.portPath}:1.0/tty`;
    const [name] = await until('the terminal', () => existsSync(tty) && readdirSync(tty));
    const port = await realBinding().open({ path: `/dev/${name}`, baudRate: 115_200 });
    let text = '';
    const buffer = Buffer.alloc(4096);
    while (text.split('\n').length < 200) {
      const { bytesRead } = await port.read(buffer, 0, buffer.length);
      text += buffer.toString('latin1', 0, bytesRead);
    }
    await port.close();
    await attached.detach();
    // A receiver whose buffer is full drops whole epochs, as it did while nobody read; these are from afterwards.
    const lines = text.split('\r\n').slice(-80, -1);
    const sent = sentencesInProcess();
    const first = sent.indexOf(lines[0]);
    expect(first, `${lines[0]} is not one of its sentences`).to.be.at.least(0);
    expect(lines).to.deep.equal(sent.slice(first, first + lines.length));
  });
});

/** The first minute of the receiver, in virtual time. */
function sentencesInProcess(): string[] {
  const clock = new VirtualClock();
  const receiver = simulatedDevice('gnss-nmea-10hz', {}, clock).simulator as GnssReceiver;
  let text = '';
  receiver.start({
    transmit: (bytes, offset, length) => {
      text += Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1');
    },
    breakFor: () => {},
    modemStatus: () => {},
    backlog: 0,
  });
  clock.advanceTo(60e9);
  receiver.stop();
  return text.split('\r\n');
}

async function makeLoopback() {
  const attached = await attach(LOOPBACK);
  const info = (await listRealUsb()).devices.find(({ portPath }) => portPath === attached.portPath);
  if (info === undefined) throw new Error('the loopback device is not listed');
  const { realUsbDevice } = await import('../../hal/index.js');
  const device = realUsbDevice(info);
  return {
    device,
    unplug: async () => {
      await askHost('pull', {});
    },
    release: async () => {
      await device.close().catch(() => {});
      await attached.detach();
    },
  };
}

testUsbDevice('a simulator of the host, through USB/IP, the kernel and the real binding,', makeLoopback, {
  hasTimeouts: true,
});
