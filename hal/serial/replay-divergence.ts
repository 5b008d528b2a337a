/** Compares what the host sends with what it sent in the recording, and says where they part. */

import { SerialRecord } from '../trace/rtac-serial.js';
import { sameLine } from './line-settings.js';
import { ReplayCursor } from './replay-cursor.js';
import { lineOr, type ReplaySource } from './replay-source.js';
import type { LineSettings } from './serial-port.js';

export type ReplayPolicy = 'strict' | 'lenient';

/** One field that is not as recorded. */
export interface FieldDifference {
  readonly field: 'byte' | 'baudRate' | 'dataBits' | 'parity' | 'stopBits';
  readonly expected: string | number;
  readonly actual: string | number;
}

export interface Divergence {
  /** Another byte; a byte after the last recorded one; the right byte with other line settings. */
  readonly kind: 'byte' | 'extra' | 'line';
  /** Bytes the host had sent before. */
  readonly position: number;
  /** On the replay's clock. */
  readonly atNs: number;
  /** When the recorded byte was sent, on the recording's clock; -1 for `extra`. */
  readonly recordedNs: number;
  /** The recorded bytes from `position` on, at most 16; empty for `extra`. */
  readonly expected: readonly number[];
  /** The host's bytes from `position` on, as far as they came in one call, at most 16. */
  readonly actual: readonly number[];
  readonly fields: readonly FieldDifference[];
  /** One sentence. */
  readonly message: string;
}

export interface DivergenceReport {
  readonly policy: ReplayPolicy;
  /** Bytes the host has sent. */
  readonly transmitted: number;
  /** Of these, equal to the recorded byte at the same place. */
  readonly matched: number;
  /** Bytes that differed, and those sent with other line settings. */
  readonly differences: number;
  readonly first: Divergence | undefined;
  /** Recorded bytes that the host has not sent (yet). */
  readonly unconsumed: number;
}

const CONTEXT = 16;

function hex(bytes: readonly number[]): string {
  return bytes.length === 0 ? 'nothing' : bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function lineDifferences(expected: LineSettings, actual: LineSettings): FieldDifference[] {
  return (['baudRate', 'dataBits', 'parity', 'stopBits'] as const)
    .filter((field) => expected[field] !== actual[field])
    .map((field) => ({ field, expected: expected[field], actual: actual[field] }));
}

/** Follows the transmit side of a recording; comparing allocates nothing per byte as long as nothing differs. */
export class ReplayTransmitted {
  readonly #source: ReplaySource;
  readonly #cursor: ReplayCursor;
  readonly #record = new SerialRecord();
  #index = 0;
  #ended = false;
  #expectedLine: LineSettings;
  #position = 0;
  #matched = 0;
  #differences = 0;
  #first: Divergence | undefined;
  #recordedTotal = -1;
  #reachedNs = -1;
  /** Line settings the host has made. */
  line: LineSettings;

  constructor(source: ReplaySource) {
    this.#source = source;
    // Damage ends the receive side of a strict replay; here the comparison just has less to compare with.
    this.#cursor = new ReplayCursor(source.trace, source.interface.index, false);
    this.#expectedLine = source.line;
    this.line = source.line;
  }

  /** Compares a run; answers the first divergence of the replay when it lies in this run. */
  compare(bytes: Uint8Array, offset: number, length: number, atNs: number): Divergence | undefined {
    const before = this.#first;
    for (let i = 0; i < length; i++) {
      const expected = this.#expect();
      const actual = bytes[offset + i];
      const sameSettings = expected < 0 || sameLine(this.line, this.#expectedLine);
      if (expected === actual && sameSettings) this.#matched++;
      else {
        this.#differences++;
        this.#first ??= this.#describe(expected, bytes.subarray(offset + i, offset + length), atNs);
      }
      if (expected >= 0 && ++this.#index === this.#record.length) this.#reachedNs = this.#record.timeNs;
      this.#position++;
    }
    return before === undefined ? this.#first : undefined;
  }

  /** Bytes the host has sent. */
  get position(): number {
    return this.#position;
  }

  /** When, on the recording's clock, the host had sent the last whole recorded packet that it has sent now; -1 before that. */
  get reachedNs(): number {
    return this.#reachedNs;
  }

  report(): DivergenceReport {
    if (this.#recordedTotal < 0) this.#recordedTotal = this.#countRecorded();
    return {
      policy: this.#source.strict ? 'strict' : 'lenient',
      transmitted: this.#position,
      matched: this.#matched,
      differences: this.#differences,
      first: this.#first,
      unconsumed: Math.max(0, this.#recordedTotal - this.#position),
    };
  }

  close(): void {
    this.#cursor.close();
  }

  /** The recorded byte at the position, -1 behind the last. */
  #expect(): number {
    const record = this.#record;
    while (!this.#ended && !(record.hasData && record.outbound && this.#index < record.length)) {
      this.#index = 0;
      this.#ended = !this.#cursor.next(record);
      if (!this.#ended && record.outbound && record.text.startsWith('line='))
        this.#expectedLine = lineOr(record.text.slice(5), this.#expectedLine);
    }
    return this.#ended ? -1 : record.bytes[record.offset + this.#index];
  }

  #describe(expectedByte: number, rest: Uint8Array, atNs: number): Divergence {
    const record = this.#record;
    const at = record.offset + this.#index;
    const end = Math.min(record.offset + record.length, at + CONTEXT);
    const expected = expectedByte < 0 ? [] : Array.from(record.bytes.subarray(at, end));
    const actual = Array.from(rest.subarray(0, CONTEXT));
    const kind = expectedByte < 0 ? 'extra' : expectedByte === actual[0] ? 'line' : 'byte';
    const settings = expectedByte < 0 ? [] : lineDifferences(this.#expectedLine, this.line);
    const byte = { field: 'byte', expected: expectedByte, actual: actual[0] } as const;
    const fields = kind === 'byte' ? [byte, ...settings] : settings;
    const where = `after ${this.#position} bytes the host sends ${hex(actual)}`;
    const message = {
      byte: `${where} where ${hex(expected)} was recorded`,
      extra: `${where} where the recording has nothing more`,
      line: `${where} with ${fields.map((f) => `${f.field} ${f.actual} instead of ${f.expected}`).join(', ')}`,
    }[kind];
    const recordedNs = expectedByte < 0 ? -1 : record.timeNs;
    return { kind, position: this.#position, atNs, recordedNs, expected, actual, fields, message };
  }

  #countRecorded(): number {
    const { trace, interface: described } = this.#source;
    return trace.info().interfaces[described.index]?.transmitted ?? 0;
  }
}
