/** The real serial binding on QEMU's FTDI device through the kernel's `ftdi_sio`; its far end is on the host. */

import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { type HalError, type LineSettings, realBinding } from '../../hal/index.js';
import { type DialogueStep, describeSerialBinding } from '../../hal/serial/binding-suite.js';
import { ScriptedDevice } from '../../hal/serial/scripted-device.js';
import { inOtherProcess } from './as-user.js';
import { askHost, onFarEnd } from './host.js';
import { labTime } from './lab-time.js';
import { until } from './until.js';

const PATH = '/dev/ttyUSB0';
const LINE: LineSettings = { baudRate: 115200, dataBits: 8, parity: 'none', stopBits: 1 };

async function plugIn(): Promise<void> {
  await until(`${PATH} to go`, () => !existsSync(PATH));
  await askHost('plug', { driver: 'usb-serial', id: 'serial', chardev: 'far-end' });
  await until(PATH, () => existsSync(PATH));
}

async function makeFixture(dialogue: readonly DialogueStep[]) {
  await until(PATH, () => existsSync(PATH));
  let left: Promise<unknown> | undefined;
  const device = new ScriptedDevice(LINE, dialogue, () => {
    left = askHost('unplug', { id: 'serial' });
  });
  onFarEnd((bytes) => {
    for (const byte of bytes) device.receive(byte);
  });
  return {
    binding: realBinding(),
    path: PATH,
    missingPath: '/dev/ttyUSB99',
    baudRate: LINE.baudRate,
    time: labTime(),
    start: () =>
      device.start({
        transmit: (bytes, offset, length) => {
          const sent = Buffer.from(bytes.subarray(offset, offset + length)).toString('hex');
          void askHost('farEnd', { bytes: sent }).then(() => device.transmitIdle());
        },
        breakFor: () => {},
        modemStatus: () => {},
        backlog: 0,
      }),
    received: () => Uint8Array.from(device.received),
    close: async () => {
      onFarEnd(() => {});
      await left;
      if (left !== undefined) await plugIn();
    },
  };
}

describeSerialBinding("real, QEMU's FTDI device", makeFixture);

describe('real serial binding in the lab', () => {
  it('sees the device come back under the same path after it was pulled out while it was read', async () => {
    const port = await realBinding().open({ path: PATH, baudRate: LINE.baudRate });
    const reading = port.read(Buffer.alloc(8), 0, 8).then(
      () => undefined,
      (error: HalError) => error,
    );
    await askHost('unplug', { id: 'serial' });
    const error = await reading;
    expect(error?.code).to.equal('HAL_DISCONNECTED');
    await port.close().catch(() => {});
    await plugIn();
    const again = await realBinding().open({ path: PATH, baudRate: LINE.baudRate });
    await askHost('farEnd', { bytes: Buffer.from('back').toString('hex') });
    const buffer = Buffer.alloc(4);
    for (let have = 0; have < 4; ) have += (await again.read(buffer, have, 4 - have)).bytesRead;
    expect(buffer.toString()).to.equal('back');
    await again.close();
  });

  it('tells a user without rights which group or udev rule is missing', async () => {
    const told = await inOtherProcess(
      `const { realBinding } = await import('./dist/hal/serial/real/real-binding.js');
       await realBinding().open({ path: '${PATH}', baudRate: 9600 }).then(() => say('opened'), (error) => say(error));`,
      { user: true },
    );
    expect(told).to.include({ code: 'HAL_DENIED' });
    expect(told.hint).to.match(/udev rule SUBSYSTEM=="tty"|Join the group/);
  });

  it('is refused to another process while one has it open', async () => {
    const port = await realBinding().open({ path: PATH, baudRate: LINE.baudRate });
    const told = await inOtherProcess(
      `const { realBinding } = await import('./dist/hal/serial/real/real-binding.js');
       await realBinding().open({ path: '${PATH}', baudRate: 9600 }).then(() => say('opened'), (error) => say(error));`,
    );
    await port.close();
    expect(told).to.include({ code: 'HAL_IN_USE' });
  });
});
