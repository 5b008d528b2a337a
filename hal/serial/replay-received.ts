/** The receive side of a recording, as a sequence of timed events. */

import { HalError } from '../errors.js';
import { recordedEnd } from '../trace/recorded-end.js';
import { lineStatusOf, MAX_BURST, modemStatusOf, RTAC_EVENT, SerialRecord } from '../trace/rtac-serial.js';
import { ReplayCursor } from './replay-cursor.js';
import { lineOr, type ReplaySource } from './replay-source.js';
import { bitsPerCharacter, LINE_STATUS, type LineSettings } from './serial-port.js';

/** What comes next: a character, modem lines, the end of the port, or the end of the trace. */
export type ReceivedEvent = 'character' | 'modem' | 'disconnected' | 'end';

/** One event at a time; `next` allocates nothing per character. */
export class ReplayReceived {
  readonly #cursor: ReplayCursor;
  #line: LineSettings;
  #bits: number;
  /** The burst at hand (its payload copied, as the packet behind it is read ahead) and the packet behind it. */
  #current = new SerialRecord();
  #ahead = new SerialRecord();
  #hasAhead = false;
  #bytes = new Uint8Array(MAX_BURST);
  #index = 0;
  #length = 0;
  #firstNs = 0;
  #hostBytesAhead = 0;
  kind: ReceivedEvent = 'end';
  /** How many bytes the host had sent before the packet of this event. */
  hostBytes = 0;
  /** On the recording's clock; never before the event in front of it. */
  timeNs = 0;
  byte = 0;
  lineStatus = 0;
  /** `MODEM_STATUS` bits. */
  modemStatus = 0;
  error: HalError | undefined;

  constructor(source: ReplaySource) {
    this.#cursor = new ReplayCursor(source.trace, source.interface.index, source.strict);
    this.#line = source.line;
    this.#bits = bitsPerCharacter(source.line);
    this.timeNs = Number.NEGATIVE_INFINITY;
  }

  /** Moves to the next event. A trace that cannot be replayed any further ends with `disconnected` and its error. */
  next(): void {
    if (this.#index < this.#length) {
      this.#nextCharacter();
      return;
    }
    while (this.#takeAhead()) if (this.#interpret(this.#current)) return;
    this.kind = this.error === undefined ? 'end' : 'disconnected';
  }

  close(): void {
    this.#cursor.close();
  }

  /** Makes the packet the event at hand; false when it is none. */
  #interpret(record: SerialRecord): boolean {
    if (record.hasData) {
      this.#beginBurst(record);
      this.#nextCharacter();
      return true;
    }
    const isEnd = record.event === RTAC_EVENT.complete && record.text.startsWith('disconnected=');
    const isModem = record.event === RTAC_EVENT.status && !record.text.startsWith('fault=');
    const isBreak = record.event === RTAC_EVENT.break;
    if (!isEnd && !isModem && !isBreak) return false;
    this.#at(record.timeNs);
    if (isBreak) this.#character(0, LINE_STATUS.break);
    else if (isModem) {
      this.kind = 'modem';
      this.modemStatus = modemStatusOf(record.lines);
    } else {
      this.kind = 'disconnected';
      this.error = recordedEnd(record.text.slice('disconnected='.length));
    }
    return true;
  }

  #beginBurst(record: SerialRecord): void {
    if (record.length > this.#bytes.length) this.#bytes = new Uint8Array(record.length);
    this.#bytes.set(record.bytes.subarray(record.offset, record.offset + record.length));
    this.#length = record.length;
    this.#index = 0;
    this.#firstNs = record.firstNs(this.#bits, this.#line.baudRate);
  }

  #nextCharacter(): void {
    const index = this.#index++;
    const last = this.#index === this.#length;
    this.#at(
      last ? this.#current.timeNs : this.#firstNs + this.#current.offsetNs(index, this.#bits, this.#line.baudRate),
    );
    this.#character(this.#bytes[index], last ? this.#errorsBehind() : 0);
  }

  /** Line errors concern the last character of the burst in front of them, and have its time. */
  #errorsBehind(): number {
    const endNs = this.#current.timeNs;
    let status = 0;
    while (this.#fillAhead() && this.#ahead.timeNs === endNs && lineStatusOf(this.#ahead.event) !== 0) {
      status |= lineStatusOf(this.#ahead.event);
      this.#hasAhead = false;
    }
    return status;
  }

  #character(byte: number, lineStatus: number): void {
    this.kind = 'character';
    this.byte = byte;
    this.lineStatus = lineStatus;
  }

  #at(timeNs: number): void {
    if (timeNs > this.timeNs) this.timeNs = timeNs;
  }

  #takeAhead(): boolean {
    if (!this.#fillAhead()) return false;
    const record = this.#ahead;
    this.#ahead = this.#current;
    this.#current = record;
    this.#hasAhead = false;
    this.hostBytes = this.#hostBytesAhead;
    return true;
  }

  /** Reads up to the next packet of the receive side; line settings that the host made meanwhile take effect. */
  #fillAhead(): boolean {
    while (!this.#hasAhead) {
      if (!this.#read(this.#ahead)) return false;
      if (!this.#ahead.outbound) this.#hasAhead = true;
      else if (this.#ahead.hasData) this.#hostBytesAhead += this.#ahead.length;
      else this.#configure(this.#ahead.text);
    }
    return true;
  }

  /** A trace that cannot be read on is an event behind what was read. */
  #read(record: SerialRecord): boolean {
    try {
      return this.#cursor.next(record);
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      this.error = error;
      return false;
    }
  }

  #configure(text: string): void {
    if (!text.startsWith('line=')) return;
    this.#line = lineOr(text.slice(5), this.#line);
    this.#bits = bitsPerCharacter(this.#line);
  }
}
