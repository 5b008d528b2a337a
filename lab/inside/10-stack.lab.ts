/** The lab itself: a real kernel's USB stack, QEMU's devices on it, and the native libraries that see them. */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { expect } from 'chai';
import { until } from './until.js';

const require = createRequire(import.meta.url);

describe('Machine', () => {
  it("runs Debian's kernel", () => {
    expect(release()).to.match(/-amd64$/);
    expect(readFileSync('/proc/version', 'utf8')).to.include('Debian');
  });

  it('has bound the drivers of the kernel to the devices of QEMU', async () => {
    await until('the FTDI device', () => existsSync('/dev/ttyUSB0'));
    await until('the tablet and the keyboard', () => existsSync('/dev/hidraw0') && existsSync('/dev/hidraw1'));
  });
});

describe('Native libraries', () => {
  it('serialport lists the FTDI device', async () => {
    const { realBinding } = await import('../../hal/index.js');
    const ports = await realBinding().list();
    expect(ports.map(({ path }) => path)).to.include('/dev/ttyUSB0');
  });

  it('node-hid lists the tablet and the keyboard', async () => {
    const { devicesAsync } = require('node-hid') as typeof import('node-hid');
    const names = (await devicesAsync()).map(({ product }) => product);
    expect(names).to.include.members(['QEMU USB Tablet', 'QEMU USB Keyboard']);
  });

  it('usb lists the tablet, the keyboard and the FTDI device', async () => {
    const { WebUSB } = require('usb') as typeof import('usb');
    const names = (await new WebUSB({ allowAllDevices: true }).getDevices()).map(({ productName }) => productName);
    expect(names).to.include.members(['QEMU USB Tablet', 'QEMU USB Keyboard', 'QEMU USB SERIAL']);
  });
});
