/** The WebUSB contract on the real binding with a stand-in for the library, and the way through it on a device that was named. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { WallClock } from '../../../base/index.js';
import { usbDeviceFromPort } from '../device-from-port.js';
import { testUsbDevice } from '../device-suite.js';
import { portFromUsbDevice } from '../port-from-device.js';
import { describeUsbDevice } from '../read-description.js';
import { MOCK_USB, MockUsbStand } from './mock-usb-stand.js';
import { listRealUsb, openRealUsb, realUsbDevice } from './real-usb.js';
import { parseUsbSelector, selectUsb } from './select-usb.js';

const missing = process.platform === 'linux' ? undefined : 'needs Linux';
const NAMED = process.env.RIGVISOR_USB ?? '';

async function makeBench() {
  const stand = new MockUsbStand('mock-loopback-usb.js');
  const info = selectUsb(await listRealUsb(stand.options), { portPath: MOCK_USB.portPath });
  return {
    device: realUsbDevice(info, stand.options),
    unplug: () => writeFileSync(join(stand.folder, 'unplug'), ''),
    release: async () => stand.remove(),
  };
}

/** The whole way of a run: a port over the real device, and a device again over that port. */
async function makeRoundTrip() {
  const bench = await makeBench();
  const clock = new WallClock();
  await bench.device.open();
  const description = await describeUsbDevice(bench.device, 'usb:1-1.2', 'full');
  const port = portFromUsbDevice(bench.device, { name: 'usb:1-1.2', clock, description });
  return {
    device: usbDeviceFromPort(port, { clock }),
    unplug: bench.unplug,
    release: async () => {
      port.close();
      await port.whenClosed;
      await bench.release();
    },
  };
}

testUsbDevice('a real device, with a stand-in for the library,', makeBench, { missing, hasTimeouts: true });
testUsbDevice('a port over a real device, with a stand-in for the library,', makeRoundTrip, {
  missing,
  hasTimeouts: true,
});

describe(`a real USB device${NAMED === '' ? ' (pending: RIGVISOR_USB names none, like 10cf:5500)' : ` ${NAMED}`}`, () => {
  before(function () {
    if (NAMED === '') this.skip();
  });

  it('describes itself as the machine lists it, and has its drivers again afterwards', async () => {
    const selector = parseUsbSelector(NAMED);
    const before = selectUsb(await listRealUsb(), selector);
    const device = await openRealUsb(selector);
    try {
      const { status, data } = await device.controlTransferIn(
        { requestType: 'standard', recipient: 'device', request: 6, value: 0x0100, index: 0 },
        18,
      );
      expect(status).to.equal('ok');
      expect(data?.byteLength).to.equal(18);
      expect([data?.getUint16(8, true), data?.getUint16(10, true)]).to.deep.equal([before.vendorId, before.productId]);
      for (const { number } of before.interfaces) await device.claimInterface(number);
    } finally {
      await device.close();
    }
    const after = selectUsb(await listRealUsb(), selector);
    expect(after.interfaces.map(({ driver }) => driver)).to.deep.equal(before.interfaces.map(({ driver }) => driver));
  });
});
