/** Finds NMEA sentences and UBX frames in what a host sends to a receiver; anything else is skipped, as a receiver does. */

import { nmeaChecksum } from './nmea-writer.js';
import { UBX_SYNC_1, UBX_SYNC_2, ubxChecksum } from './ubx-writer.js';

/** Longer commands do not exist and are dropped. */
const LONGEST_PAYLOAD = 512;
const LONGEST_SENTENCE = 256;

export interface CommandHandler {
  /** A frame with a correct checksum; `payload` is valid during the call only. */
  ubx(messageClass: number, id: number, payload: Uint8Array): void;
  /** A sentence with a correct checksum, split at its commas, without `$` and checksum. */
  nmea(fields: readonly string[]): void;
}

/** Fed byte by byte; allocates only when a command is complete. */
export class CommandParser {
  readonly #frame = new Uint8Array(LONGEST_PAYLOAD + 8);
  #length = 0;
  /** Frame length once the header is known, 0 before. */
  #expected = 0;

  constructor(readonly handler: CommandHandler) {}

  /** Forgets an unfinished command: a character arrived damaged. */
  reset(): void {
    this.#length = 0;
    this.#expected = 0;
  }

  push(byte: number): void {
    if (this.#length === 0) {
      if (byte === UBX_SYNC_1 || byte === 0x24) this.#frame[this.#length++] = byte;
      return;
    }
    this.#frame[this.#length++] = byte;
    if (this.#frame[0] === 0x24) this.#pushNmea(byte);
    else this.#pushUbx(byte);
  }

  #restart(byte: number): void {
    this.reset();
    this.push(byte);
  }

  #pushNmea(byte: number): void {
    if (byte === 0x0a || byte === 0x0d) {
      const end = this.#length - 1;
      this.reset();
      this.#finishNmea(end);
    } else if (byte === 0x24 || byte === UBX_SYNC_1) this.#restart(byte);
    else if (byte < 0x20 || byte > 0x7e || this.#length > LONGEST_SENTENCE) this.reset();
  }

  #finishNmea(end: number): void {
    const text = String.fromCharCode(...this.#frame.subarray(1, end));
    const match = /^([^*]+)\*([0-9A-Fa-f]{2})$/.exec(text);
    if (match === null || Number.parseInt(match[2], 16) !== nmeaChecksum(this.#frame, 1, end - 3)) return;
    this.handler.nmea(match[1].split(','));
  }

  #pushUbx(byte: number): void {
    if (this.#length === 2 && byte !== UBX_SYNC_2) this.#restart(byte);
    else if (this.#length === 6) {
      const payload = this.#frame[4] | (this.#frame[5] << 8);
      this.#expected = payload + 8;
      if (payload > LONGEST_PAYLOAD) this.reset();
    } else if (this.#length === this.#expected) {
      const end = this.#expected - 2;
      this.reset();
      const sum = this.#frame[end] | (this.#frame[end + 1] << 8);
      if (sum === ubxChecksum(this.#frame, 2, end))
        this.handler.ubx(this.#frame[2], this.#frame[3], this.#frame.subarray(6, end));
    }
  }
}
