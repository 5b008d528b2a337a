/** Makes an ordinary trace of a gpsd test log: characters without times become a recording with reconstructed pacing. */

import { basename } from 'node:path';
import { VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { checkLine } from '../serial/line-settings.js';
import { characterEndNs, type LineSettings } from '../serial/serial-port.js';
import { baudRateFor, paceEpochs } from './gnss-pacing.js';
import { scanTimes } from './gnss-time-scanner.js';
import { parseGpsdLog } from './gpsd-log.js';
import type { SerialRecorder } from './serial-recorder.js';
import { TraceRecorder } from './trace-recorder.js';
import type { TraceSink } from './trace-sink.js';
import { fileSource } from './trace-source.js';

export interface GpsdImportOptions {
  /** Of the line; when omitted the log's `# Serial:` line, else the lowest usual rate of at least 4800 that carries its load. */
  readonly baudRate?: number;
  /** Name of the interface; `gnss` when omitted. */
  readonly name?: string;
  /** Quiet time before the first character, so that a guest is up when it comes; 100 ms when omitted. */
  readonly leadInNs?: number;
}

export interface GpsdImport {
  /** Lines of the log's header. */
  readonly header: readonly string[];
  /** Characters in the trace: the log without header and delay cookies. */
  readonly bytes: number;
  readonly baudRate: number;
  /** What the pacing comes from; undefined: back to back. */
  readonly timeSource: 'nmea' | 'ubx' | undefined;
  readonly epochs: number;
  /** How often the receiver set its clock back, or ahead by more than an hour. */
  readonly discontinuities: number;
  readonly cookies: number;
  /** When the last character is complete. */
  readonly durationNs: number;
}

const MAX_LOG_BYTES = 256 << 20;
const LEAD_IN_NS = 100_000_000;

function readLog(path: string): Uint8Array {
  const source = fileSource(path);
  try {
    if (source.size > MAX_LOG_BYTES)
      throw new HalError('HAL_INVALID', `${path} has ${source.size} bytes; a log of at most 256 MiB can be imported`, {
        where: path,
        hint: 'Cut it into pieces.',
      });
    const bytes = new Uint8Array(source.size);
    return bytes.subarray(0, source.read(bytes, 0, bytes.length, 0));
  } finally {
    source.close();
  }
}

/** Sends runs over a tap as a line would have carried them. */
class LinePacer {
  readonly #tap: SerialRecorder;
  readonly #line: LineSettings;
  /** When the uninterrupted run at hand began, and its characters so far. */
  #runStartNs = 0;
  #runLength = 0;
  /** When the last character was complete. */
  endNs = 0;

  constructor(tap: SerialRecorder, line: LineSettings, startNs: number) {
    this.#tap = tap;
    this.#line = line;
    this.waitUntil(startNs);
  }

  /** The next character begins at `timeNs`, or at once when that is past. */
  waitUntil(timeNs: number): void {
    if (timeNs <= this.endNs) return;
    this.#runStartNs = timeNs;
    this.#runLength = 0;
    this.endNs = timeNs;
  }

  send(byte: number): void {
    this.endNs = characterEndNs(this.#line, this.#runStartNs, this.#runLength++);
    this.#tap.received(byte, 0, this.endNs);
  }
}

/**
 * Imports the log at `logPath`. The trace goes to `to`: a path, a sink, or a recorder (which stays open). Every epoch
 * begins at its time relative to the first; inside an epoch characters are back to back at the baud rate; a log without
 * times is back to back as a whole. The characters are those of the log, byte for byte.
 * Throws `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_IO`; `HAL_INVALID` for a baud rate no line has and a log beyond 256 MiB.
 */
export function importGpsdLog(
  logPath: string,
  to: string | TraceSink | TraceRecorder,
  options: GpsdImportOptions = {},
): GpsdImport {
  const log = parseGpsdLog(readLog(logPath));
  const times = scanTimes(log.payload);
  const pacing = paceEpochs(times, log.payload.length);
  const baudRate = options.baudRate ?? log.baudRate ?? baudRateFor(pacing);
  const line: LineSettings = { baudRate, dataBits: 8, parity: 'none', stopBits: 1 };
  checkLine(line, logPath);
  const own = !(to instanceof TraceRecorder);
  const recorder = own
    ? new TraceRecorder({
        to,
        clock: new VirtualClock(),
        manifest: { importedFrom: basename(logPath), format: 'gpsd', header: log.header },
      })
    : to;
  const tap = recorder.addSerial(options.name ?? 'gnss', line, { facts: { importedFrom: basename(logPath) } });
  const pacer = new LinePacer(tap, line, options.leadInNs ?? LEAD_IN_NS);
  let firstEpochNs = -1;
  let cookie = 0;
  for (const run of pacing.runs) {
    const hasTime = times.marks.length > 0 && run.offset >= times.marks[0].offset;
    if (hasTime && firstEpochNs < 0) firstEpochNs = pacer.endNs;
    if (hasTime) pacer.waitUntil(firstEpochNs + run.epochNs);
    for (let at = run.offset; at < run.offset + run.length; at++) {
      for (; log.cookies[cookie] === at; cookie++) pacer.waitUntil(pacer.endNs + log.cookieNs);
      pacer.send(log.payload[at]);
    }
  }
  if (own) recorder.close();
  return {
    header: log.header,
    bytes: log.payload.length,
    baudRate,
    timeSource: times.source,
    epochs: pacing.epochs,
    discontinuities: pacing.discontinuities,
    cookies: log.cookies.length,
    durationNs: pacer.endNs,
  };
}
