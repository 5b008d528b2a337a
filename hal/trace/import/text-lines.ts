/** Goes through a text file of any length line by line, in constant memory, as bytes: recordings hold more than text. */

import { HalError } from '../../errors.js';
import { fileSource, type TraceSource } from '../trace-source.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const WINDOW_BYTES = 65_536;
/** Longer lines are no recording of anything: a URB of a mebibyte takes two of them as text. */
const MAX_LINE_BYTES = 4 << 20;

/**
 * The lines of `source` without their ends, and closes it; a line is valid until the next. Throws `HAL_TRACE` for a line of
 * more than 4 MiB, and `HAL_IO`.
 */
export function* linesOf(source: TraceSource): Generator<Uint8Array, void, undefined> {
  try {
    let buffer = new Uint8Array(WINDOW_BYTES);
    let filled = 0;
    for (let position = 0; ; ) {
      if (filled === buffer.length) {
        if (buffer.length >= MAX_LINE_BYTES)
          throw new HalError('HAL_TRACE', `${source.name} has a line of more than ${MAX_LINE_BYTES} bytes`, {
            where: source.name,
            hint: 'It is no recording; give the file that was recorded.',
          });
        const grown = new Uint8Array(buffer.length * 2);
        grown.set(buffer);
        buffer = grown;
      }
      const count = source.read(buffer, filled, buffer.length - filled, position);
      position += count;
      filled += count;
      let start = 0;
      for (let end = buffer.indexOf(LINE_FEED); end >= 0 && end < filled; end = buffer.indexOf(LINE_FEED, start)) {
        yield buffer.subarray(start, end > start && buffer[end - 1] === CARRIAGE_RETURN ? end - 1 : end);
        start = end + 1;
      }
      if (count === 0) {
        if (filled > start) yield buffer.subarray(start, filled);
        return;
      }
      buffer.copyWithin(0, start, filled);
      filled -= start;
    }
  } finally {
    source.close();
  }
}

/** As `linesOf`, for the file at `path`. Throws `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_INVALID` too. */
export function fileLines(path: string): Generator<Uint8Array, void, undefined> {
  return linesOf(fileSource(path));
}

/** Bytes as text, one character each. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Bytes of hexadecimal digits, undefined when `text` is anything else. */
export function parseHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[\da-fA-F]*$/.test(text)) return undefined;
  return Uint8Array.from(Buffer.from(text, 'hex'));
}
