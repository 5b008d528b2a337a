/** Tests of the real HID binding: the contract, with a mock in place of the library, and the library's traps. */

import { expect } from 'chai';
import type { HalError } from '../../errors.js';
import { wallTime } from '../../serial/passing-time.js';
import { parseUsbSelector } from '../../usb/real/select-usb.js';
import { testHidDevice } from '../hid-suite.js';
import { MOCK_FEATURE, MOCK_HID, MockHidStand } from './mock-hid-stand.js';
import { listRealHid, openRealHid, selectHid } from './real-hid.js';
import type { RealHidDevice } from './real-hid-device.js';

testHidDevice('real, with a mock in place of node-hid', async () => {
  const stand = new MockHidStand();
  await stand.plug();
  return {
    ...MOCK_HID,
    time: wallTime(),
    numbered: true,
    feature: MOCK_FEATURE,
    open: (queueLimit) => openRealHid(stand.path, { ...stand.options, queueLimit }),
    send: (report) => stand.send(report),
    received: () => stand.received,
    unplug: () => stand.unplug(),
    close: () => stand.close(),
  };
});

describe('a real HID device', () => {
  let stand: MockHidStand;
  let device: RealHidDevice | undefined;

  beforeEach(async () => {
    stand = new MockHidStand();
    await stand.plug();
  });

  afterEach(async () => {
    await device?.close();
    device = undefined;
    await stand.close();
  });

  async function code(promise: Promise<unknown>): Promise<string> {
    return promise.then(
      () => 'resolved',
      (error: HalError) => error.code,
    );
  }

  it('is found by its ids and its path, and is not mixed up', async () => {
    device = await openRealHid('1209:0002', stand.options);
    expect(await device.getDeviceInfo()).to.include(MOCK_HID);
    expect(await code(openRealHid('1209:0003', stand.options))).to.equal('HAL_NOT_FOUND');
  });

  it('belongs to one process at a time', async () => {
    device = await openRealHid(stand.path, stand.options);
    expect(await code(openRealHid(stand.path, stand.options))).to.equal('HAL_IN_USE');
    await device.close();
    device = await openRealHid(stand.path, stand.options);
  });

  it('takes any number of listeners, where the library fails at the second', async () => {
    device = await openRealHid(stand.path, stand.options);
    const heard: number[] = [];
    const both = new Promise<void>((resolve) => {
      device?.on('data', (report) => heard.push(report[1]));
      device?.on('data', (report) => {
        heard.push(report[1]);
        resolve();
      });
    });
    stand.send(Uint8Array.of(1, 7));
    await both;
    expect(heard).to.deep.equal([7, 7]);
  });

  it('takes a burst that is longer than the window between the processes, in order and whole', async () => {
    device = await openRealHid(stand.path, { ...stand.options, queueLimit: 5000 });
    const reports = Array.from({ length: 3000 }, (_, n) => Uint8Array.of(1, n, n >> 8));
    stand.send(...reports);
    for (const report of reports) expect([...((await device.read(5000)) ?? [])]).to.deep.equal([...report]);
    expect(device.lost).to.equal(0);
  });

  it('counts what nobody takes, wherever it is dropped', async () => {
    device = await openRealHid(stand.path, { ...stand.options, queueLimit: 10 });
    stand.send(...Array.from({ length: 1000 }, (_, n) => Uint8Array.of(1, n, n >> 8)));
    // The library's own reply to a later request comes behind the reports.
    await device.write([1, 0]);
    const seen: number[] = [];
    for (let report = await device.read(500); report !== undefined; report = await device.read(500))
      seen.push(report[1] | (report[2] << 8));
    expect(seen.at(-1)).to.equal(999);
    expect(seen.length + device.lost).to.equal(1000);
  });

  it('says that the device is gone when its process is killed', async () => {
    device = await openRealHid(stand.path, stand.options);
    const read = code(device.read());
    process.kill(device.hostPid ?? 0, 'SIGKILL');
    expect(await read).to.equal('HAL_HOST_PROCESS');
  });

  it('is not there when its node is not', async () => {
    await stand.close();
    stand = new MockHidStand();
    expect(await code(openRealHid(stand.path, { ...stand.options, accessRetryMs: 0 }))).to.equal('HAL_IO');
    await stand.plug();
  });

  it('refuses when two devices fit, and names both', async () => {
    stand.addTwin();
    const error: HalError = await openRealHid('1209:0002', stand.options).then(
      () => expect.fail('it was opened'),
      (thrown) => thrown,
    );
    expect(error.code).to.equal('HAL_INVALID');
    expect(error.message).to.include('hidraw0').and.to.include('hidraw1');
    device = await openRealHid(stand.path, stand.options);
  });

  it('waits for the permission of a device that was just plugged in', async () => {
    stand.deny();
    const opening = openRealHid(stand.path, { ...stand.options, accessRetryMs: 5000 });
    await wallTime().pass(300e6);
    stand.permit();
    device = await opening;
  });

  it('gives up where the permission does not come', async () => {
    stand.deny();
    expect(await code(openRealHid(stand.path, { ...stand.options, accessRetryMs: 100 }))).to.equal('HAL_DENIED');
  });

  it('says in one sentence that the package cannot be loaded', async () => {
    const nativeModule = 'node-hid-that-is-not-there';
    expect(await code(openRealHid(stand.path, { ...stand.options, nativeModule }))).to.equal('HAL_UNSUPPORTED');
  });

  it('lists nothing, with the reason, where the machine shows no HID', async () => {
    stand.hideHid();
    const { devices, reason } = await listRealHid(stand.options);
    expect(devices).to.deep.equal([]);
    expect(reason).to.match(/class\/hidraw is not there/);
  });

  it('is not stopped by the lock of a process that was killed', async () => {
    const killed = await openRealHid(stand.path, stand.options);
    const lost = new Promise((resolve) => killed.on('error', resolve));
    process.kill(killed.hostPid ?? 0, 'SIGKILL');
    await lost;
    await killed.close();
    device = await openRealHid(stand.path, stand.options);
  });
});

const NAMED = process.env.RIGVISOR_HID ?? '';

describe(`a real HID device${NAMED === '' ? ' (pending: RIGVISOR_HID names none, like 10cf:5500)' : ` ${NAMED}`}`, () => {
  before(function () {
    if (NAMED === '') this.skip();
  });

  it('is what the machine lists, stays open without a report, and closes', async () => {
    const listed = selectHid(await listRealHid(), NAMED.startsWith('/') ? { path: NAMED } : parseUsbSelector(NAMED));
    const device = await openRealHid({ path: listed.path });
    try {
      expect(await device.getDeviceInfo()).to.include({ vendorId: listed.vendorId, productId: listed.productId });
      await device.read(100);
      expect(device.lost).to.equal(0);
    } finally {
      await device.close();
    }
  });
});
