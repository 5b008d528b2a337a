/** The kernel's own recording of a bus, made while the real bindings use it; it is replayed outside. */

import { expect } from 'chai';
import { openRealUsb } from '../../hal/index.js';
import { findUsb, lookForUsb } from './find-usb.js';
import { askHost } from './host.js';
import { pointerSteps } from './pointer.js';
import { until } from './until.js';
import { recordBus } from './usbmon.js';

const MOUSE = 'QEMU USB Mouse';

describe('usbmon', () => {
  it('records a mouse from when it is plugged in, used by the real USB binding, until it is pulled out', async () => {
    const { busNumber } = await findUsb('QEMU USB Tablet', 'usbhid');
    const recording = await recordBus(busNumber, 'mouse');
    await askHost('plug', { driver: 'usb-mouse', id: 'mouse' });
    const { portPath, deviceAddress } = await findUsb(MOUSE, 'usbhid');
    const mouse = await openRealUsb(portPath);
    await mouse.claimInterface(0);
    const [{ endpointNumber, packetSize }] = mouse.configuration?.interfaces[0]?.alternate.endpoints ?? [];
    for (const step of pointerSteps(0, 4)) {
      const report = mouse.transferIn(endpointNumber, packetSize, { timeoutMs: 20_000 });
      await askHost('pointer', { steps: [{ left: step.left ?? false }] });
      await report;
    }
    await mouse.close();
    await askHost('unplug', { id: 'mouse' });
    await until('the mouse to go', async () => (await lookForUsb(MOUSE, 'usbhid')) === undefined);
    expect(await recording.stop(`mouse.${busNumber}.${deviceAddress}`)).to.be.above(30);
  });
});
