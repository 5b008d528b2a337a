/** Tests of the NS16550A against the PC16550D data sheet: registers, line, modem control, interrupts. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { LINE_STATUS } from './character.js';
import { randomAccess, TestLine } from './device-test-kit.js';
import { Ns16550a } from './ns16550a.js';
import { FCR, FIFO_DEPTH, IER, IIR, LCR, LSR, MCR, MSR, UART } from './ns16550a-registers.js';
import { BYTE_NS, UartSetup } from './ns16550a-test-setup.js';

describe('Ns16550a registers', () => {
  it('read after reset as in table II of the data sheet', () => {
    const line = new TestLine();
    const uart = new Ns16550a({ clock: new VirtualClock(), line });
    const values = [1, 2, 3, 4, 5, 6].map((offset) => uart.read(offset, 1));
    expect(values).to.deep.equal([0, IIR.none, 0, 0, LSR.THRE | LSR.TEMT, 0]);
    expect(line.level).to.equal(false);
  });

  it('keep the bits that exist', () => {
    const s = new UartSetup();
    for (const offset of [UART.IER, UART.MCR, UART.SCR]) s.write(offset, 0xff);
    expect([s.read(UART.IER), s.read(UART.MCR), s.read(UART.SCR)]).to.deep.equal([0x0f, 0x1f, 0xff]);
  });

  it('show the divisor latch while DLAB is set', () => {
    const s = new UartSetup();
    s.write(UART.IER, IER.ERBFI);
    s.program(0x1234, 0x03);
    s.write(UART.LCR, LCR.DLAB | 0x03);
    expect([s.read(UART.DLL), s.read(UART.DLM)]).to.deep.equal([0x34, 0x12]);
    s.write(UART.LCR, 0x03);
    expect(s.read(UART.IER)).to.equal(IER.ERBFI);
  });

  it('answer the addressed register alone in a wide access, and 0 above 7', () => {
    const s = new UartSetup();
    expect(s.uart.read(UART.LSR, 4)).to.equal(LSR.THRE | LSR.TEMT);
    s.uart.write(UART.SCR, 4, 0x1234_5678);
    expect(s.read(UART.SCR)).to.equal(0x78);
    expect(s.uart.read(8, 4)).to.equal(0);
  });

  it('ignore FCR bits that come without FCR0', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    s.arrive(2);
    s.write(UART.FCR, FCR.RCVRFIFOReset);
    expect(s.read(UART.IIR) & IIR.fifosEnabled).to.equal(0);
    expect(s.read(UART.LSR) & LSR.DR, 'cleared by turning the FIFOs off').to.equal(0);
  });
});

describe('Ns16550a line settings', () => {
  it('are told once the latch is closed, and only when they changed', () => {
    const s = new UartSetup();
    expect(s.backend.lines).to.deep.equal([{ baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 }]);
    s.write(UART.LCR, 0x03);
    s.write(UART.LCR, 0x03 | LCR.setBreak);
    expect(s.backend.lines).to.have.length(1);
    s.program(24, LCR.PEN | LCR.EPS | LCR.STB | 0x02);
    expect(s.backend.lines[1]).to.deep.equal({ baudRate: 9600, dataBits: 7, parity: 'even', stopBits: 2 });
  });

  it('decode every parity and the one and a half stop bits', () => {
    const s = new UartSetup();
    const parities = [LCR.PEN, LCR.PEN | LCR.EPS, LCR.PEN | LCR.stickParity, LCR.PEN | LCR.stickParity | LCR.EPS];
    for (const parity of parities) s.write(UART.LCR, parity | LCR.STB);
    expect(s.backend.lines.slice(1).map((l) => `${l.dataBits}${l.parity}${l.stopBits}`)).to.deep.equal([
      '5odd1.5',
      '5even1.5',
      '5mark1.5',
      '5space1.5',
    ]);
  });

  it('say 0 baud for a divisor of 0, and still send', () => {
    const s = new UartSetup();
    s.program(0, 0x03);
    expect(s.backend.lines[1].baudRate).to.equal(0);
    s.send('x');
    s.pass(50_000);
    expect(s.backend.text).to.equal('x');
  });

  it('set the length of a character: parity, stop bits and divisor count', () => {
    for (const [lcr, bits] of [
      [0x00, 7],
      [0x03, 10],
      [0x03 | LCR.PEN, 11],
      [0x03 | LCR.PEN | LCR.STB, 12],
      [LCR.STB, 7.5],
    ]) {
      const s = new UartSetup();
      s.program(24, lcr);
      s.send('\0');
      const dueNs = (bits * 1e9) / 9600;
      s.clock.advanceTo(Math.floor(dueNs) - 1);
      expect(s.backend.transmitted, `LCR ${lcr}`).to.have.length(0);
      s.clock.advanceTo(Math.ceil(dueNs));
      expect(s.backend.transmitted, `LCR ${lcr}`).to.have.length(1);
    }
  });

  it('cut characters to the word length, but not before LCR is written', () => {
    const s = new UartSetup();
    s.write(UART.LCR, 0x02);
    s.write(UART.THR, 0xff);
    const fresh = new Ns16550a({ clock: s.clock, line: s.line });
    fresh.attach(s.backend);
    fresh.write(UART.THR, 1, 0xfe);
    s.pass(1e6);
    expect(s.backend.transmitted.sort()).to.deep.equal([0x7f, 0xfe]);
  });
});

describe('Ns16550a modem control', () => {
  it('tells DTR and RTS on changes', () => {
    const s = new UartSetup();
    for (const mcr of [MCR.DTR, MCR.DTR | MCR.OUT2, MCR.DTR | MCR.RTS, 0]) s.write(UART.MCR, mcr);
    expect(s.backend.modem).to.deep.equal([1, 3, 0]);
  });

  it('shows inputs and what changed; MSR read resets the changes', () => {
    const s = new UartSetup(0, IER.EDSSI);
    s.uart.modemStatus(0x0b);
    expect(s.iir).to.equal(IIR.modemStatus);
    expect(s.read(UART.MSR)).to.equal(MSR.CTS | MSR.DSR | MSR.DCD | MSR.DCTS | MSR.DDSR | MSR.DDCD);
    expect(s.line.level).to.equal(false);
    expect(s.read(UART.MSR)).to.equal(MSR.CTS | MSR.DSR | MSR.DCD);
  });

  it('counts the trailing edge of RI alone', () => {
    const s = new UartSetup();
    s.uart.modemStatus(0x04);
    expect(s.read(UART.MSR)).to.equal(MSR.RI);
    s.uart.modemStatus(0x00);
    expect(s.read(UART.MSR)).to.equal(MSR.TERI);
  });

  it('loops outputs to inputs and characters to the receiver, and cuts the outside off', () => {
    const s = new UartSetup(FCR.FIFOEnable);
    s.write(UART.MCR, MCR.DTR | MCR.RTS);
    s.uart.modemStatus(0x01);
    s.write(UART.MCR, MCR.LOOP | MCR.RTS | MCR.OUT2);
    expect(s.read(UART.MSR) & 0xf0).to.equal(MSR.CTS | MSR.DCD);
    expect(s.backend.modem).to.deep.equal([3, 0]);
    s.write(UART.MCR, MCR.LOOP | MCR.DTR | MCR.OUT1);
    expect(s.read(UART.MSR) & 0xf0).to.equal(MSR.DSR | MSR.RI);
    s.send('ab');
    expect(s.uart.receive(0x7a, 0)).to.equal(true);
    s.uart.overrun();
    s.pass(2 * BYTE_NS + 1);
    expect([s.read(UART.RBR), s.read(UART.RBR)]).to.deep.equal([0x61, 0x62]);
    expect(s.read(UART.LSR)).to.equal(LSR.THRE | LSR.TEMT);
    expect(s.backend.text).to.equal('');
    s.write(UART.MCR, 0);
    expect(s.read(UART.MSR) & 0xf0).to.equal(MSR.CTS);
  });

  it('overruns itself in loopback when nobody reads', () => {
    const s = new UartSetup();
    s.write(UART.MCR, MCR.LOOP);
    s.send('a');
    s.pass(BYTE_NS);
    s.send('b');
    s.pass(BYTE_NS);
    expect(s.read(UART.LSR) & (LSR.DR | LSR.OE)).to.equal(LSR.DR | LSR.OE);
  });
});

describe('Ns16550a interrupts', () => {
  it('are identified by priority', () => {
    const s = new UartSetup(0, 0x0f);
    s.uart.modemStatus(1);
    s.uart.receive(1, LINE_STATUS.parity);
    const seen = [s.iir];
    s.read(UART.LSR);
    seen.push(s.iir);
    s.read(UART.RBR);
    seen.push(s.iir, s.iir);
    s.read(UART.MSR);
    seen.push(s.iir);
    expect(seen).to.deep.equal([
      IIR.receiverLineStatus,
      IIR.receivedDataAvailable,
      IIR.transmitterHoldingRegisterEmpty,
      IIR.modemStatus,
      IIR.none,
    ]);
  });

  it('drive the line exactly while IIR says so, through 100,000 random accesses and arrivals', () => {
    const random = createRandom('uart');
    const s = new UartSetup(FCR.FIFOEnable);
    let arrived = 0;
    for (let i = 0; i < 100_000; i++) {
      randomAccess(random, s.uart, 0x100, [0, 1, 2, 3, 4, 5, 6, 7]);
      // Often back to a line on which something moves.
      if (random.below(8) === 0) s.program(2, 0x03);
      if (random.below(8) === 0) s.write(UART.MCR, 0);
      if (random.below(4) === 0 && s.uart.receive(random.below(256), random.uint32() & 0x1e)) arrived++;
      if (random.below(16) === 0) s.uart.overrun();
      if (random.below(16) === 0) s.uart.modemStatus(random.below(16));
      s.pass(random.below(3) * random.below(100_000));
      expect(s.uart.room()).to.be.within(0, FIFO_DEPTH);
      // A THRE interrupt is taken back by being identified, so the line is looked at first.
      const level = s.line.level;
      expect(s.iir !== IIR.none, `line after ${i}`).to.equal(level);
    }
    expect(arrived).to.be.above(1000);
    expect(s.backend.transmitted.length).to.be.above(1000);
  });

  it('give the same history for the same accesses', () => {
    const history = (): string => {
      const random = createRandom('again');
      const s = new UartSetup(FCR.FIFOEnable);
      const log: string[] = [];
      s.backend.onTransmit = (byte) => log.push(`${s.clock.now()}:${byte}`);
      for (let i = 0; i < 30_000; i++) {
        randomAccess(random, s.uart, 8, [0, 1, 2, 3, 4, 5, 6, 7]);
        if (random.below(8) === 0) s.program(2, 0x03);
        if (random.below(8) === 0) s.write(UART.MCR, 0);
        s.pass(random.below(20_000));
      }
      return log.join();
    };
    expect(history()).to.equal(history()).and.to.have.length.above(100);
  });
});
