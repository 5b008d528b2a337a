/** Finds the messages of a GNSS byte stream that carry a time: enough framing of NMEA 0183 and UBX to pace a recording. */

export interface TimeMark {
  /** Where the message begins. */
  readonly offset: number;
  /** NMEA: UTC since midnight. UBX: GPS time of week. Milliseconds. */
  readonly timeMs: number;
}

export interface TimeMarks {
  /** What the times are, undefined when the stream carries none. The kind that comes first paces; the other is ignored. */
  readonly source: 'nmea' | 'ubx' | undefined;
  /** When the times start again from 0. */
  readonly periodMs: number;
  readonly marks: readonly TimeMark[];
}

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

/** NMEA sentence formatters with a UTC time, and in which field it stands (NMEA 0183, section 6.3). */
const NMEA_TIME_FIELD: { readonly [formatter: string]: number | undefined } = {
  GGA: 1,
  RMC: 1,
  GNS: 1,
  ZDA: 1,
  GST: 1,
  GBS: 1,
  GRS: 1,
  GLL: 5,
};

const MAX_SENTENCE = 256;
const MAX_UBX_PAYLOAD = 8192;

/** UBX-NAV messages that begin with iTOW (u-blox M8 protocol specification, section 32.17): ids; high-precision ones have it at 4. */
const NAV_WITH_ITOW = new Set([
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x11, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x30, 0x32, 0x34,
  0x35, 0x36, 0x61,
]);
const NAV_WITH_LATE_ITOW = new Set([0x13, 0x14, 0x3c]);

/** Length of the sentence at `offset` without its line end, 0 when there is none. */
function sentenceLength(bytes: Uint8Array, offset: number): number {
  const limit = Math.min(bytes.length, offset + MAX_SENTENCE);
  for (let at = offset + 1; at < limit; at++) {
    const byte = bytes[at];
    if (byte === 13 || byte === 10) return at - offset;
    if (byte < 0x20 || byte > 0x7e) return 0;
  }
  return 0;
}

/** UTC since midnight in milliseconds of a sentence whose checksum is right, -1 when it has none. */
function nmeaTime(text: string): number {
  const star = text.length - 3;
  if (text[star] !== '*') return -1;
  let sum = 0;
  for (let i = 1; i < star; i++) sum ^= text.charCodeAt(i);
  if (sum !== Number.parseInt(text.slice(star + 1), 16)) return -1;
  const fields = text.slice(1, star).split(',');
  const index = NMEA_TIME_FIELD[fields[0].slice(2)];
  const match = /^([01]\d|2[0-3])([0-5]\d)([0-5]\d|60)(\.\d{1,9})?$/.exec((index && fields[index]) || '');
  if (match === null) return -1;
  const seconds = Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
  return seconds * 1000 + Math.round(Number(match[4] ?? 0) * 1000);
}

/** Length of the whole UBX message at `offset` when its checksum is right (section 32.2), else 0. */
function ubxLength(bytes: Uint8Array, offset: number): number {
  if (offset + 8 > bytes.length || bytes[offset + 1] !== 0x62) return 0;
  const payload = bytes[offset + 4] | (bytes[offset + 5] << 8);
  const end = offset + 6 + payload;
  if (payload > MAX_UBX_PAYLOAD || end + 2 > bytes.length) return 0;
  let a = 0;
  let b = 0;
  for (let at = offset + 2; at < end; at++) {
    a = (a + bytes[at]) & 0xff;
    b = (b + a) & 0xff;
  }
  return bytes[end] === a && bytes[end + 1] === b ? payload + 8 : 0;
}

/** GPS time of week in milliseconds of a UBX message, -1 when it has none. */
function ubxTime(bytes: Uint8Array, offset: number, length: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
  const [messageClass, id, payload] = [bytes[offset + 2], bytes[offset + 3], length - 8];
  let timeMs = -1;
  if (messageClass === 0x01 && NAV_WITH_ITOW.has(id) && payload >= 4) timeMs = view.getUint32(6, true);
  else if (messageClass === 0x01 && NAV_WITH_LATE_ITOW.has(id) && payload >= 8) timeMs = view.getUint32(10, true);
  else if (messageClass === 0x02 && id === 0x15 && payload >= 8) timeMs = Math.round(view.getFloat64(6, true) * 1000);
  return timeMs >= 0 && timeMs < WEEK_MS ? timeMs : -1;
}

/** Goes over `bytes` once; anything that is not a whole, checked message is passed over byte by byte. */
export function scanTimes(bytes: Uint8Array): TimeMarks {
  const decoder = new TextDecoder('latin1');
  const marks: TimeMark[] = [];
  let source: TimeMarks['source'];
  const mark = (kind: 'nmea' | 'ubx', offset: number, timeMs: number): void => {
    if (timeMs < 0) return;
    source ??= kind;
    if (source === kind) marks.push({ offset, timeMs });
  };
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    if (bytes[at] === 0x24) {
      length = sentenceLength(bytes, at);
      if (length > 8) mark('nmea', at, nmeaTime(decoder.decode(bytes.subarray(at, at + length))));
    } else if (bytes[at] === 0xb5) {
      length = ubxLength(bytes, at);
      if (length > 0) mark('ubx', at, ubxTime(bytes, at, length));
    }
    at += Math.max(1, length);
  }
  return { source, periodMs: source === 'nmea' ? DAY_MS : WEEK_MS, marks };
}
