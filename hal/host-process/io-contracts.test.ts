/** The contracts of every kind of device over seats of one shared I/O process, and over libraries in the calling thread. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WallClock } from '../../base/index.js';
import { testHidDevice } from '../hid/hid-suite.js';
import { MOCK_FEATURE, MOCK_HID, MockHidStand } from '../hid/real/mock-hid-stand.js';
import { openRealHid } from '../hid/real/real-hid.js';
import { type DialogueStep, describeSerialBinding } from '../serial/binding-suite.js';
import { wallTime } from '../serial/passing-time.js';
import { createPtyPair } from '../serial/pty/pty-pair.js';
import { ScriptedTerminal } from '../serial/pty/scripted-terminal.js';
import { realBinding } from '../serial/real/real-binding.js';
import { testUsbDevice } from '../usb/device-suite.js';
import { MOCK_USB, MockUsbStand } from '../usb/real/mock-usb-stand.js';
import { listRealUsb, realUsbDevice } from '../usb/real/real-usb.js';
import { selectUsb } from '../usb/real/select-usb.js';
import type { HostProvider } from './host-connection.js';
import { IoProcess } from './io-process.js';
import { LOCAL_HOSTS } from './local-host.js';
import { ptyMissing } from './process-test-kit.js';

const noPty = ptyMissing();
const noUsb = process.platform === 'linux' ? undefined : 'needs Linux';

function makePty(hosts: HostProvider) {
  return async (dialogue: readonly DialogueStep[]) => {
    const clock = new WallClock();
    const pair = createPtyPair(clock);
    const device = new ScriptedTerminal(pair.paths[1], dialogue, () => pair.close());
    return {
      binding: realBinding({ hosts }),
      path: pair.paths[0],
      missingPath: '/dev/ttyUSB99',
      baudRate: 115200,
      time: wallTime(clock),
      start: () => device.start(),
      received: () => device.received(),
      close: async () => {
        device.close();
        pair.close();
      },
    };
  };
}

async function makeHid(hosts: HostProvider) {
  const stand = new MockHidStand();
  await stand.plug();
  return {
    ...MOCK_HID,
    time: wallTime(),
    numbered: true,
    feature: MOCK_FEATURE,
    open: (queueLimit?: number) =>
      openRealHid(stand.path, { ...stand.options, hosts, ...(queueLimit === undefined ? {} : { queueLimit }) }),
    send: (report: Uint8Array) => stand.send(report),
    received: () => stand.received,
    unplug: () => stand.unplug(),
    close: () => stand.close(),
  };
}

async function makeUsb(hosts: HostProvider) {
  const stand = new MockUsbStand('mock-loopback-usb.js');
  const info = selectUsb(await listRealUsb(stand.options), { portPath: MOCK_USB.portPath });
  return {
    device: realUsbDevice(info, { ...stand.options, hosts }),
    unplug: () => writeFileSync(join(stand.folder, 'unplug'), ''),
    release: async () => stand.remove(),
  };
}

function everyContract(what: string, hosts: HostProvider): void {
  describeSerialBinding(`real, ${what}`, makePty(hosts), {
    ...(noPty === undefined ? {} : { unavailable: noPty }),
    withoutList: 'pseudo-terminals are not listed',
    withoutModemLines: 'a pseudo-terminal has none',
  });
  testHidDevice(`real, ${what}`, () => makeHid(hosts));
  testUsbDevice(`a real device, ${what}`, () => makeUsb(hosts), { missing: noUsb, hasTimeouts: true });
}

describe('every device in one I/O process', () => {
  let process: IoProcess | undefined;
  const shared: HostProvider = {
    connect(factory, where) {
      process ??= new IoProcess();
      return process.connect(factory, where);
    },
  };
  after(() => process?.end());
  everyContract('in a seat of a shared I/O process', shared);
});

describe('every device in the calling thread', () => everyContract('in the calling thread', LOCAL_HOSTS));
