/** Devices that the host exports over USB/IP, attached by the machine's own `usbip` to the kernel's `vhci_hcd`. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { askHost } from './host.js';
import { until } from './until.js';
import { type Recording, recordBus } from './usbmon.js';

const VHCI = '/sys/devices/platform/vhci_hcd.0';
/** Device ports that are free (Linux, drivers/usb/usbip/usbip_common.h, VDEV_ST_NULL). */
const FREE = '004';
/** Buses of the first virtual controller, high speed before super speed; all are recorded where one is not known yet. */
const ALL_BUSES = 0;

interface VirtualPort {
  readonly number: number;
  readonly state: string;
  readonly portPath: string;
}

function virtualPorts(): VirtualPort[] {
  return readFileSync(`${VHCI}/status`, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .map(([, port, state, , , , portPath]) => ({ number: Number(port), state, portPath }));
}

function usbip(...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync('usbip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`usbip ${args.join(' ')}: ${stdout}${stderr}`);
}

export interface Attached {
  /** Where the kernel has put it: `3-1`. */
  readonly portPath: string;
  readonly busNumber: number;
  readonly deviceAddress: number;
  /** Gives it back and ends the recording, which has the name, the bus and the device in its own. */
  detach(): Promise<void>;
}

export interface AttachOptions {
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** Records everything from before it is attached until it is detached, under this name. */
  readonly record?: string;
}

/** Has the host serve a device, attaches it and waits until the kernel has configured it. */
export async function attach(device: string, { overrides = {}, record }: AttachOptions = {}): Promise<Attached> {
  const { port } = await askHost('serve', { device, overrides });
  const recording = record === undefined ? undefined : await recordBus(ALL_BUSES, record);
  const before = new Set(usedPorts());
  usbip('--tcp-port', String(port), 'attach', '-r', process.env.LAB_HOST ?? '', '-b', '1-1');
  const used = await until(`a virtual port with ${device}`, () =>
    virtualPorts().find(({ number, state, portPath }) => state !== FREE && !before.has(number) && portPath !== '0-0'),
  );
  const folder = `/sys/bus/usb/devices/${used.portPath}`;
  await until(
    `${device} at ${used.portPath}`,
    () => existsSync(`${folder}/bConfigurationValue`) && numberIn(folder, 'bConfigurationValue') > 0,
  );
  const [busNumber, deviceAddress] = [numberIn(folder, 'busnum'), numberIn(folder, 'devnum')];
  return {
    portPath: used.portPath,
    busNumber,
    deviceAddress,
    detach: () => detach(used, recording, `${record}.${busNumber}.${deviceAddress}`),
  };
}

async function detach(
  { number, portPath }: VirtualPort,
  recording: Recording | undefined,
  name: string,
): Promise<void> {
  // It is detached already when the host has pulled it.
  if (usedPorts().includes(number)) usbip('detach', '-p', String(number));
  await until(`${portPath} to go`, () => !existsSync(`/sys/bus/usb/devices/${portPath}`));
  await recording?.stop(name);
}

function usedPorts(): number[] {
  return virtualPorts()
    .filter(({ state }) => state !== FREE)
    .map(({ number }) => number);
}

function numberIn(folder: string, name: string): number {
  return Number(readFileSync(`${folder}/${name}`, 'utf8'));
}
