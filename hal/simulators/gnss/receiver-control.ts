/** What commands may do to a simulated receiver; the command interpreters know nothing else of it. */

import type { LineSettings } from '../../serial/serial-port.js';
import type { NmeaWriter } from './nmea-writer.js';
import type { UbxWriter } from './ubx-writer.js';

/** Bits of the protocol masks of UBX-CFG-PRT. */
export const PROTOCOL_UBX = 1;
export const PROTOCOL_NMEA = 2;

export interface ReceiverControl {
  /** Every so many epochs, per message of the catalogue; 0 = off. */
  readonly rates: Uint8Array;
  /** The rates at power-on. */
  readonly defaultRates: Uint8Array;
  readonly periodMs: number;
  /** The nominal line; its baud rate is a whole number. */
  readonly nominalLine: LineSettings;
  /** `PROTOCOL_UBX | PROTOCOL_NMEA`: what is sent at all. */
  outputProtocols: number;
  /** Answers false, and changes nothing, for a period the receiver cannot keep. */
  setPeriod(periodMs: number): boolean;
  /** Answers false, and changes nothing, for a baud rate the receiver does not have. */
  setLine(line: LineSettings): boolean;
  /** Write into the reply buffer, which is sent when the command has been carried out. */
  readonly replyUbx: UbxWriter;
  readonly replyNmea: NmeaWriter;
  /** Appends a message of the present epoch to the reply; answers false before the first epoch. */
  replyMessage(index: number): boolean;
}
