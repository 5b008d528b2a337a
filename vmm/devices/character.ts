/** The seam between a character frontend (NS16550A, virtio-console, serial ring) and whatever carries its bytes. */

export { LINE_STATUS } from '../../base/index.js';

/** Line settings as a guest programmed them. */
export interface CharacterLine {
  /** Characters are `baudRate` bits a second; 0 while the divisor is not set. */
  readonly baudRate: number;
  readonly dataBits: 5 | 6 | 7 | 8;
  readonly parity: 'none' | 'even' | 'odd' | 'mark' | 'space';
  readonly stopBits: 1 | 1.5 | 2;
}

/** Nearer the hardware: what a frontend hands its bytes to. Calls come at the guest's local time and must not block. */
export interface CharacterBackend {
  /** One character leaves the guest. */
  transmit(byte: number): void;
  /** The frontend has room again after `receive` had answered false or `room()` had been 0. */
  roomAvailable(): void;
  /** The guest programmed the line. Not called by frontends that have no line (virtio-console). */
  configure(line: CharacterLine): void;
  /** Modem control outputs: bit 0 DTR, bit 1 RTS, bit 2 break being sent. */
  modemControl(bits: number): void;
}

/** Nearer the guest. */
export interface CharacterFrontend {
  /** Connects the backend; once, before the guest starts. */
  attach(backend: CharacterBackend): void;
  /** How many characters `receive` would take now. */
  room(): number;
  /**
   * A character arrives with its `LINE_STATUS` bits. False when there was no room: then nothing has changed, and the
   * caller decides whether it waits (`roomAvailable`) or the character is lost (`overrun`).
   */
  receive(byte: number, lineStatus: number): boolean;
  /** A character was lost in front of this frontend: the guest sees an overrun with the next one. */
  overrun(): void;
  /** Modem status inputs: bit 0 CTS, bit 1 DSR, bit 2 RI, bit 3 DCD. */
  modemStatus(bits: number): void;
}
