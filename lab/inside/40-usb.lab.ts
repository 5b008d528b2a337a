/** The real USB binding on QEMU's tablet and FTDI device: claimed from the kernel's drivers and given back. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { HalError } from '../../hal/index.js';
import { listRealUsb, openRealUsb } from '../../hal/index.js';
import type { UsbDeviceInfo } from '../../hal/usb/real/sysfs.js';
import { watchRealUsb } from '../../hal/usb/real/watch-usb.js';
import { inOtherProcess } from './as-user.js';
import { findUsb } from './find-usb.js';
import { askHost } from './host.js';
import { BURST, pointerReport, pointerSteps } from './pointer.js';
import { until } from './until.js';

const TABLET = 'QEMU USB Tablet';
const FTDI = '0403:6001';
/** GET_DESCRIPTOR of the report descriptor (HID 1.11, section 7.1.1). */
const REPORT_DESCRIPTOR = {
  requestType: 'standard',
  recipient: 'interface',
  request: 6,
  value: 0x2200,
  index: 0,
} as const;
const TRANSFER = { timeoutMs: 20_000 };

function findTablet(): Promise<UsbDeviceInfo> {
  return findUsb(TABLET, 'usbhid');
}

/** The descriptor as the kernel has read it. */
function kernelsReportDescriptor(portPath: string): number[] {
  const folder = `/sys/bus/usb/devices/${portPath}/${portPath}:1.0`;
  const hid = readdirSync(folder).find((name) => /^[0-9A-F]{4}:/.test(name));
  return [...readFileSync(`${folder}/${hid}/report_descriptor`)];
}

function refusalOf(promise: Promise<unknown>): Promise<HalError> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: HalError) => error,
  );
}

function bytesOf({ data }: USBInTransferResult, length: number): number[] {
  return data === undefined ? [] : [...new Uint8Array(data.buffer, data.byteOffset, Math.min(length, data.byteLength))];
}

describe("real USB binding on QEMU's devices", () => {
  it('lists the devices with their drivers', async () => {
    const tablet = await findTablet();
    expect(tablet).to.include({ vendorId: 0x0627, productId: 1 });
    const { devices } = await listRealUsb();
    const ftdi = devices.find(({ vendorId }) => vendorId === 0x0403);
    expect(ftdi?.interfaces[0]?.driver).to.equal('ftdi_sio');
  });

  it('takes the tablet from usbhid, does control and interrupt transfers, and gives it back', async () => {
    const info = await findTablet();
    const descriptor = kernelsReportDescriptor(info.portPath);
    const tablet = await openRealUsb(info.portPath);
    expect(tablet.productName).to.equal(TABLET);
    await tablet.claimInterface(0);
    expect(
      (await listRealUsb()).devices.find(({ portPath }) => portPath === info.portPath)?.interfaces[0]?.driver,
    ).to.equal('usbfs');
    expect(bytesOf(await tablet.controlTransferIn(REPORT_DESCRIPTOR, 255), 255)).to.deep.equal(descriptor);
    const [endpoint] = tablet.configuration?.interfaces[0]?.alternate.endpoints ?? [];
    expect(endpoint).to.include({ direction: 'in', type: 'interrupt' });
    const steps = pointerSteps(0, BURST);
    const reports: number[][] = [];
    const first = tablet.transferIn(endpoint.endpointNumber, endpoint.packetSize, TRANSFER);
    await askHost('pointer', { steps });
    reports.push(bytesOf(await first, 5));
    while (reports.length < steps.length)
      reports.push(bytesOf(await tablet.transferIn(endpoint.endpointNumber, endpoint.packetSize, TRANSFER), 5));
    expect(reports).to.deep.equal(steps.map(pointerReport));
    await tablet.close();
    expect((await findTablet()).portPath).to.equal(info.portPath);
  });

  it('ends a transfer with HAL_TIMEOUT and loses nothing that comes later', async () => {
    const tablet = await openRealUsb((await findTablet()).portPath);
    await tablet.claimInterface(0);
    const [endpoint] = tablet.configuration?.interfaces[0]?.alternate.endpoints ?? [];
    const read = (timeoutMs: number) => tablet.transferIn(endpoint.endpointNumber, endpoint.packetSize, { timeoutMs });
    expect((await refusalOf(read(300))).code).to.equal('HAL_TIMEOUT');
    const steps = pointerSteps(100, 4);
    await askHost('pointer', { steps });
    const reports: number[][] = [];
    while (reports.length < steps.length) reports.push(bytesOf(await read(20_000), 5));
    expect(reports).to.deep.equal(steps.map(pointerReport));
    await tablet.close();
  });

  it('reports a request that the device does not know as a stall', async () => {
    const tablet = await openRealUsb((await findTablet()).portPath);
    const vendor = { requestType: 'vendor', recipient: 'device', request: 0x77, value: 0, index: 0 } as const;
    const outcome = await tablet.controlTransferIn(vendor, 8).then(
      ({ status }) => status,
      (error: HalError) => error.code,
    );
    expect(outcome).to.be.oneOf(['stall', 'HAL_STALL']);
    await tablet.close();
  });

  it('reports HAL_DISCONNECTED when the device is pulled out during a transfer', async () => {
    const tablet = await openRealUsb((await findTablet()).portPath);
    await tablet.claimInterface(0);
    const [endpoint] = tablet.configuration?.interfaces[0]?.alternate.endpoints ?? [];
    const waiting = refusalOf(tablet.transferIn(endpoint.endpointNumber, endpoint.packetSize, TRANSFER));
    await askHost('unplug', { id: 'tablet' });
    expect((await waiting).code).to.equal('HAL_DISCONNECTED');
    await tablet.close().catch(() => {});
    await askHost('plug', { driver: 'usb-tablet', id: 'tablet' });
    await findTablet();
  });

  it('tells what is plugged in and pulled out', async () => {
    const seen: string[] = [];
    const watch = await watchRealUsb({
      attached: ({ product }) => seen.push(`+ ${product}`),
      detached: ({ product }) => seen.push(`- ${product}`),
    });
    await askHost('plug', { driver: 'usb-mouse', id: 'mouse' });
    await until('the mouse', () => seen.includes('+ QEMU USB Mouse'));
    await askHost('unplug', { id: 'mouse' });
    await until('the mouse to go', () => seen.includes('- QEMU USB Mouse'));
    await watch.close();
    expect(seen).to.deep.equal(['+ QEMU USB Mouse', '- QEMU USB Mouse']);
  });

  it('tells a user without rights which udev rule to add', async () => {
    const told = await inOtherProcess(
      `const { openRealUsb } = await import('./dist/hal/usb/real/real-usb.js');
       await openRealUsb('${FTDI}').then(() => say('opened'), (error) => say(error));`,
      { user: true },
    );
    expect(told).to.include({ code: 'HAL_DENIED' });
    expect(told.hint).to.include('ATTR{idVendor}=="0403", ATTR{idProduct}=="6001"');
  });

  it('is refused to another process while one has it open', async () => {
    const ftdi = await openRealUsb(FTDI);
    const told = await inOtherProcess(
      `const { openRealUsb } = await import('./dist/hal/usb/real/real-usb.js');
       await openRealUsb('${FTDI}').then(() => say('opened'), (error) => say(error));`,
    );
    await ftdi.close();
    expect(told).to.include({ code: 'HAL_IN_USE' });
  });

  it('gives the kernel its driver back when the process that has the device is killed', async () => {
    const info = await findTablet();
    const tablet = await openRealUsb(info.portPath);
    await tablet.claimInterface(0);
    process.kill(tablet.hostPid ?? 0, 'SIGKILL');
    await until('the loss', () => !tablet.opened);
    await tablet.givenBack;
    expect((await findTablet()).portPath).to.equal(info.portPath);
  });
});
