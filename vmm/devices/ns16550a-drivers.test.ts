/** Tests of the NS16550A with the register sequences by which operating systems and firmware find and drive one. */

import { expect } from 'chai';
import { FCR, IER, IIR, LCR, LSR, MCR, MSR, UART } from './ns16550a-registers.js';
import { BYTE_NS, UartSetup } from './ns16550a-test-setup.js';

/** LCR values by which Linux reaches for registers that later chips have and this one has not. */
const CONFIGURATION_MODE_B = 0xbf;
const NATIONAL_BANK_2 = 0xe0;
const FIFO_64_BYTES = 0x20;
const UART_UNIT_ENABLE = 0x40;

describe("Ns16550a, probed by Linux' 8250 driver (drivers/tty/serial/8250/8250_port.c)", () => {
  it('has an IER of four bits', () => {
    const s = new UartSetup();
    s.write(UART.IER, 0);
    expect(s.read(UART.IER)).to.equal(0);
    s.write(UART.IER, 0x0f);
    expect(s.read(UART.IER)).to.equal(0x0f);
    s.write(UART.IER, UART_UNIT_ENABLE);
    expect(s.read(UART.IER), 'no XScale').to.equal(0);
  });

  it('passes the loopback test', () => {
    const s = new UartSetup();
    s.write(UART.MCR, MCR.LOOP | MCR.OUT2 | MCR.RTS);
    expect(s.read(UART.MSR) & 0xf0).to.equal(MSR.DCD | MSR.CTS);
    s.write(UART.MCR, 0);
    expect(s.read(UART.MSR) & 0xf0).to.equal(0);
  });

  it('is a 16550A by its FIFO bits, an 8250 by none', () => {
    const s = new UartSetup();
    s.write(UART.LCR, 0);
    s.write(UART.FCR, FCR.FIFOEnable);
    expect(s.read(UART.IIR) >> 6).to.equal(3);
    s.write(UART.FCR, 0);
    expect(s.read(UART.IIR) >> 6).to.equal(0);
  });

  it('keeps its scratch register while the other banks are looked for', () => {
    const s = new UartSetup();
    for (const value of [0xa5, 0x5a]) {
      s.write(UART.SCR, value);
      s.write(UART.LCR, CONFIGURATION_MODE_B);
      s.write(UART.LCR, 0);
      expect(s.read(UART.SCR)).to.equal(value);
    }
  });

  it('is none of the later chips: no EFR, no second bank, no FIFO of 64 bytes', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    for (const lcr of [LCR.DLAB, CONFIGURATION_MODE_B]) {
      s.write(UART.LCR, lcr);
      expect(s.read(UART.IIR), `LCR ${lcr} shows no EFR, which would read as 0`).to.not.equal(0);
    }
    for (const mcr of [0, MCR.LOOP]) {
      s.write(UART.LCR, 0);
      s.write(UART.MCR, mcr);
      s.write(UART.LCR, NATIONAL_BANK_2);
      expect(s.read(UART.IIR) & MCR.LOOP, 'offset 2 does not follow MCR').to.equal(0);
    }
    for (const lcr of [0, LCR.DLAB]) {
      s.write(UART.LCR, lcr);
      s.write(UART.FCR, FCR.FIFOEnable | FIFO_64_BYTES);
      expect(s.read(UART.IIR) >> 5, `with LCR ${lcr}`).to.equal(6);
    }
  });

  it('passes the test for the THRE interrupt at start-up: it comes each time that ETBEI is set', () => {
    const s = new UartSetup(FCR.FIFOEnable | FCR.RCVRFIFOReset | FCR.XMITFIFOReset);
    for (let i = 0; i < 3; i++) {
      expect(s.read(UART.LSR) & (LSR.THRE | LSR.TEMT)).to.equal(LSR.THRE | LSR.TEMT);
      s.write(UART.IER, IER.ETBEI);
      expect(s.line.level).to.equal(true);
      expect(s.iir).to.equal(IIR.transmitterHoldingRegisterEmpty);
      s.write(UART.IER, 0);
      expect(s.line.level).to.equal(false);
    }
  });

  it('sends a text by interrupts, sixteen characters for each', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    const text = 'Linux version 6.12, sent by interrupts alone, as a console does it.';
    let sent = 0;
    let interrupts = 0;
    s.write(UART.IER, IER.ETBEI);
    for (let turn = 0; turn < 200 && sent < text.length; turn++) {
      if (s.iir === IIR.transmitterHoldingRegisterEmpty && (s.read(UART.LSR) & LSR.THRE) !== 0) {
        interrupts++;
        for (const end = Math.min(sent + 16, text.length); sent < end; sent++) s.write(UART.THR, text.charCodeAt(sent));
      }
      s.pass(BYTE_NS);
    }
    s.pass(20 * BYTE_NS);
    expect(s.backend.text).to.equal(text);
    expect(interrupts).to.be.at.most(Math.ceil(text.length / 16) + 1);
  });

  it('receives by interrupts until LSR shows no more data', () => {
    const s = new UartSetup(FCR.FIFOEnable | 0x80, IER.ERBFI | IER.ELSI);
    s.arrive(11);
    let read = '';
    expect(s.iir).to.equal(IIR.receivedDataAvailable);
    while ((s.read(UART.LSR) & LSR.DR) !== 0) read += String.fromCharCode(s.read(UART.RBR));
    expect(read).to.equal('ABCDEFGHIJK');
    expect([s.iir, s.line.level]).to.deep.equal([IIR.none, false]);
  });
});

describe('Ns16550a, driven by polling firmware', () => {
  it('prints 115,200 baud 8N1 after the start-up of OpenSBI (lib/utils/serial/uart8250.c) with a clock of 3,686,400 Hz', () => {
    const s = new UartSetup();
    const divisor = Math.floor((3_686_400 + 8 * 115_200) / (16 * 115_200));
    for (const [register, value] of [
      [UART.IER, 0],
      [UART.LCR, LCR.DLAB],
      [UART.DLL, divisor & 0xff],
      [UART.DLM, divisor >> 8],
      [UART.LCR, 3],
      [UART.FCR, 1],
      [UART.MCR, 0],
      [UART.SCR, 0],
    ])
      s.write(register, value);
    expect([s.read(UART.LSR), s.read(UART.RBR)]).to.deep.equal([LSR.THRE | LSR.TEMT, 0]);
    expect(s.backend.lines.at(-1)).to.deep.equal({ baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 });
    expect(poll(s, 'OpenSBI\r\n')).to.equal('OpenSBI\r\n');
    expect(s.line.rises).to.equal(0);
  });

  it('prints after the start-up of U-Boot (drivers/serial/ns16550.c)', () => {
    const s = new UartSetup();
    expect(s.read(UART.LSR) & LSR.TEMT, 'it waits for this first').to.equal(LSR.TEMT);
    for (const [register, value] of [
      [UART.IER, 0],
      [UART.MCR, MCR.DTR | MCR.RTS],
      [UART.FCR, FCR.FIFOEnable | FCR.RCVRFIFOReset | FCR.XMITFIFOReset],
      [UART.LCR, 3],
      [UART.LCR, LCR.DLAB | 3],
      [UART.DLL, 2],
      [UART.DLM, 0],
      [UART.LCR, 3],
    ])
      s.write(register, value);
    expect(poll(s, 'U-Boot 2023.01')).to.equal('U-Boot 2023.01');
    s.arrive(1);
    expect([s.read(UART.LSR) & LSR.DR, s.read(UART.RBR), s.read(UART.LSR) & LSR.DR]).to.deep.equal([1, 0x41, 0]);
  });
});

/** Sends each character once LSR shows THRE; answers what has arrived. */
function poll(s: UartSetup, text: string): string {
  for (const c of text) {
    for (let i = 0; i < 10 && (s.read(UART.LSR) & LSR.THRE) === 0; i++) s.pass(BYTE_NS / 4);
    s.send(c);
  }
  s.pass(20 * BYTE_NS);
  return s.backend.text;
}
