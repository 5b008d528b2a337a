/** Reads umockdev scripts (what was written to and read from a device node) and ioctl trees. */

import { HalError } from '../../errors.js';
import { latin1, parseHex } from './text-lines.js';

/** One operation of a script. */
export interface ScriptOperation {
  readonly kind: 'read' | 'write';
  /** Milliseconds since the operation before. */
  readonly delayMs: number;
  readonly bytes: Uint8Array;
}

const CARET = 0x5e;
const ESCAPED_CARET = 0x60;
/** Nodes whose arguments are written as numbers, without data behind them. */
const NUMBERS_ONLY = /^USBDEVFS_CONNECTINFO$/;
const MAX_DELAY_MS = 86_400_000;

function refuse(where: string, line: number, what: string): never {
  throw new HalError('HAL_TRACE', `${where} line ${line}: ${what}`, {
    where,
    hint: 'Record it again with umockdev-record.',
  });
}

/** Takes escapes out: `^` and a byte of 64 and more is a control character, a grave accent behind it the caret itself. */
function unescapeData(data: Uint8Array): Uint8Array | undefined {
  const bytes = new Uint8Array(data.length);
  let length = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] !== CARET) {
      bytes[length++] = data[i];
      continue;
    }
    const next = data[++i];
    if (next === undefined || next < 64) return undefined;
    bytes[length++] = next === ESCAPED_CARET ? CARET : next - 64;
  }
  return bytes.slice(0, length);
}

/** Takes the lines of a script one after the other (umockdev, docs/script-format.txt). */
export class ScriptParser {
  readonly #where: string;
  #line = 0;
  #ended = false;
  /** Device node of the `d` line, '' when there is none. */
  node = '';

  constructor(where: string) {
    this.#where = where;
  }

  /** The operation in a line; undefined for comments, devices, fuzz, and behind a `Q`. Throws `HAL_TRACE`, naming the line. */
  take(line: Uint8Array): ScriptOperation | undefined {
    this.#line++;
    if (this.#ended || line.length === 0 || line[0] === 0x23) return undefined;
    const head = /^([a-zA-Z]) (\d{1,12})(?: |$)/.exec(latin1(line.subarray(0, 20)));
    if (line[0] === 0x51) {
      this.#ended = true;
      return undefined;
    }
    if (head === null) refuse(this.#where, this.#line, 'this is no operation of a script');
    const [whole, letter, value] = head;
    if (letter === 'f') return undefined;
    if (letter === 'd') {
      this.node ||= latin1(line.subarray(whole.length, whole.length + 256));
      return undefined;
    }
    if (letter !== 'r' && letter !== 'w') refuse(this.#where, this.#line, `there is no operation ${letter}`);
    const bytes = unescapeData(line.subarray(whole.length));
    if (bytes === undefined) refuse(this.#where, this.#line, 'a ^ is not followed by what it escapes');
    return {
      kind: letter === 'r' ? 'read' : 'write',
      delayMs: Math.min(Number(value), MAX_DELAY_MS),
      bytes,
    };
  }
}

/** One node of an ioctl tree. */
export interface IoctlRecord {
  /** `USBDEVFS_REAPURB`, `HIDIOCGRDESC`, `EVIOCGBIT(1)`. */
  readonly name: string;
  /** What the ioctl returned. */
  readonly result: number;
  /** Numbers between the result and the data. */
  readonly numbers: readonly number[];
  readonly data: Uint8Array;
  /** How deep it stands below what it answers. */
  readonly depth: number;
}

/** Takes the lines of an ioctl tree one after the other: indentation, name, result, numbers, data in hexadecimal. */
export class IoctlParser {
  readonly #where: string;
  #line = 0;
  /** Device node of the `@DEV` line, '' when there is none. */
  node = '';

  constructor(where: string) {
    this.#where = where;
  }

  /** The node in a line; undefined for comments and `@` lines. Throws `HAL_TRACE`, naming the line. */
  take(line: Uint8Array): IoctlRecord | undefined {
    this.#line++;
    const text = latin1(line);
    if (text.trim() === '' || text.startsWith('#')) return undefined;
    if (text.startsWith('@')) {
      const device = /^@DEV (\S{1,256})/.exec(text);
      if (device !== null) this.node ||= device[1];
      return undefined;
    }
    const head = /^( {0,10000})([A-Z][A-Z\d_]{2,60}(?:\(\d{1,9}\))?) (-?\d{1,10})(?: |$)/.exec(text);
    if (head === null) refuse(this.#where, this.#line, 'this is no node of an ioctl tree');
    const words = text
      .slice(head[0].length)
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '');
    const reap = head[2].startsWith('USBDEVFS_REAPURB');
    const count = reap
      ? Math.min(7, words.length)
      : NUMBERS_ONLY.test(head[2])
        ? words.length
        : Math.max(0, words.length - 1);
    const numbers = words.slice(0, count).map(Number);
    if (numbers.some((number) => !Number.isSafeInteger(number)) || words.length > count + 1)
      refuse(this.#where, this.#line, 'its numbers are none');
    const data = parseHex(words[count] ?? '') ?? refuse(this.#where, this.#line, 'its data is not hexadecimal');
    return { name: head[2], result: Number(head[3]), numbers, data, depth: head[1].length };
  }
}

/** A URB as usbfs gave it back. */
export interface ReapedUrb {
  /** `TRANSFER_TYPE`: usbfs and usbmon number them alike (Linux, include/uapi/linux/usbdevice_fs.h). */
  readonly type: number;
  readonly endpointAddress: number;
  readonly status: number;
  readonly flags: number;
  /** Bytes of the buffer; of a control transfer with its 8 bytes of setup in front. */
  readonly bufferLength: number;
  readonly actualLength: number;
  readonly data: Uint8Array;
}

/** What a `USBDEVFS_REAPURB` or `USBDEVFS_REAPURBNDELAY` says: type, endpoint, status, flags, buffer, actual, errors. */
export function reapedUrb(record: IoctlRecord): ReapedUrb | undefined {
  if (!/^USBDEVFS_REAPURB(?:NDELAY)?$/.test(record.name) || record.numbers.length < 7) return undefined;
  const [type, endpointAddress, status, flags, bufferLength, actualLength] = record.numbers;
  if (type < 0 || type > 3 || endpointAddress < 0 || endpointAddress > 255) return undefined;
  if (bufferLength < 0 || bufferLength > 1 << 21 || actualLength < 0 || actualLength > bufferLength) return undefined;
  return { type, endpointAddress, status, flags, bufferLength, actualLength, data: record.data };
}
