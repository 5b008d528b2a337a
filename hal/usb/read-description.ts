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

/**
 * Reads the descriptors of `port` and answers it with them, its host side free. Rejects with `HAL_IO` when the device does
 * not answer, `HAL_INVALID` when what it answers is no descriptor, `HAL_TIMEOUT` after `timeoutMs` for one of them.
 */
export async function readDescription(port: UndescribedPort, speed: UsbSpeed, timeoutMs: number): Promise<UsbPort> {
  const reader = new DescriptorReader(port, timeoutMs);
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
  port.description = { speed, device, configurations, strings, reports };
  port.detach();
  return port;
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
  readonly #port: UsbPort;
  readonly #transfers: Transfers;
  readonly #timeoutMs: number;

  constructor(port: UsbPort, timeoutMs: number) {
    this.#port = port;
    this.#transfers = new Transfers(port, new WallClock());
    this.#timeoutMs = timeoutMs;
  }

  device(): Promise<Uint8Array> {
    return this.#needed(DESCRIPTOR.device, 0, DEVICE_DESCRIPTOR_BYTES);
  }

  async configuration(index: number): Promise<Uint8Array> {
    const head = await this.#needed(DESCRIPTOR.configuration, index, CONFIGURATION_HEAD_BYTES);
    if (head.length < 4)
      throw new HalError('HAL_INVALID', `${this.#port.name} sent half of a configuration descriptor`);
    return this.#needed(DESCRIPTOR.configuration, index, head[2] | (head[3] << 8));
  }

  /** A string that the device refuses is left out. */
  async strings(indices: Iterable<number>): Promise<Map<number, string>> {
    const strings = new Map<number, string>();
    for (const index of indices) {
      if (strings.size === MOST_STRINGS) break;
      const bytes = await this.#ask(RECIPIENT.device, DESCRIPTOR.string, index, LANGUAGE_ENGLISH_US, FULL_STRING_BYTES);
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
        const bytes = await this.#ask(RECIPIENT.interface, DESCRIPTOR.hidReport, 0, number, length);
        if (bytes !== undefined) reports.set(number, bytes);
      }
    return reports;
  }

  async #needed(type: number, index: number, length: number): Promise<Uint8Array> {
    const bytes = await this.#ask(RECIPIENT.device, type, index, 0, length);
    if (bytes !== undefined) return bytes;
    throw new HalError('HAL_IO', `${this.#port.name} does not answer for its descriptors`, { where: this.#port.name });
  }

  async #ask(
    recipient: number,
    type: number,
    index: number,
    wIndex: number,
    wLength: number,
  ): Promise<Uint8Array | undefined> {
    const fields = {
      bmRequestType: 0x80 | recipient,
      bRequest: STANDARD_REQUEST.getDescriptor,
      wValue: (type << 8) | index,
      wIndex,
      wLength,
    };
    const { status, data } = await this.#transfers.control(fields, undefined, this.#timeoutMs);
    return status === 0 ? data : undefined;
  }
}
