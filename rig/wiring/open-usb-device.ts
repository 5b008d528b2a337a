/** Opens the real or remote USB device of a run: by its library, by the HID driver of the operating system, or over USB/IP. */

import { createRandom, type WallClock } from '../../base/index.js';
import {
  connectUsbip,
  createUsbSimulator,
  describeUsbDevice,
  HalError,
  type HostProvider,
  listRealUsb,
  type OwnedUsbPort,
  openRealHid,
  openRestartingUsbPort,
  type PortRestart,
  parseUsbSelector,
  portFromHid,
  portFromUsbDevice,
  realUsbDevice,
  selectUsb,
  type UsbDescription,
  type UsbProfile,
  type UsbSelector,
} from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { DeviceHosts } from './device-hosts.js';
import type { OpenedUsb } from './usb-link.js';
import type { WallStations } from './wall-stations.js';

const SPELLING =
  'write usb:10cf:5500, hid:10cf:5500, /dev/hidraw0, usb:1-1.2 or usbip:HOST/1-1; left out, the ids of the profile count';

/** How a person names a USB device, split. */
export type UsbAddress =
  | { readonly way: 'usb' | 'hid'; readonly selector: string | undefined }
  | { readonly way: 'usbip'; readonly host: string; readonly port: number | undefined; readonly busid: string };

/** `RIG_USAGE` for a text that names no USB device. Without one, the device is whatever has the profile's ids. */
export function parseUsbAddress(text: string | undefined, profile: UsbProfile): UsbAddress {
  if (text === undefined) return { way: profile.kind, selector: undefined };
  if (text.startsWith('/dev/hidraw')) return { way: 'hid', selector: text };
  const remote = /^usbip:(?:\/\/)?([^/\s]+?)(?::(\d{1,5}))?\/(\d+-[\d.]+)$/.exec(text);
  if (remote !== null) {
    const [, host, port, busid] = remote;
    return { way: 'usbip', host, port: port === undefined ? undefined : Number(port), busid };
  }
  const local = /^(usb|hid)(?::(.+))?$/.exec(text);
  if (local === null)
    throw new RigError('RIG_USAGE', `"${text}" names no USB device, and ${profile.name} is one`, {
      where: text,
      hint: SPELLING,
    });
  return { way: local[1] as 'usb' | 'hid', selector: local[2] };
}

export interface RunUsbDevice {
  /** As a person names it; undefined: whatever has the profile's ids. */
  readonly address: string | undefined;
  readonly profile: UsbProfile;
  readonly clock: WallClock;
  readonly abort: AbortSignal | undefined;
  readonly hosts: DeviceHosts;
  readonly stations: WallStations;
  /** Told each time the device came back after the process that owned it was lost. */
  readonly restarted: (restart: PortRestart) => void;
}

/**
 * The port of a run, owned by the run's hosts; it outlives them where they come back. Rejects with the error of the binding;
 * `RIG_ABORTED` when the person ended it meanwhile.
 */
export async function openUsbDevice(device: RunUsbDevice): Promise<OpenedUsb> {
  const { address: text, profile, clock, abort, hosts, stations, restarted } = device;
  const address = parseUsbAddress(text, profile);
  try {
    if (address.way === 'usbip') {
      const { host, port, busid } = address;
      return { port: await connectUsbip({ host, busid, clock, ...(port === undefined ? {} : { port }) }) };
    }
    const { way, selector } = address;
    const provider = stations.stamped(hosts.provider);
    const open = (): Promise<OwnedUsbPort> => {
      if (way === 'usb') return openByLibrary(selector, profile, clock, provider);
      return text === undefined
        ? openHidOrUsb(profile, clock, provider, stations)
        : openHidDevice(selector, profile, clock, provider, stations);
    };
    if (!hosts.comesBack) return await open();
    const port = await openRestartingUsbPort({ clock, open, onRestart: restarted });
    return { port, closed: () => port.whenClosed };
  } catch (error) {
    if (!(abort?.aborted ?? false)) throw error;
    throw new RigError('RIG_ABORTED', `it was stopped before ${text ?? profile.name} was open`);
  }
}

/** A kernel may keep its HID driver from a device (Linux leaves the K8055 to comedi); the library takes it all the same. */
async function openHidOrUsb(
  profile: UsbProfile,
  clock: WallClock,
  hosts: HostProvider,
  stations: WallStations,
): Promise<OwnedUsbPort> {
  try {
    return await openHidDevice(undefined, profile, clock, hosts, stations);
  } catch (error) {
    if (!(error instanceof HalError) || error.code !== 'HAL_NOT_FOUND') throw error;
    return openByLibrary(undefined, profile, clock, hosts);
  }
}

function selectorOf(text: string | undefined, { bind: { usb } }: UsbProfile): UsbSelector {
  if (text !== undefined) return parseUsbSelector(text);
  return { vendorId: Number.parseInt(usb.vendorId, 16), productId: Number.parseInt(usb.productId, 16) };
}

async function openByLibrary(
  text: string | undefined,
  profile: UsbProfile,
  clock: WallClock,
  hosts: HostProvider,
): Promise<OwnedUsbPort> {
  const info = selectUsb(await listRealUsb(), selectorOf(text, profile));
  const device = realUsbDevice(info, { hosts });
  const name = `usb:${info.portPath}`;
  await device.open();
  try {
    const description = await describeUsbDevice(device, name, info.speed ?? 'full');
    const port = portFromUsbDevice(device, { name, clock, description });
    device.onLost = (error) => port.lose(error);
    return { port, closed: () => port.whenClosed };
  } catch (error) {
    await device.close();
    throw error;
  }
}

async function openHidDevice(
  text: string | undefined,
  profile: UsbProfile,
  clock: WallClock,
  hosts: HostProvider,
  stations: WallStations,
): Promise<OwnedUsbPort> {
  const description = describedBy(profile, clock);
  const device = await openRealHid(text?.startsWith('/dev/') ? text : selectorOf(text, profile), { hosts });
  const onReport = (): void => stations.arrived(clock.fromMonotonic(device.arrivedMonotonicNs));
  const name = `hid:${text ?? `${profile.bind.usb.vendorId}:${profile.bind.usb.productId}`}`;
  return { port: portFromHid(device, { name, clock, description, onReport }), closed: () => device.close() };
}

/** The HID driver hands over reports and no descriptors: those are the model's. */
function describedBy(profile: UsbProfile, clock: WallClock): UsbDescription {
  if (profile.simulator === undefined)
    throw new HalError('HAL_UNSUPPORTED', `the profile ${profile.name} does not say what its HID device looks like`, {
      where: profile.name,
      hint: 'give it a simulator, or open the device by the USB library: --port usb',
    });
  return createUsbSimulator(profile, {}, { clock, random: createRandom('description') }).description;
}
