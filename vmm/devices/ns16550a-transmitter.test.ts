/** Tests of the NS16550A's transmitter: pace, FIFO, and when THRE is indicated. */

import { expect } from 'chai';
import { FCR, IER, IIR, LCR, LSR, UART } from './ns16550a-registers.js';
import { BYTE_NS, UartSetup } from './ns16550a-test-setup.js';

describe('Ns16550a transmitter', () => {
  it('sends a full FIFO at the byte time, without drift', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    const times: number[] = [];
    s.backend.onTransmit = () => times.push(s.clock.now());
    s.send('0123456789abcdefg');
    s.pass(1e7);
    expect(s.backend.text).to.equal('0123456789abcdefg');
    expect(times).to.deep.equal(times.map((_, i) => Math.round((i + 1) * BYTE_NS)));
  });

  it('takes one character in the shift register and sixteen in the FIFO; more are lost', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    s.send('0123456789abcdefghij');
    s.pass(1e7);
    expect(s.backend.text).to.equal('0123456789abcdefg');
  });

  it('without FIFO holds one character, which a newer one replaces', () => {
    const s = new UartSetup();
    s.send('a');
    expect(s.read(UART.LSR) & (LSR.THRE | LSR.TEMT)).to.equal(LSR.THRE);
    s.send('b');
    expect(s.read(UART.LSR) & (LSR.THRE | LSR.TEMT)).to.equal(0);
    s.send('c');
    s.pass(BYTE_NS);
    expect(s.read(UART.LSR) & (LSR.THRE | LSR.TEMT)).to.equal(LSR.THRE);
    s.pass(BYTE_NS);
    expect(s.backend.text).to.equal('ac');
    expect(s.read(UART.LSR) & (LSR.THRE | LSR.TEMT)).to.equal(LSR.THRE | LSR.TEMT);
  });

  it('interrupts when the holding register is empty; IIR read and THR write take the interrupt back', () => {
    const s = new UartSetup(0, IER.ETBEI);
    expect(s.line.level).to.equal(true);
    expect(s.iir).to.equal(IIR.transmitterHoldingRegisterEmpty);
    expect(s.line.level).to.equal(false);
    expect(s.iir).to.equal(IIR.none);
    s.send('ab');
    expect(s.line.level).to.equal(false);
    s.pass(BYTE_NS);
    expect(s.line.level).to.equal(true);
    s.send('c');
    expect(s.line.level).to.equal(false);
  });

  it('interrupts again when ETBEI is set anew while the holding register is empty', () => {
    const s = new UartSetup(0, IER.ETBEI);
    expect(s.iir).to.equal(IIR.transmitterHoldingRegisterEmpty);
    s.write(UART.IER, IER.ETBEI);
    expect(s.line.level).to.equal(false);
    s.write(UART.IER, 0);
    s.write(UART.IER, IER.ETBEI);
    expect(s.iir).to.equal(IIR.transmitterHoldingRegisterEmpty);
  });

  it('keeps a THRE interrupt that IIR did not report because another came first', () => {
    const s = new UartSetup(0, IER.ETBEI | IER.ERBFI);
    s.arrive(1);
    expect(s.iir).to.equal(IIR.receivedDataAvailable);
    s.read(UART.RBR);
    expect(s.iir).to.equal(IIR.transmitterHoldingRegisterEmpty);
  });

  it('with FIFO delays the indication of a lone character to its last stop bit, the first one after FCR0 excepted', () => {
    const s = new UartSetup(FCR.FIFOEnable, IER.ETBEI);
    s.send('a');
    expect(s.read(UART.LSR) & LSR.THRE, 'the first comes at once').to.equal(LSR.THRE);
    s.pass(BYTE_NS);
    s.send('b');
    const start = s.clock.now();
    expect(s.read(UART.LSR) & LSR.THRE).to.equal(0);
    s.clock.advanceTo(start + Math.round(0.9 * BYTE_NS) - 1);
    expect(s.line.level).to.equal(false);
    s.clock.advanceTo(start + Math.round(0.9 * BYTE_NS));
    expect(s.line.level).to.equal(true);
    expect(s.read(UART.LSR) & (LSR.THRE | LSR.TEMT)).to.equal(LSR.THRE);
    s.pass(0.1 * BYTE_NS + 1);
    expect(s.read(UART.LSR) & LSR.TEMT).to.equal(LSR.TEMT);
    expect(s.backend.text).to.equal('ab');
  });

  it('with FIFO indicates at once when two characters had waited together', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    s.send('abc');
    s.pass(2 * BYTE_NS);
    expect(s.backend.text).to.equal('ab');
    expect(s.read(UART.LSR) & (LSR.THRE | LSR.TEMT)).to.equal(LSR.THRE);
  });

  it('ends the delay when another character follows', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    s.send('a');
    s.pass(2 * BYTE_NS);
    s.send('b');
    s.send('cd');
    s.pass(3 * BYTE_NS + 2);
    expect(s.backend.text).to.equal('abcd');
    expect(s.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
  });

  it('XMIT FIFO reset drops what waits and lets the shift register finish', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    s.send('abcd');
    s.write(UART.FCR, FCR.FIFOEnable | FCR.XMITFIFOReset);
    expect(s.read(UART.LSR) & (LSR.THRE | LSR.TEMT)).to.equal(LSR.THRE);
    s.pass(1e7);
    expect(s.backend.text).to.equal('a');
  });

  it('sends nothing while the line is held in break', () => {
    const s = new UartSetup();
    s.write(UART.LCR, 0x03 | LCR.setBreak);
    s.send('a');
    s.pass(BYTE_NS);
    s.write(UART.LCR, 0x03);
    s.send('b');
    s.pass(BYTE_NS);
    expect(s.backend.text).to.equal('b');
    expect(s.backend.modem).to.deep.equal([4, 0]);
  });
});
