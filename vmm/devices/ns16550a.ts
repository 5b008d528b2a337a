/** An NS16550A UART: register by register as in the PC16550D data sheet, its line paced by the injected clock. */

import { type Clock, NS_PER_SECOND } from '../../base/index.js';
import type { InterruptLine, MmioDevice } from '../bus/mmio-device.js';
import type { CharacterBackend, CharacterFrontend } from './character.js';
import { Receiver } from './ns16550a-receiver.js';
import {
  characterBits,
  decodeLine,
  FCR,
  FCR_TRIGGER_LEVELS,
  IER,
  IIR,
  LCR,
  MCR,
  MSR,
  UART,
} from './ns16550a-registers.js';
import { Transmitter } from './ns16550a-transmitter.js';

/** Input clock of the board's UARTs: divisor 1 is 230,400 baud. */
export const UART_CLOCK_HZ = 3_686_400;

const SAMPLES_PER_BIT = 16;
const DTR_RTS = MCR.DTR | MCR.RTS;
/** The break bit of `CharacterBackend.modemControl`. */
const SENDING_BREAK = 0x04;

export interface Ns16550aOptions {
  readonly clock: Clock;
  readonly line: InterruptLine;
  /** Input clock, `UART_CLOCK_HZ` when absent. */
  readonly clockHz?: number;
  /** Whether transmitted characters take the time that the line settings give them; true when absent. */
  readonly isPaced?: boolean;
}

/**
 * One UART. Only the addressed register answers an access wider than a byte; offsets above 7 read as 0.
 *
 * - A character reaches the backend at the end of its last stop bit. While the divisor is 0 the line runs at the
 *   highest rate (divisor 1) and `configure` says 0 baud. Until LCR is written, characters pass with all 8 bits.
 * - `configure` is called when the divisor latch is closed (LCR written with DLAB clear) and something changed.
 * - In loopback (MCR bit 4) characters from outside are not seen, and nothing leaves.
 * - Without FIFOs the RBR holds one character; a newer one waits with the caller instead of replacing it, so that the
 *   caller may choose between back-pressure and `overrun()`.
 */
export class Ns16550a implements MmioDevice, CharacterFrontend {
  readonly #line: InterruptLine;
  readonly #clockHz: number;
  readonly #isPaced: boolean;
  readonly #receiver: Receiver;
  readonly #transmitter: Transmitter;
  #backend: CharacterBackend | undefined;
  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  #scr = 0;
  #divisor = 0;
  #dataMask = 0xff;
  /** Modem inputs as MSR bits 4 to 7 show them, in bits 0 to 3. */
  #inputs = 0;
  #outsideInputs = 0;
  #deltas = 0;
  #interrupt = false;
  /** Someone was told that there is no room. */
  #starved = false;
  #toldDivisor = -1;
  #toldFormat = -1;
  #toldModem = 0;

  constructor(options: Ns16550aOptions) {
    this.#line = options.line;
    this.#clockHz = options.clockHz ?? UART_CLOCK_HZ;
    this.#isPaced = options.isPaced ?? true;
    this.#receiver = new Receiver(options.clock, () => this.#update());
    this.#transmitter = new Transmitter(options.clock, {
      sent: (byte) => this.#sent(byte),
      changed: () => this.#update(),
    });
    this.#retime();
  }

  attach(backend: CharacterBackend): void {
    this.#backend = backend;
  }

  room(): number {
    const room = this.#receiver.room;
    if (room === 0) this.#starved = true;
    return room;
  }

  receive(byte: number, lineStatus: number): boolean {
    if ((this.#mcr & MCR.LOOP) !== 0) return true;
    if (this.room() === 0) return false;
    this.#receiver.push(byte & 0xff, lineStatus);
    this.#update();
    return true;
  }

  overrun(): void {
    if ((this.#mcr & MCR.LOOP) !== 0) return;
    this.#receiver.overrun();
    this.#update();
  }

  modemStatus(bits: number): void {
    this.#outsideInputs = bits & 0x0f;
    this.#updateInputs();
    this.#update();
  }

  read(offset: number, _size: number): number {
    switch (offset) {
      case UART.RBR:
        return this.#divisorOpen ? this.#divisor & 0xff : this.#readData();
      case UART.IER:
        return this.#divisorOpen ? this.#divisor >> 8 : this.#ier;
      case UART.IIR:
        return this.#readIdentification();
      case UART.LCR:
        return this.#lcr;
      case UART.MCR:
        return this.#mcr;
      case UART.LSR:
        return this.#readLineStatus();
      case UART.MSR:
        return this.#readModemStatus();
      case UART.SCR:
        return this.#scr;
      default:
        return 0;
    }
  }

  write(offset: number, _size: number, value: number): void {
    const byte = value & 0xff;
    switch (offset) {
      case UART.THR:
        if (this.#divisorOpen) this.#setDivisor((this.#divisor & 0xff00) | byte);
        else this.#transmitter.write(byte & this.#dataMask);
        break;
      case UART.IER:
        if (this.#divisorOpen) this.#setDivisor((byte << 8) | (this.#divisor & 0xff));
        else this.#writeInterruptEnable(byte);
        break;
      case UART.FCR:
        this.#writeFifoControl(byte);
        break;
      case UART.LCR:
        this.#writeLineControl(byte);
        break;
      case UART.MCR:
        this.#mcr = byte & 0x1f;
        this.#tellModem();
        this.#updateInputs();
        break;
      case UART.SCR:
        this.#scr = byte;
        break;
    }
    this.#update();
  }

  get #divisorOpen(): boolean {
    return (this.#lcr & LCR.DLAB) !== 0;
  }

  /** IIR bits 0 to 3: the pending enabled interrupt of the highest priority. */
  get #identification(): number {
    if ((this.#ier & IER.ELSI) !== 0 && this.#receiver.lineStatusPending) return IIR.receiverLineStatus;
    if ((this.#ier & IER.ERBFI) !== 0) {
      if (this.#receiver.dataPending) return IIR.receivedDataAvailable;
      if (this.#receiver.timeoutPending) return IIR.characterTimeout;
    }
    if ((this.#ier & IER.ETBEI) !== 0 && this.#transmitter.interruptPending) return IIR.transmitterHoldingRegisterEmpty;
    if ((this.#ier & IER.EDSSI) !== 0 && this.#deltas !== 0) return IIR.modemStatus;
    return IIR.none;
  }

  #readData(): number {
    const byte = this.#receiver.readData();
    this.#update();
    this.#tellRoom();
    return byte;
  }

  #readIdentification(): number {
    const identification = this.#identification;
    if (identification === IIR.transmitterHoldingRegisterEmpty) {
      this.#transmitter.interruptPending = false;
      this.#update();
    }
    return identification | ((this.#fcr & FCR.FIFOEnable) === 0 ? 0 : IIR.fifosEnabled);
  }

  #readLineStatus(): number {
    const status = this.#receiver.readLineStatus() | this.#transmitter.lineStatus;
    this.#update();
    return status;
  }

  #readModemStatus(): number {
    const status = (this.#inputs << 4) | this.#deltas;
    this.#deltas = 0;
    this.#update();
    return status;
  }

  #writeInterruptEnable(byte: number): void {
    const rising = byte & ~this.#ier;
    this.#ier = byte & 0x0f;
    if ((rising & IER.ETBEI) !== 0) this.#transmitter.interruptEnabled();
  }

  #writeFifoControl(byte: number): void {
    // Without FCR0 in the same write the other bits are not programmed ("FIFO Control Register", bit 0).
    const enabled = (byte & FCR.FIFOEnable) !== 0;
    this.#fcr = enabled ? byte & ~(FCR.RCVRFIFOReset | FCR.XMITFIFOReset) : 0;
    this.#receiver.setFifo(enabled, FCR_TRIGGER_LEVELS[byte >> 6]);
    this.#transmitter.setFifo(enabled);
    if (enabled && (byte & FCR.RCVRFIFOReset) !== 0) this.#receiver.clear();
    if (enabled && (byte & FCR.XMITFIFOReset) !== 0) this.#transmitter.clear();
    this.#tellRoom();
  }

  #writeLineControl(byte: number): void {
    this.#lcr = byte;
    this.#dataMask = 0xff >> (3 - (byte & LCR.WLS));
    this.#retime();
    this.#tellModem();
    const format = byte & 0x3f;
    if (this.#divisorOpen || (this.#divisor === this.#toldDivisor && format === this.#toldFormat)) return;
    this.#toldDivisor = this.#divisor;
    this.#toldFormat = format;
    const baudRate = this.#divisor === 0 ? 0 : this.#clockHz / (SAMPLES_PER_BIT * this.#divisor);
    this.#backend?.configure(decodeLine(byte, baudRate));
  }

  #setDivisor(divisor: number): void {
    this.#divisor = divisor;
    this.#retime();
  }

  #retime(): void {
    const bitNs = (SAMPLES_PER_BIT * Math.max(1, this.#divisor) * NS_PER_SECOND) / this.#clockHz;
    const characterNs = bitNs * characterBits(this.#lcr);
    this.#transmitter.bitNs = this.#isPaced ? bitNs : 0;
    this.#transmitter.characterNs = this.#isPaced ? characterNs : 0;
    this.#receiver.characterNs = characterNs;
  }

  #sent(byte: number): void {
    if ((this.#mcr & MCR.LOOP) !== 0) {
      if (this.#receiver.room > 0) this.#receiver.push(byte, 0);
      else this.#receiver.overrun();
    } else if ((this.#lcr & LCR.setBreak) === 0) {
      this.#backend?.transmit(byte);
    }
  }

  #tellRoom(): void {
    if (!this.#starved || this.#receiver.room === 0) return;
    this.#starved = false;
    this.#backend?.roomAvailable();
  }

  #tellModem(): void {
    const sendingBreak = (this.#lcr & LCR.setBreak) === 0 ? 0 : SENDING_BREAK;
    const bits = (this.#mcr & MCR.LOOP) === 0 ? (this.#mcr & DTR_RTS) | sendingBreak : 0;
    if (bits === this.#toldModem) return;
    this.#toldModem = bits;
    this.#backend?.modemControl(bits);
  }

  #updateInputs(): void {
    const mcr = this.#mcr;
    // Loopback wires RTS to CTS, DTR to DSR, OUT1 to RI and OUT2 to DCD ("MODEM Control Register", bit 4).
    const looped = ((mcr & MCR.RTS) >> 1) | ((mcr & MCR.DTR) << 1) | (mcr & (MCR.OUT1 | MCR.OUT2));
    const inputs = (mcr & MCR.LOOP) === 0 ? this.#outsideInputs : looped;
    const changed = inputs ^ this.#inputs;
    // RI counts at its trailing edge only (TERI).
    this.#deltas |= changed & (MSR.DCTS | MSR.DDSR | MSR.DDCD | (this.#inputs & MSR.TERI));
    this.#inputs = inputs;
  }

  #update(): void {
    const interrupt = this.#identification !== IIR.none;
    if (interrupt === this.#interrupt) return;
    this.#interrupt = interrupt;
    this.#line.set(interrupt);
  }
}
