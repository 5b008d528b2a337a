/** Reads umockdev device descriptions: the devices of a recorded sysfs, and what they say of a USB device in it. */

import { HalError } from '../../errors.js';
import type { UsbDescription, UsbSpeed } from '../../usb/usb-port.js';
import { latin1, parseHex } from './text-lines.js';

/** One device of the recorded tree. */
export interface UmockdevDevice {
  /** `P:`. */
  readonly path: string;
  /** `N:` without its contents, '' when it has no device node. */
  node: string;
  /** `E:`. */
  readonly properties: Map<string, string>;
  /** `A:`, unescaped. */
  readonly attributes: Map<string, string>;
  /** `H:`. */
  readonly binaries: Map<string, Uint8Array>;
}

const MAX_DEVICES = 4096;
const MAX_ENTRIES = 1024;
const DEVICE_DESCRIPTOR_BYTES = 18;
const HUB_CLASS = 9;

/** Escapes as glib writes them (g_strescape): letters, and bytes in octal. */
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unescapeText(text: string): string {
  return text.replace(/\\([0-7]{1,3}|.)/g, (_, escaped: string) =>
    /^[0-7]/.test(escaped) ? String.fromCharCode(Number.parseInt(escaped, 8) & 0xff) : (ESCAPES[escaped] ?? escaped),
  );
}

/** Takes the lines of a description one after the other. At most 4,096 devices of 1,024 entries of a kind. */
export class UmockdevParser {
  readonly devices: UmockdevDevice[] = [];
  readonly #where: string;
  #line = 0;

  constructor(where: string) {
    this.#where = where;
  }

  /** Throws `HAL_TRACE`, naming the line, when it is none of a description. */
  take(bytes: Uint8Array): void {
    this.#line++;
    const text = latin1(bytes);
    if (text.trim() === '' || text.startsWith('#')) return;
    const value = text.slice(3);
    if (!/^[PNESALH]: /.test(text)) this.#refuse('this is no line of a device description');
    const device = text[0] === 'P' ? this.#begin(value) : this.devices.at(-1);
    if (device === undefined) this.#refuse('a device begins with P:');
    const equals = value.indexOf('=');
    const key = equals < 0 ? value : value.slice(0, equals);
    const content = equals < 0 ? '' : value.slice(equals + 1);
    switch (text[0]) {
      case 'N':
        device.node = key;
        if (equals >= 0) this.#store(device.binaries, 'node', content);
        break;
      case 'E':
        this.#keep(device.properties, key, content);
        break;
      case 'A':
        this.#keep(device.attributes, key, unescapeText(content));
        break;
      case 'H':
        this.#store(device.binaries, key, content);
        break;
    }
  }

  #begin(path: string): UmockdevDevice {
    if (this.devices.length === MAX_DEVICES) this.#refuse(`there are more than ${MAX_DEVICES} devices`);
    const device = { path, node: '', properties: new Map(), attributes: new Map(), binaries: new Map() };
    this.devices.push(device);
    return device;
  }

  #store(binaries: Map<string, Uint8Array>, key: string, content: string): void {
    this.#keep(binaries, key, parseHex(content.trim()) ?? this.#refuse(`${key.slice(0, 40)} is not hexadecimal`));
  }

  #keep<T>(map: Map<string, T>, key: string, value: T): void {
    if (map.size >= MAX_ENTRIES) this.#refuse(`a device has more than ${MAX_ENTRIES} entries`);
    if (!map.has(key)) map.set(key, value);
  }

  #refuse(what: string): never {
    throw new HalError('HAL_TRACE', `${this.#where} line ${this.#line}: ${what}`, {
      where: this.#where,
      hint: 'Record the device again with umockdev-record.',
    });
  }
}

/** The USB device a description is of: the first that is no hub, or else the first; undefined without any. */
export function usbDeviceOf(devices: readonly UmockdevDevice[]): UmockdevDevice | undefined {
  const usb = devices.filter((device) => (device.binaries.get('descriptors')?.length ?? 0) >= DEVICE_DESCRIPTOR_BYTES);
  return usb.find((device) => device.binaries.get('descriptors')?.[4] !== HUB_CLASS) ?? usb[0];
}

const SPEEDS: Readonly<Record<string, UsbSpeed>> = { '1.5': 'low', '12': 'full', '480': 'high' };

/** The snapshot that sysfs gives of a USB device: its descriptors, the three strings of its device descriptor, HID report descriptors. */
export function usbDescriptionOf(device: UmockdevDevice, all: readonly UmockdevDevice[]): UsbDescription {
  const bytes = device.binaries.get('descriptors') ?? new Uint8Array(0);
  const strings = new Map<number, string>();
  for (const [at, attribute] of [
    [14, 'manufacturer'],
    [15, 'product'],
    [16, 'serial'],
  ] as const) {
    const text = Buffer.from(device.attributes.get(attribute) ?? '', 'latin1')
      .toString('utf8')
      .trim();
    if (bytes[at] !== 0 && text !== '') strings.set(bytes[at], text);
  }
  const speed = Number(device.attributes.get('speed') ?? '');
  return {
    speed: SPEEDS[String(speed)] ?? (speed >= 5000 ? 'super' : 'full'),
    device: bytes.slice(0, DEVICE_DESCRIPTOR_BYTES),
    configurations: configurationsIn(bytes.subarray(DEVICE_DESCRIPTOR_BYTES)),
    strings,
    reports: reportsBelow(device, all),
  };
}

/** sysfs' `descriptors` holds the configurations one after the other. */
function configurationsIn(bytes: Uint8Array): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes[at + 2] | (bytes[at + 3] << 8);
    if (length < 9) break;
    found.push(bytes.slice(at, at + length));
    at += length;
  }
  return found;
}

/** Report descriptors of HID devices below the interfaces of `device`: `…/1-2:1.0/0003:1050:0120.000A`. */
function reportsBelow(device: UmockdevDevice, all: readonly UmockdevDevice[]): ReadonlyMap<number, Uint8Array> {
  const reports = new Map<number, Uint8Array>();
  for (const other of all) {
    const report = other.binaries.get('report_descriptor');
    if (report === undefined || !other.path.startsWith(`${device.path}/`)) continue;
    const match = /^[^/]*:\d+\.(\d+)\//.exec(other.path.slice(device.path.length + 1));
    if (match !== null && !reports.has(Number(match[1]))) reports.set(Number(match[1]), report);
  }
  return reports;
}
