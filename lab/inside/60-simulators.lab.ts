/** Our simulators as devices of a real kernel: enumerated, bound by its drivers, read by the real bindings, and equal to what the simulator knows. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import {
  createSimulatedPort,
  createSimulator,
  listRealHid,
  listRealUsb,
  loadProfile,
  openRealHid,
  openRealUsb,
  realBinding,
} from '../../hal/index.js';
import { testUsbDevice } from '../../hal/usb/device-suite.js';
import { TEST_DEVICE } from '../../hal/usb/test-peripheral.js';
import { PROFILES } from '../machine.js';
import { BUSID } from '../simulated-devices.js';
import { attach, untilAttached } from './attach.js';
import { askHost } from './host.js';
import { recordBus } from './usbmon.js';

const run = promisify(execFile);
const BOARD = { vendorId: 0x10cf, productId: 0x5500 };
const CONVERTER = { vendorId: 0x09db, productId: 0x00ea };
const TTY = '/dev/ttyACM0';
/** Counters of the board: nothing pulses there, and they stay 0. */
const REPORT_BYTES = 8;

function vendor(request: number): USBControlTransferParameters {
  return { requestType: 'vendor', recipient: 'device', request, value: 0, index: 0 };
}

describe('the simulated K8055 in a real kernel', () => {
  it('is a HID device, bound by usbhid, whose reports equal those in process', async () => {
    await attach(BUSID.board);
    await untilAttached('the board with usbhid', async () =>
      (await listRealUsb()).devices.find(
        ({ vendorId, interfaces }) => vendorId === BOARD.vendorId && interfaces[0]?.driver === 'usbhid',
      ),
    );
    await untilAttached('hidraw of the board', async () =>
      (await listRealHid()).devices.find(({ vendorId }) => vendorId === BOARD.vendorId),
    );
    const board = await openRealHid(BOARD);
    const { busNumber } = (await listRealUsb()).devices.find(({ vendorId }) => vendorId === BOARD.vendorId) ?? {
      busNumber: 0,
    };
    const recording = await recordBus(busNumber, 'board');
    for (const [dac1, dac2] of [
      [0, 0],
      [200, 10],
      [7, 255],
    ]) {
      expect(await board.write([0, 5, 1, dac1, dac2, 0, 0, 0, 0])).to.equal(REPORT_BYTES + 1);
      const expected = await untilAttached('the outputs to be set', async () => {
        const report = await askHost('boardReport', null);
        return report[2] === dac1 ? report : undefined;
      });
      for (let stale = 0; stale < 300; stale++) {
        const report = [...((await board.read(20_000)) ?? [])];
        if (report[2] !== dac1) continue;
        expect(report).to.deep.equal(expected);
        break;
      }
    }
    await board.close();
    expect(await recording.stop()).to.be.above(6);
  });
});

describe('the simulated USB-1608FS-Plus in a real kernel', () => {
  async function scan(options: number, scans: number): Promise<number[]> {
    const converter = await openRealUsb(CONVERTER);
    try {
      await converter.selectConfiguration(1);
      await converter.claimInterface(0);
      await converter.controlTransferOut(vendor(0x12), new Uint8Array(0));
      await converter.controlTransferOut(vendor(0x15), new Uint8Array(0));
      const start = new DataView(new ArrayBuffer(10));
      start.setUint32(0, scans, true);
      start.setUint32(4, 40_000_000 / 2000 - 1, true);
      start.setUint8(8, 0b1111);
      start.setUint8(9, options);
      await converter.controlTransferOut(vendor(0x11), new Uint8Array(start.buffer));
      const bytes: number[] = [];
      while (bytes.length < scans * 8) {
        const { status, data } = await converter.transferIn(1, 4096, { timeoutMs: 30_000 });
        expect(status).to.equal('ok');
        if (data !== undefined) bytes.push(...new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
      return Array.from({ length: bytes.length / 2 }, (_, i) => bytes[2 * i] | (bytes[2 * i + 1] << 8));
    } finally {
      await converter.close();
    }
  }

  before(async () => {
    await attach(BUSID.converter);
    await untilAttached('the converter', async () =>
      (await listRealUsb()).devices.find(({ vendorId }) => vendorId === CONVERTER.vendorId),
    );
  });

  it('tells its serial number and gives the calibration memory that it has', async () => {
    const converter = await openRealUsb(CONVERTER);
    expect(converter.serialNumber).to.equal('01ABCDEF');
    const { data } = await converter.controlTransferIn(vendor(0x48), 8);
    expect(Buffer.from(data?.buffer ?? new ArrayBuffer(0), data?.byteOffset, data?.byteLength).toString()).to.equal(
      '01ABCDEF',
    );
    await converter.close();
  });

  it('counts without a gap in counter mode', async () => {
    const samples = await scan(0x20, 2000);
    expect(samples).to.deep.equal(Array.from({ length: 8000 }, (_, i) => i));
  });

  it('gives the samples that it gave in process', async () => {
    const samples = await scan(0, 1000);
    const { scans, codes } = await askHost('converterCodes', { scans: 1000 });
    expect(scans).to.equal(1000);
    expect(samples).to.deep.equal(codes);
  });
});

describe('the simulated GNSS receiver in a real kernel', () => {
  /** What the simulator sends in its first seconds, as the host makes it. */
  function expectedStream(durationNs: number): string {
    const profile = loadProfile('gnss-nmea-10hz', [PROFILES]);
    if (profile.kind !== 'serial') throw new Error('no serial profile');
    const clock = new VirtualClock();
    const device = createSimulator(profile, {}, { clock, random: createRandom('lab').fork('device') });
    const port = createSimulatedPort({ name: 'expected', clock, device });
    const bytes: number[] = [];
    port.attach({ receive: (byte) => bytes.push(byte), modemStatus: () => {}, disconnected: () => {} });
    clock.advanceTo(durationNs);
    port.close();
    return Buffer.from(bytes).toString('latin1');
  }

  it('is /dev/ttyACM0 by cdc_acm, and sends what the simulator sends', async () => {
    await attach(BUSID.receiver);
    await untilAttached(TTY, async () => existsSync(TTY));
    // What has come by the time of the opening would be taken for a person's typing: CR would become NL.
    await run('stty', ['-F', TTY, 'raw', '-echo']);
    const port = await realBinding().open({ path: TTY, baudRate: 9600 });
    const buffer = Buffer.alloc(65_536);
    let text = '';
    while (text.length < 6000) {
      const { bytesRead } = await port.read(buffer, 0, buffer.length);
      text += buffer.toString('latin1', 0, bytesRead);
    }
    await port.close();
    const from = text.indexOf('$');
    const whole = text.slice(from, text.lastIndexOf('\r\n') + 2);
    expect(whole.length).to.be.above(5000);
    expect(expectedStream(600e9).includes(whole), whole.slice(0, 200)).to.equal(true);
  });
});

testUsbDevice(
  'real, the loopback device over USB/IP',
  async () => {
    await attach(BUSID.loopback);
    await untilAttached('the loopback device', async () =>
      (await listRealUsb()).devices.find(({ vendorId }) => vendorId === TEST_DEVICE.vendorId),
    );
    const device = await openRealUsb({ vendorId: TEST_DEVICE.vendorId, productId: TEST_DEVICE.productId });
    await device.close();
    return { device, release: async () => {} };
  },
  { hasTimeouts: true },
);
