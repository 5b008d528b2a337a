/** Tests of the NS16550A's receiver: FIFO, trigger levels, time-out, errors with their characters. */

import { expect } from 'chai';
import { LINE_STATUS } from './character.js';
import { FCR, FIFO_DEPTH, IER, IIR, LSR, UART } from './ns16550a-registers.js';
import { BYTE_NS, UartSetup } from './ns16550a-test-setup.js';

const FIFO_TRIGGER_8 = 0x80;

describe('Ns16550a receiver', () => {
  it('without FIFO holds one character and has no room for a second', () => {
    const s = new UartSetup(0, IER.ERBFI);
    expect(s.uart.room()).to.equal(1);
    expect(s.arrive(2)).to.equal(1);
    expect(s.uart.room()).to.equal(0);
    expect(s.iir).to.equal(IIR.receivedDataAvailable);
    expect(s.read(UART.LSR) & LSR.DR).to.equal(LSR.DR);
    expect(s.read(UART.RBR)).to.equal(0x41);
    expect(s.line.level).to.equal(false);
    expect(s.read(UART.LSR) & LSR.DR).to.equal(0);
  });

  it('with FIFO takes sixteen characters in order', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    expect(s.arrive(20)).to.equal(FIFO_DEPTH);
    const read = Array.from({ length: FIFO_DEPTH }, () => s.read(UART.RBR) - 0x41);
    expect(read).to.deep.equal(Array.from({ length: FIFO_DEPTH }, (_, i) => i));
  });

  it('announces data at each trigger level, and takes it back below', () => {
    for (const [bits, level] of [
      [0x00, 1],
      [0x40, 4],
      [0x80, 8],
      [0xc0, 14],
    ]) {
      const s = new UartSetup(FCR.FIFOEnable | bits, IER.ERBFI);
      s.arrive(level - 1);
      expect(s.line.level, `below ${level}`).to.equal(false);
      s.arrive(1);
      expect(s.iir, `at ${level}`).to.equal(IIR.receivedDataAvailable);
      s.read(UART.RBR);
      expect(s.iir, `again below ${level}`).to.equal(IIR.none);
    }
  });

  it('announces a time-out four character times after the last character, and reading takes it back', () => {
    const s = new UartSetup(FCR.FIFOEnable | FIFO_TRIGGER_8, IER.ERBFI);
    s.arrive(1);
    s.pass(3 * BYTE_NS);
    s.arrive(2);
    const start = s.clock.now();
    s.clock.advanceTo(start + Math.round(4 * BYTE_NS) - 1);
    expect(s.line.level).to.equal(false);
    s.clock.advanceTo(start + Math.round(4 * BYTE_NS));
    expect(s.read(UART.IIR)).to.equal(IIR.characterTimeout | IIR.fifosEnabled);
    s.read(UART.RBR);
    expect(s.line.level).to.equal(false);
    s.pass(4 * BYTE_NS);
    expect(s.iir, 'again after the read').to.equal(IIR.characterTimeout);
    s.read(UART.RBR);
    s.read(UART.RBR);
    s.pass(1e7);
    expect(s.line.level, 'nothing is left').to.equal(false);
  });

  it('has no time-out without FIFO or with an empty one', () => {
    const s = new UartSetup(0, IER.ERBFI);
    s.arrive(1);
    expect(s.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
    const fifo = new UartSetup(FCR.FIFOEnable | FIFO_TRIGGER_8);
    fifo.arrive(1);
    fifo.write(UART.FCR, FCR.FIFOEnable | FCR.RCVRFIFOReset | FIFO_TRIGGER_8);
    expect(fifo.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
  });

  it('shows an overrun at once, keeps what is in the FIFO, and LSR read resets it', () => {
    const s = new UartSetup(FCR.FIFOEnable, IER.ELSI);
    s.arrive(16);
    s.uart.overrun();
    expect(s.iir).to.equal(IIR.receiverLineStatus);
    expect(s.read(UART.LSR) & (LSR.OE | LSR.errorInFifo)).to.equal(LSR.OE);
    expect(s.line.level).to.equal(false);
    expect(s.read(UART.LSR) & LSR.OE).to.equal(0);
    expect(s.read(UART.RBR)).to.equal(0x41);
  });

  it('reveals an error when its character reaches the top of the FIFO; bit 7 tells before', () => {
    const s = new UartSetup(FCR.FIFOEnable, IER.ELSI);
    s.uart.receive(1, 0);
    s.uart.receive(2, LINE_STATUS.parity);
    s.uart.receive(3, LINE_STATUS.framing);
    expect(s.line.level).to.equal(false);
    expect(s.read(UART.LSR) & 0x9e).to.equal(LSR.errorInFifo);
    s.read(UART.RBR);
    expect(s.iir).to.equal(IIR.receiverLineStatus);
    expect(s.read(UART.LSR) & 0x9e).to.equal(LSR.errorInFifo | LSR.PE);
    expect(s.read(UART.LSR) & 0x9e, 'one more below').to.equal(LSR.errorInFifo);
    expect(s.read(UART.RBR)).to.equal(2);
    expect(s.read(UART.LSR) & 0x9e).to.equal(LSR.errorInFifo | LSR.FE);
    expect(s.read(UART.LSR) & 0x9e).to.equal(0);
    expect(s.read(UART.RBR)).to.equal(3);
  });

  it('shows no bit 7 without FIFO', () => {
    const s = new UartSetup();
    s.uart.receive(2, LINE_STATUS.parity);
    expect(s.read(UART.LSR) & 0x9e).to.equal(LSR.PE);
  });

  it('loads one zero character for a break', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    s.uart.receive(0x7f, LINE_STATUS.break | LINE_STATUS.framing);
    expect(s.read(UART.LSR) & 0x9e).to.equal(LSR.BI | LSR.FE | LSR.errorInFifo);
    expect(s.read(UART.RBR)).to.equal(0);
  });

  it('RCVR FIFO reset drops characters and their errors', () => {
    const s = new UartSetup(FCR.FIFOEnable, IER.ELSI | IER.ERBFI);
    s.arrive(3, LINE_STATUS.parity);
    s.write(UART.FCR, FCR.FIFOEnable | FCR.RCVRFIFOReset);
    expect(s.read(UART.LSR)).to.equal(LSR.THRE | LSR.TEMT);
    expect(s.line.level).to.equal(false);
    expect(s.uart.room()).to.equal(FIFO_DEPTH);
  });

  it('tells the backend of room once after it had refused', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    s.arrive(16);
    s.read(UART.RBR);
    expect(s.backend.roomCalls, 'nobody was refused').to.equal(0);
    s.arrive(2);
    s.read(UART.RBR);
    s.read(UART.RBR);
    expect(s.backend.roomCalls).to.equal(1);
    s.arrive(3);
    s.write(UART.FCR, FCR.FIFOEnable | FCR.RCVRFIFOReset);
    expect(s.backend.roomCalls).to.equal(2);
  });

  it('may be refilled from within roomAvailable', () => {
    const s = new UartSetup(FCR.FIFOEnable, IER.ERBFI);
    let next = 16;
    s.backend.onRoom = () => {
      while (s.uart.receive(next, 0)) next++;
    };
    for (let i = 0; i < 17; i++) s.uart.receive(i, 0);
    const read = Array.from({ length: 100 }, () => s.read(UART.RBR));
    expect(read).to.deep.equal(Array.from({ length: 100 }, (_, i) => i));
  });
});
