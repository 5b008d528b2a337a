/** Attaches the host's simulated devices with the kernel's own USB/IP client. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { until } from './until.js';

const run = promisify(execFile);
const HOST = process.env.LAB_HOST ?? '';
const PORT = process.env.LAB_USBIP_PORT ?? '';
const attached = new Set<string>();

/** Attached once for the whole suite; resolves when usbip has handed the connection to the kernel. */
export async function attach(busid: string): Promise<void> {
  if (attached.has(busid)) return;
  attached.add(busid);
  await run('usbip', ['--tcp-port', PORT, 'attach', '-r', HOST, '-b', busid]);
}

/** Lets go of everything: the kernel sees the devices leave. */
export async function detachAll(): Promise<void> {
  const { stdout } = await run('usbip', ['port']);
  for (const [, port] of stdout.matchAll(/^Port (\d+):/gm)) await run('usbip', ['detach', '-p', String(Number(port))]);
  attached.clear();
}

/** What the kernel says of its messages' last lines, for a failure that needs a cause. */
export async function kernelLog(): Promise<string> {
  const { stdout } = await run('dmesg', []);
  return stdout.split('\n').slice(-20).join('\n');
}

/** Waits as `until`, and tells the kernel's last words when it was in vain. */
export async function untilAttached<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> {
  try {
    return await until(what, probe);
  } catch (error) {
    throw new Error(`${(error as Error).message}; the kernel said:\n${await kernelLog()}`);
  }
}
