/** Tells by its contents what kind of recording a file is. */

import { fileSource } from '../trace-source.js';
import { latin1 } from './text-lines.js';

export type RecordingKind =
  | 'pcapng'
  | 'sigrok'
  | 'hid-recorder'
  | 'umockdev description'
  | 'umockdev script'
  | 'umockdev ioctl tree'
  | 'gpsd log'
  | 'unknown';

const HEAD_BYTES = 65_536;
const PCAPNG = [0x0a, 0x0d, 0x0d, 0x0a];
const UBX = [0xb5, 0x62];
/** What gpsd's test logs say of themselves. */
const GPSD_HEADER =
  /^#\s*(?:name|chipset|description|date|location|submitter|firmware|serial|delay-cookie|vendor|swv|type|transport|format):/i;
const ZIP = [0x50, 0x4b, 0x03, 0x04];

/** What the first line that says something looks like; the order decides where one fits several. */
const LINES: readonly (readonly [pattern: RegExp, kind: RecordingKind])[] = [
  [/^P: \/devices\//, 'umockdev description'],
  [/^(?:D: \d+|R: \d+( [\da-f]{1,2})+|N: |I: [\da-f]+ [\da-f]+ [\da-f]+)/i, 'hid-recorder'],
  [/^@DEV \//, 'umockdev ioctl tree'],
  [/^ *[A-Z][A-Z\d_]{2,60}(?:\(\d+\))? -?\d+(?: [\dA-F -]*)?$/, 'umockdev ioctl tree'],
  [/^d \d+ \//, 'umockdev script'],
  [/^[rwf] \d+ /, 'umockdev script'],
  [/^(?:\$|!)[A-Z]{2}[A-Z\d]{2,}/, 'gpsd log'],
];

function startsWith(head: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, i) => head[i] === byte);
}

/** Looks at the first 64 KiB of the file at `path`. Throws `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_INVALID`, `HAL_IO`. */
export function recordingKind(path: string): RecordingKind {
  const source = fileSource(path);
  try {
    const head = new Uint8Array(Math.min(HEAD_BYTES, source.size));
    return kindOf(head.subarray(0, source.read(head, 0, head.length, 0)));
  } finally {
    source.close();
  }
}

/** As `recordingKind`, of the first bytes of a file. */
export function kindOf(head: Uint8Array): RecordingKind {
  if (startsWith(head, PCAPNG)) return 'pcapng';
  if (startsWith(head, ZIP)) return 'sigrok';
  let hasHeader = false;
  for (const line of latin1(head).split(/\r?\n/, 2000)) {
    hasHeader ||= GPSD_HEADER.test(line);
    if (line.startsWith('#') || line.trim() === '') continue;
    const found = LINES.find(([pattern]) => pattern.test(line));
    if (found !== undefined) return found[1];
    break;
  }
  // A log of a receiver may be binary; its header is what tells it, or how its messages begin.
  return hasHeader || UBX.every((byte, i) => head[i] === byte) ? 'gpsd log' : 'unknown';
}
