/**
 * The process that owns one real USB device: the library's transfers cannot be taken back and its native part may hang or
 * crash, so it lives here alone. Started by `HostProcess` with an IPC channel.
 */

import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sendToParent, serveHost } from '../../host-process/serve-host.js';
import { loadNativeUsb } from './native-usb.js';
import { fieldsOf, type OpenedUsb, openUsb } from './opened-usb.js';
import type { UsbHotplugEvent, UsbOpenArguments, UsbRequests } from './protocol.js';

let device: OpenedUsb | undefined;
let openedAs: UsbOpenArguments | undefined;
/** The parent gives the kernel's drivers back itself once this process has ended. */
let parentGivesBack = false;
/** What a dead process has left, given back by this one when that is gone. */
let heritage: UsbOpenArguments | undefined;

function opened(): OpenedUsb {
  if (device === undefined) throw new Error('invalid state: the device is not open');
  return device;
}

serveHost<UsbRequests & { inherit: { args: UsbOpenArguments; answer: undefined } }>(
  {
    async list({ nativeModule }) {
      const usb = await loadNativeUsb(nativeModule);
      return (await usb.getDevices()).map((each) => ({
        ...fieldsOf(each),
        busNumber: Number.parseInt(each.bus, 10) || 0,
        deviceAddress: each.address,
        ports: [...each.ports],
        speed: each.speed,
      }));
    },
    async open(where) {
      device = await openUsb(where);
      openedAs = where;
      return device.describe();
    },
    selectConfiguration: async (value) => opened().selectConfiguration(value),
    claim: async (interfaceNumber) => opened().claim(interfaceNumber),
    release: async (interfaceNumber) => opened().release(interfaceNumber),
    alternate: async ({ interfaceNumber, alternateSetting }) => opened().alternate(interfaceNumber, alternateSetting),
    controlIn: async ({ setup, length, timeoutMs }) => opened().controlIn(setup, length, timeoutMs),
    controlOut: async ({ setup, data, timeoutMs }) => opened().controlOut(setup, data, timeoutMs),
    transferIn: async (args) => opened().transferIn(args),
    transferOut: async (args) => opened().transferOut(args),
    async cancel(ticket) {
      device?.cancel(ticket);
      return undefined;
    },
    clearHalt: async ({ direction, endpointNumber }) => opened().clearHalt(direction, endpointNumber),
    reset: async () => opened().reset(),
    async close() {
      const closing = opened();
      closing.cancelAll();
      if (closing.busy) {
        parentGivesBack = true;
        return { busy: true };
      }
      device = undefined;
      await closing.close();
      return { busy: false };
    },
    async watch({ nativeModule, sysfs }) {
      // Without this folder the library rejects where nobody can catch it, which ends the process.
      const folder = join(sysfs, 'bus/usb/devices');
      if (process.platform === 'linux' && !existsSync(folder)) return { reason: `${folder} is not there` };
      const usb = await loadNativeUsb(nativeModule);
      for (const type of ['connect', 'disconnect'] as const)
        usb.addEventListener(type, () => sendToParent({ hotplug: true } satisfies UsbHotplugEvent));
      return { reason: undefined };
    },
    async inherit(where) {
      heritage = where;
      return undefined;
    },
  },
  { end },
);

/** Runs when the parent is gone, or has done with this process. */
async function end(): Promise<void> {
  if (heritage !== undefined) {
    await giveBackAs(heritage);
    return;
  }
  const ending = device;
  if (ending === undefined) return;
  if (!ending.busy) await ending.close();
  else if (!ending.owes) ending.unlock();
  else if (!parentGivesBack && openedAs !== undefined) await leaveTo(openedAs);
}

/** The lock of the dead process tells what it owed; to close pays it. */
async function giveBackAs(where: UsbOpenArguments): Promise<void> {
  const heir = await openUsb(where);
  await heir.close();
}

/**
 * Transfers that nobody can take back keep the interfaces until this process has ended; another one attaches the drivers
 * then: it sees its channel end.
 */
async function leaveTo(where: UsbOpenArguments): Promise<void> {
  const heir = fork(fileURLToPath(import.meta.url), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: true,
    execArgv: [],
  });
  await new Promise<void>((resolve) => {
    heir.once('message', () => resolve());
    heir.once('error', () => resolve());
    heir.send({ id: 1, op: 'inherit', args: where });
  });
  heir.unref();
}
