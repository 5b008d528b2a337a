/** Reads the text of hid-recorder (hid-tools): descriptor, name, path, bus and timed input reports of HID devices. */

import { HalError } from '../../errors.js';
import { latin1 } from './text-lines.js';

/** One device of a recording. */
export interface HidRecordingDevice {
  /** Of its `D:` line; 0 without one. */
  readonly index: number;
  reportDescriptor: Uint8Array;
  name: string;
  /** `P:`. */
  path: string;
  /** Linux' bus number: 3 USB, 5 Bluetooth, 24 I2C. */
  bus: number;
  vendorId: number;
  productId: number;
}

/** An input report. */
export interface HidRecordingEvent {
  readonly device: HidRecordingDevice;
  /** Since the first report of the recording; never earlier than the one before. */
  readonly atNs: number;
  readonly report: Uint8Array;
}

const MAX_DEVICES = 64;
const MAX_DESCRIPTOR_BYTES = 65_535;
const MAX_REPORT_BYTES = 16_384;

/**
 * Understands lines one after the other (hid-recorder(1), FILE FORMAT): `#` comments, `D:` device, `R:` length and report
 * descriptor, `N:` name, `P:` path, `I:` bus, vendor, product, `E:` time, size, report. Lines of other kinds are skipped and
 * counted. Keeps devices (at most 64) and nothing else.
 */
export class HidRecordingParser {
  readonly devices: HidRecordingDevice[] = [];
  /** Lines that were none of these. */
  unknownLines = 0;
  /** Reports whose time lay before that of the one before. */
  timesBack = 0;
  readonly #where: string;
  #line = 0;
  #device: HidRecordingDevice | undefined;
  #firstNs = -1;
  #lastNs = 0;

  /** `where`: the file, for errors. */
  constructor(where: string) {
    this.#where = where;
  }

  /** Takes a line; answers the report in it. Throws `HAL_TRACE`, naming the line, when one of the known kinds is malformed. */
  take(bytes: Uint8Array): HidRecordingEvent | undefined {
    this.#line++;
    if (bytes.length === 0 || bytes[0] === 0x23) return undefined;
    const text = latin1(bytes);
    const rest = text.slice(2).trim();
    switch (text.slice(0, 2)) {
      case 'D:':
        this.#select(Number(rest));
        return undefined;
      case 'R:':
        this.#current().reportDescriptor = this.#sized(rest.split(/\s+/), MAX_DESCRIPTOR_BYTES);
        return undefined;
      case 'N:':
        this.#current().name = Buffer.from(rest, 'latin1').toString('utf8').slice(0, 256);
        return undefined;
      case 'P:':
        this.#current().path = rest.slice(0, 256);
        return undefined;
      case 'I:':
        this.#identify(rest);
        return undefined;
      case 'E:':
        return this.#event(rest);
      default:
        this.unknownLines++;
        return undefined;
    }
  }

  #refuse(what: string): never {
    throw new HalError('HAL_TRACE', `${this.#where} line ${this.#line}: ${what}`, {
      where: this.#where,
      hint: 'Record it again with hid-recorder.',
    });
  }

  #current(): HidRecordingDevice {
    if (this.#device === undefined) this.#select(0);
    return this.#device ?? this.#refuse('there is no device');
  }

  #select(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index > 1000) this.#refuse('this is no device number');
    this.#device = this.devices.find((device) => device.index === index);
    if (this.#device !== undefined) return;
    if (this.devices.length === MAX_DEVICES) this.#refuse(`there are more than ${MAX_DEVICES} devices`);
    this.#device = {
      index,
      reportDescriptor: new Uint8Array(0),
      name: '',
      path: '',
      bus: 0,
      vendorId: 0,
      productId: 0,
    };
    this.devices.push(this.#device);
  }

  /** Bytes in hexadecimal behind their number in decimal. */
  #sized(words: readonly string[], most: number): Uint8Array {
    const size = Number(words[0]);
    if (!/^\d{1,6}$/.test(words[0] ?? '') || size > most) this.#refuse(`${words[0] ?? 'nothing'} is no length`);
    if (words.length !== size + 1) this.#refuse(`${words.length - 1} bytes stand where ${size} were announced`);
    return Uint8Array.from(words.slice(1), (word) =>
      /^[\da-fA-F]{1,2}$/.test(word) ? Number.parseInt(word, 16) : this.#refuse(`"${word.slice(0, 20)}" is no byte`),
    );
  }

  #identify(rest: string): void {
    const match = /^([\da-fA-F]{1,4})\s+([\da-fA-F]{1,8})\s+([\da-fA-F]{1,8})$/.exec(rest);
    if (match === null) this.#refuse('bus, vendor and product are wanted');
    const device = this.#current();
    device.bus = Number.parseInt(match[1], 16);
    device.vendorId = Number.parseInt(match[2], 16) & 0xffff;
    device.productId = Number.parseInt(match[3], 16) & 0xffff;
  }

  #event(rest: string): HidRecordingEvent {
    const words = rest.split(/\s+/);
    const time = /^(\d{1,9})\.(\d{1,9})$/.exec(words[0] ?? '');
    if (time === null) this.#refuse('a report has no time');
    const report = this.#sized(words.slice(1), MAX_REPORT_BYTES);
    const stampNs = Number(time[1]) * 1e9 + Number(time[2].padEnd(9, '0'));
    if (this.#firstNs < 0) this.#firstNs = stampNs;
    const sinceNs = stampNs - this.#firstNs;
    if (sinceNs < this.#lastNs) this.timesBack++;
    this.#lastNs = Math.max(this.#lastNs, sinceNs);
    return { device: this.#current(), atNs: this.#lastNs, report };
  }
}
