/** The real HID binding on QEMU's tablet and keyboard through the kernel's `usbhid` and `hidraw`. */

import { expect } from 'chai';
import { askHost } from './host.js';
import { openHid } from './open-hid.js';
import { BURST, pointerReport, pointerSteps } from './pointer.js';
import { until } from './until.js';

const BURSTS = 20;

describe("real HID binding on QEMU's devices", () => {
  it('hands over every report of the tablet, in order and unchanged', async () => {
    const tablet = await openHid('QEMU USB Tablet');
    const reports: number[][] = [];
    tablet.on('data', (report: Buffer) => reports.push([...report.subarray(0, 5)]));
    const expected: number[][] = [];
    for (let burst = 0; burst < BURSTS; burst++) {
      const steps = pointerSteps(burst * BURST, BURST);
      expected.push(...steps.map(pointerReport));
      await askHost('pointer', { steps });
      await until(`report ${expected.length}`, () => reports.length >= expected.length);
    }
    await tablet.close();
    expect(reports).to.deep.equal(expected);
  });

  it('reads one report a call, and nothing when its time is over', async () => {
    const tablet = await openHid('QEMU USB Tablet');
    const [step, next] = pointerSteps(5000, 2);
    expect(await tablet.read(100)).to.equal(undefined);
    await askHost('pointer', { steps: [step, next] });
    expect([...((await tablet.read(20_000)) ?? [])].slice(0, 5)).to.deep.equal(pointerReport(step));
    expect([...((await tablet.read(20_000)) ?? [])].slice(0, 5)).to.deep.equal(pointerReport(next));
    await tablet.close();
  });

  it('reads the keys of the keyboard as boot reports', async () => {
    const keyboard = await openHid('QEMU USB Keyboard');
    await askHost('keys', { names: ['a', 'b'] });
    const keys: number[] = [];
    for (let i = 0; i < 4; i++) keys.push(((await keyboard.read(20_000)) ?? [])[2]);
    await keyboard.close();
    // HID Usage Tables 1.12, section 10: a is 4, b is 5.
    expect(keys).to.deep.equal([4, 0, 5, 0]);
  });

  it('says that the device has gone when it is pulled out while it is read', async () => {
    const keyboard = await openHid('QEMU USB Keyboard');
    const failed = new Promise<Error>((resolve) => keyboard.on('error', resolve));
    keyboard.on('data', () => {});
    await askHost('unplug', { id: 'keyboard' });
    expect((await failed).message).to.not.equal('');
    await keyboard.close().catch(() => {});
    await askHost('plug', { driver: 'usb-kbd', id: 'keyboard' });
    await (await openHid('QEMU USB Keyboard')).close();
  });
});
