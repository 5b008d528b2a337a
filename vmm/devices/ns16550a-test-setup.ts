/** What the tests of the NS16550A share: one UART at 115,200 baud, 8N1, on a virtual clock. */

import { VirtualClock } from '../../base/index.js';
import { TestBackend, TestLine } from './device-test-kit.js';
import { Ns16550a } from './ns16550a.js';
import { LCR, UART } from './ns16550a-registers.js';

/** 10 bits at 115,200 baud, exactly. */
export const BYTE_NS = 1e10 / 115_200;

/** One UART with its surroundings. */
export class UartSetup {
  readonly clock = new VirtualClock();
  readonly line = new TestLine();
  readonly backend = new TestBackend();
  readonly uart = new Ns16550a({ clock: this.clock, line: this.line });

  constructor(fcr = 0, ier = 0) {
    this.uart.attach(this.backend);
    this.program(2, 0x03);
    this.write(UART.FCR, fcr);
    this.write(UART.IER, ier);
  }

  read(offset: number): number {
    return this.uart.read(offset, 1);
  }

  write(offset: number, value: number): void {
    this.uart.write(offset, 1, value);
  }

  program(divisor: number, lcr: number): void {
    this.write(UART.LCR, LCR.DLAB);
    this.write(UART.DLL, divisor & 0xff);
    this.write(UART.DLM, divisor >> 8);
    this.write(UART.LCR, lcr);
  }

  send(text: string): void {
    for (const c of text) this.write(UART.THR, c.charCodeAt(0));
  }

  /** Offers characters; returns how many were taken. */
  arrive(count: number, lineStatus = 0): number {
    let taken = 0;
    for (let i = 0; i < count; i++) if (this.uart.receive(0x41 + i, lineStatus)) taken++;
    return taken;
  }

  pass(ns: number): void {
    this.clock.advanceTo(this.clock.now() + Math.ceil(ns));
  }

  get iir(): number {
    return this.read(UART.IIR) & 0x0f;
  }
}
