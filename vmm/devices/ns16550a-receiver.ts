/** The receiver half of an NS16550A: FIFO, errors that travel with their character, character time-out. */

import { ByteQueue, type Clock, Timer } from '../../base/index.js';
import { FIFO_DEPTH, LSR } from './ns16550a-registers.js';

const CHARACTER_ERRORS = LSR.PE | LSR.FE | LSR.BI;
const LINE_ERRORS = LSR.OE | CHARACTER_ERRORS;
/** Character times without traffic until waiting characters are announced ("FIFO Interrupt Mode Operation"). */
const TIMEOUT_CHARACTERS = 4;

/** Receiver FIFO and its part of LSR. `changed` is called when the time-out alone changed the interrupt state. */
export class Receiver {
  /** Duration of one character, in ns; the owner keeps it up to date. */
  characterNs = 0;
  readonly #clock: Clock;
  readonly #fifo = new ByteQueue(FIFO_DEPTH);
  readonly #timer: Timer;
  #fifoEnabled = false;
  #trigger = 1;
  /** OE, PE, FE and BI as LSR shows them: of the characters that reached the top since LSR was read. */
  #errors = 0;
  /** Characters with an error below the top of the FIFO. */
  #errorsBelow = 0;
  #timedOut = false;

  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#timer = new Timer(() => {
      this.#timedOut = true;
      changed();
    });
  }

  get room(): number {
    return (this.#fifoEnabled ? FIFO_DEPTH : 1) - this.#fifo.length;
  }

  /** OE, PE, FE or BI stand in LSR. */
  get lineStatusPending(): boolean {
    return this.#errors !== 0;
  }

  /** The trigger level is reached. */
  get dataPending(): boolean {
    return this.#fifo.length >= this.#trigger;
  }

  get timeoutPending(): boolean {
    return this.#timedOut;
  }

  /** Takes a character with its LSR error bits; there is room for it. */
  push(byte: number, lineStatus: number): void {
    this.#errors |= lineStatus & LSR.OE;
    const errors = lineStatus & CHARACTER_ERRORS;
    // A break is one character of zeroes, however long it lasts ("Line Status Register", bit 4).
    this.#fifo.push((errors & LSR.BI) === 0 ? byte : 0, errors);
    if (this.#fifo.length === 1) this.#errors |= errors;
    else if (errors !== 0) this.#errorsBelow++;
    this.#restartTimeout();
  }

  overrun(): void {
    this.#errors |= LSR.OE;
  }

  /** RBR: the oldest character, 0 when there is none. */
  readData(): number {
    if (this.#fifo.length === 0) return 0;
    const byte = this.#fifo.shift();
    const errors = this.#fifo.peekStatus();
    if (errors !== 0) {
      this.#errors |= errors;
      this.#errorsBelow--;
    }
    this.#timedOut = false;
    this.#restartTimeout();
    return byte;
  }

  /** LSR bits 0 to 4 and 7; reading resets OE, PE, FE and BI. */
  readLineStatus(): number {
    const errors = this.#errors;
    this.#errors = 0;
    const inFifo = this.#fifoEnabled && (this.#errorsBelow > 0 || (errors & CHARACTER_ERRORS) !== 0);
    return (this.#fifo.length > 0 ? LSR.DR : 0) | (errors & LINE_ERRORS) | (inFifo ? LSR.errorInFifo : 0);
  }

  /** RCVR FIFO reset; OE stays until LSR is read. */
  clear(): void {
    this.#fifo.clear();
    this.#errors &= LSR.OE;
    this.#errorsBelow = 0;
    this.#timedOut = false;
    this.#clock.cancel(this.#timer);
  }

  /** Turning the FIFOs on or off clears them ("FIFO Control Register", bit 0). */
  setFifo(enabled: boolean, trigger: number): void {
    if (enabled !== this.#fifoEnabled) this.clear();
    this.#fifoEnabled = enabled;
    this.#trigger = enabled ? trigger : 1;
    if (!this.#timedOut) this.#restartTimeout();
  }

  #restartTimeout(): void {
    // At the trigger level the characters are announced anyway, and the next read starts the time anew.
    if (this.#fifoEnabled && this.#fifo.length > 0 && this.#fifo.length < this.#trigger)
      this.#clock.schedule(this.#timer, Math.round(this.#clock.now() + TIMEOUT_CHARACTERS * this.characterNs));
    else this.#clock.cancel(this.#timer);
  }
}
