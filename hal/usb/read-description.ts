/** Asks a device for what it says of itself, bounded whatever it answers. */

import { WallClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { stringText } from './describe.js';
import {
  DESCRIPTOR,
  DEVICE_DESCRIPTOR_BYTES,
  parseConfiguration,
  parseDevice,
  type UsbConfiguration,
} from './descriptors.js';
import { RECIPIENT, STANDARD_REQUEST } from './setup-packet.js';
import { Transfers } from './transfers.js';
import type { UsbDescription, UsbPort, UsbSpeed } from './usb-port.js';

/** A port whose description is filled in afterwards, and whose host side can be given up. */
export interface UndescribedPort extends UsbPort {
  description: UsbDescription;
  detach(): void;
}

const CONFIGURATION_HEAD_BYTES = 9;
const MOST_CONFIGURATIONS = 8;
const LANGUAGE_ENGLISH_US = 0x0409;
const MOST_STRINGS = 64;
const MOST_REPORT_BYTES = 4096;
const FULL_STRING_BYTES = 255;

/** Asks for a descriptor: `bmRequestType`'s recipient, `wValue`, `wIndex`, `wLength`; undefined when the device refuses. */
type AskDescriptor = (
  recipient: number,
  wValue: number,
  wIndex: number,
  wLength: number,
) => Promise<Uint8Array | undefined>;

/**
 * Reads the descriptors of `port` and answers it with them, its host side free. Rejects with `HAL_IO` when the device does
 * not answer, `HAL_INVALID` when what it answers is no descriptor, `HAL_TIMEOUT` after `timeoutMs` for one of them.
 */
export async function readDescription(port: UndescribedPort, speed: UsbSpeed, timeoutMs: number): Promise<UsbPort> {
  const transfers = new Transfers(port, new WallClock());
  port.description = await describe(port.name, speed, async (recipient, wValue, wIndex, wLength) => {
    const fields = {
      bmRequestType: 0x80 | recipient,
      bRequest: STANDARD_REQUEST.getDescriptor,
      wValue,
      wIndex,
      wLength,
    };
    const { status, data } = await transfers.control(fields, undefined, timeoutMs);
    return status === 0 ? data : undefined;
  });
  port.detach();
  return port;
}

/**
 * What an open WebUSB device says of itself. HID report descriptors are left out: an operating system gives them to whoever
 * has claimed the interface. Rejects as the device does, with `HAL_IO` when it does not answer, `HAL_INVALID`.
 */
export function describeUsbDevice(device: USBDevice, name: string, speed: UsbSpeed): Promise<UsbDescription> {
  return describe(name, speed, async (recipient, value, index, length) => {
    if (recipient !== RECIPIENT.device) return undefined;
    const request = STANDARD_REQUEST.getDescriptor;
    const setup = { requestType: 'standard', recipient: 'device', request, value, index } as const;
    const { status, data } = await device.controlTransferIn(setup, length);
    if (status !== 'ok' || data === undefined) return undefined;
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  });
}

async function describe(name: string, speed: UsbSpeed, ask: AskDescriptor): Promise<UsbDescription> {
  const reader = new DescriptorReader(name, ask);
  const device = await reader.device();
  const configurations: Uint8Array[] = [];
  const parsed: UsbConfiguration[] = [];
  const count = Math.min(MOST_CONFIGURATIONS, parseDevice(device).bNumConfigurations);
  for (let index = 0; index < count; index++) {
    const bytes = await reader.configuration(index);
    configurations.push(bytes);
    parsed.push(parseConfiguration(bytes));
  }
  const strings = await reader.strings(stringIndices(device, parsed));
  const reports = await reader.reports(parsed);
  return { speed, device, configurations, strings, reports };
}

function stringIndices(device: Uint8Array, configurations: readonly UsbConfiguration[]): Set<number> {
  const { iManufacturer, iProduct, iSerialNumber } = parseDevice(device);
  const alternates = configurations.flatMap(({ interfaces }) => interfaces.flatMap((each) => each.alternates));
  const named = [...configurations, ...alternates].map(({ nameIndex }) => nameIndex);
  const all = new Set([iManufacturer, iProduct, iSerialNumber, ...named]);
  all.delete(0);
  return all;
}

class DescriptorReader {
  constructor(
    private readonly name: string,
    private readonly ask: AskDescriptor,
  ) {}

  device(): Promise<Uint8Array> {
    return this.#needed(DESCRIPTOR.device, 0, DEVICE_DESCRIPTOR_BYTES);
  }

  async configuration(index: number): Promise<Uint8Array> {
    const head = await this.#needed(DESCRIPTOR.configuration, index, CONFIGURATION_HEAD_BYTES);
    if (head.length < 4) throw new HalError('HAL_INVALID', `${this.name} sent half of a configuration descriptor`);
    return this.#needed(DESCRIPTOR.configuration, index, head[2] | (head[3] << 8));
  }

  /** A string that the device refuses is left out. */
  async strings(indices: Iterable<number>): Promise<Map<number, string>> {
    const strings = new Map<number, string>();
    for (const index of indices) {
      if (strings.size === MOST_STRINGS) break;
      const bytes = await this.ask(
        RECIPIENT.device,
        (DESCRIPTOR.string << 8) | index,
        LANGUAGE_ENGLISH_US,
        FULL_STRING_BYTES,
      );
      if (bytes !== undefined) strings.set(index, stringText(bytes));
    }
    return strings;
  }

  async reports(configurations: readonly UsbConfiguration[]): Promise<Map<number, Uint8Array>> {
    const reports = new Map<number, Uint8Array>();
    for (const { interfaces } of configurations.slice(0, 1))
      for (const { number, alternates } of interfaces) {
        const hid = alternates[0].extra.find((extra) => extra[1] === DESCRIPTOR.hid && extra.length >= 9);
        if (hid === undefined) continue;
        const length = Math.min(MOST_REPORT_BYTES, hid[7] | (hid[8] << 8));
        const bytes = await this.ask(RECIPIENT.interface, DESCRIPTOR.hidReport << 8, number, length);
        if (bytes !== undefined) reports.set(number, bytes);
      }
    return reports;
  }

  async #needed(type: number, index: number, length: number): Promise<Uint8Array> {
    const bytes = await this.ask(RECIPIENT.device, (type << 8) | index, 0, length);
    if (bytes !== undefined) return bytes;
    throw new HalError('HAL_IO', `${this.name} does not answer for its descriptors`, { where: this.name });
  }
}
