/** Takes a gpsd test log apart: header lines, its directives, the characters, and where delays belong. */

export interface GpsdLog {
  /** Header lines without their `#`, trimmed. */
  readonly header: readonly string[];
  /** What the receiver sent: the log without its header and its delay cookies. */
  readonly payload: Uint8Array;
  /** `# Serial:` directive: baud rate, undefined without one. */
  readonly baudRate: number | undefined;
  /** Positions in `payload` in front of which a cookie stood; ascending, one entry per cookie. */
  readonly cookies: readonly number[];
  /** Delay of one cookie in nanoseconds. */
  readonly cookieNs: number;
}

const HASH = 0x23;
const LINE_FEED = 0x0a;

/** The header is the run of lines at the start that begin with `#`; a `#` in the data means nothing. */
export function parseGpsdLog(bytes: Uint8Array): GpsdLog {
  const decoder = new TextDecoder();
  const header: string[] = [];
  let start = 0;
  while (bytes[start] === HASH) {
    const end = bytes.indexOf(LINE_FEED, start);
    const next = end < 0 ? bytes.length : end + 1;
    header.push(decoder.decode(bytes.subarray(start + 1, next)).trim());
    start = next;
  }
  const serial = directive(header, /^serial:\s*(\d{2,8})\b/i);
  const cookie = directive(header, /^delay-cookie:\s*(\S)\S*\s+(\d+(?:\.\d+)?)/i);
  const data = bytes.subarray(start);
  const baudRate = serial === undefined ? undefined : Number(serial[1]);
  if (cookie === undefined) return { header, payload: data, baudRate, cookies: [], cookieNs: 0 };
  const mark = cookie[1].charCodeAt(0);
  const cookies: number[] = [];
  const payload = new Uint8Array(data.length);
  let length = 0;
  for (const byte of data) {
    if (byte === mark) cookies.push(length);
    else payload[length++] = byte;
  }
  const cookieNs = Math.round(Math.min(Number(cookie[2]), 3600) * 1e9);
  return { header, payload: payload.subarray(0, length), baudRate, cookies, cookieNs };
}

function directive(header: readonly string[], pattern: RegExp): RegExpExecArray | undefined {
  for (const line of header) {
    const match = pattern.exec(line);
    if (match !== null) return match;
  }
  return undefined;
}
