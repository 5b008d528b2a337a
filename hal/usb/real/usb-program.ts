/**
 * The process that owns one real USB device: the library's transfers cannot be taken back and its native part may hang or
 * crash, so it lives here alone. Started by `HostProcess` with an IPC channel.
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sendToParent, serveHost } from '../../host-process/serve-host.js';
import { openUsb } from './opened-usb.js';
import type { UsbOpenArguments, UsbRequests } from './protocol.js';
import { UsbHost } from './usb-host.js';

const host = new UsbHost(sendToParent);
/** What a dead process has left, given back by this one when that is gone. */
let heritage: UsbOpenArguments | undefined;

serveHost<UsbRequests & { inherit: { args: UsbOpenArguments; answer: undefined } }>(
  {
    ...host.handlers,
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
  const { device, openedAs, parentGivesBack } = host;
  if (device === undefined) return;
  if (!device.busy) await device.close();
  else if (!device.owes) device.unlock();
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
