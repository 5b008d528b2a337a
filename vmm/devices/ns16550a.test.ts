/** Tests of the NS16550A against the PC16550D data sheet, section by section. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { LINE_STATUS } from './character.js';
import { randomAccess, TestBackend, TestLine } from './device-test-kit.js';
import { Ns16550a } from './ns16550a.js';
import { FCR, FIFO_DEPTH, IER, IIR, LCR, LSR, MCR, MSR, UART } from './ns16550a-registers.js';

/** 10 bits at 115,200 baud, exactly. */
const BYTE_NS = 1e10 / 115_200;
const FIFO_TRIGGER_8 = 0x80;

class Setup {
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

describe('Ns16550a registers', () => {
  it('read after reset as in table II of the data sheet', () => {
    const line = new TestLine();
    const uart = new Ns16550a({ clock: new VirtualClock(), line });
    const values = [1, 2, 3, 4, 5, 6].map((offset) => uart.read(offset, 1));
    expect(values).to.deep.equal([0, IIR.none, 0, 0, LSR.THRE | LSR.TEMT, 0]);
    expect(line.level).to.equal(false);
  });

  it('keep the bits that exist', () => {
    const s = new Setup();
    for (const offset of [UART.IER, UART.MCR, UART.SCR]) s.write(offset, 0xff);
    expect([s.read(UART.IER), s.read(UART.MCR), s.read(UART.SCR)]).to.deep.equal([0x0f, 0x1f, 0xff]);
  });

  it('show the divisor latch while DLAB is set', () => {
    const s = new Setup();
    s.write(UART.IER, IER.ERBFI);
    s.program(0x1234, 0x03);
    s.write(UART.LCR, LCR.DLAB | 0x03);
    expect([s.read(UART.DLL), s.read(UART.DLM)]).to.deep.equal([0x34, 0x12]);
    s.write(UART.LCR, 0x03);
    expect(s.read(UART.IER)).to.equal(IER.ERBFI);
  });

  it('answer the addressed register alone in a wide access, and 0 above 7', () => {
    const s = new Setup();
    expect(s.uart.read(UART.LSR, 4)).to.equal(LSR.THRE | LSR.TEMT);
    s.uart.write(UART.SCR, 4, 0x1234_5678);
    expect(s.read(UART.SCR)).to.equal(0x78);
    expect(s.uart.read(8, 4)).to.equal(0);
  });

  it('ignore FCR bits that come without FCR0', () => {
    const s = new Setup(FCR.FIFOEnable);
    s.arrive(2);
    s.write(UART.FCR, FCR.RCVRFIFOReset);
    expect(s.read(UART.IIR) & IIR.fifosEnabled).to.equal(0);
    expect(s.read(UART.LSR) & LSR.DR, 'cleared by turning the FIFOs off').to.equal(0);
  });
});

describe('Ns16550a line settings', () => {
  it('are told once the latch is closed, and only when they changed', () => {
    const s = new Setup();
    expect(s.backend.lines).to.deep.equal([{ baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 }]);
    s.write(UART.LCR, 0x03);
    s.write(UART.LCR, 0x03 | LCR.setBreak);
    expect(s.backend.lines).to.have.length(1);
    s.program(24, LCR.PEN | LCR.EPS | LCR.STB | 0x02);
    expect(s.backend.lines[1]).to.deep.equal({ baudRate: 9600, dataBits: 7, parity: 'even', stopBits: 2 });
  });

  it('decode every parity and the one and a half stop bits', () => {
    const s = new Setup();
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
    const s = new Setup();
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
      const s = new Setup();
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
    const s = new Setup();
    s.write(UART.LCR, 0x02);
    s.write(UART.THR, 0xff);
    const fresh = new Ns16550a({ clock: s.clock, line: s.line });
    fresh.attach(s.backend);
    fresh.write(UART.THR, 1, 0xfe);
    s.pass(1e6);
    expect(s.backend.transmitted.sort()).to.deep.equal([0x7f, 0xfe]);
  });
});

describe('Ns16550a transmitter', () => {
  it('sends a full FIFO at the byte time, without drift', () => {
    const s = new Setup(FCR.FIFOEnable);
    const times: number[] = [];
    s.backend.onTransmit = () => times.push(s.clock.now());
    s.send('0123456789abcdefg');
    s.pass(1e7);
    expect(s.backend.text).to.equal('0123456789abcdefg');
    expect(times).to.deep.equal(times.map((_, i) => Math.round((i + 1) * BYTE_NS)));
  });

  it('takes one character in the shift register and sixteen in the FIFO; more are lost', () => {
    const s = new Setup(FCR.FIFOEnable);
    s.send('0123456789abcdefghij');
    s.pass(1e7);
    expect(s.backend.text).to.equal('0123456789abcdefg');
  });

  it('without FIFO holds one character, which a newer one replaces', () => {
    const s = new Setup();
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
    const s = new Setup(0, IER.ETBEI);
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
    const s = new Setup(0, IER.ETBEI);
    expect(s.iir).to.equal(IIR.transmitterHoldingRegisterEmpty);
    s.write(UART.IER, IER.ETBEI);
    expect(s.line.level).to.equal(false);
    s.write(UART.IER, 0);
    s.write(UART.IER, IER.ETBEI);
    expect(s.iir).to.equal(IIR.transmitterHoldingRegisterEmpty);
  });

  it('keeps a THRE interrupt that IIR did not report because another came first', () => {
    const s = new Setup(0, IER.ETBEI | IER.ERBFI);
    s.arrive(1);
    expect(s.iir).to.equal(IIR.receivedDataAvailable);
    s.read(UART.RBR);
    expect(s.iir).to.equal(IIR.transmitterHoldingRegisterEmpty);
  });

  it('with FIFO delays the indication of a lone character to its last stop bit, the first one after FCR0 excepted', () => {
    const s = new Setup(FCR.FIFOEnable, IER.ETBEI);
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
    const s = new Setup(FCR.FIFOEnable);
    s.send('abc');
    s.pass(2 * BYTE_NS);
    expect(s.backend.text).to.equal('ab');
    expect(s.read(UART.LSR) & (LSR.THRE | LSR.TEMT)).to.equal(LSR.THRE);
  });

  it('ends the delay when another character follows', () => {
    const s = new Setup(FCR.FIFOEnable);
    s.send('a');
    s.pass(2 * BYTE_NS);
    s.send('b');
    s.send('cd');
    s.pass(3 * BYTE_NS + 2);
    expect(s.backend.text).to.equal('abcd');
    expect(s.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
  });

  it('XMIT FIFO reset drops what waits and lets the shift register finish', () => {
    const s = new Setup(FCR.FIFOEnable);
    s.send('abcd');
    s.write(UART.FCR, FCR.FIFOEnable | FCR.XMITFIFOReset);
    expect(s.read(UART.LSR) & (LSR.THRE | LSR.TEMT)).to.equal(LSR.THRE);
    s.pass(1e7);
    expect(s.backend.text).to.equal('a');
  });

  it('sends nothing while the line is held in break', () => {
    const s = new Setup();
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

describe('Ns16550a receiver', () => {
  it('without FIFO holds one character and has no room for a second', () => {
    const s = new Setup(0, IER.ERBFI);
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
    const s = new Setup(FCR.FIFOEnable);
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
      const s = new Setup(FCR.FIFOEnable | bits, IER.ERBFI);
      s.arrive(level - 1);
      expect(s.line.level, `below ${level}`).to.equal(false);
      s.arrive(1);
      expect(s.iir, `at ${level}`).to.equal(IIR.receivedDataAvailable);
      s.read(UART.RBR);
      expect(s.iir, `again below ${level}`).to.equal(IIR.none);
    }
  });

  it('announces a time-out four character times after the last character, and reading takes it back', () => {
    const s = new Setup(FCR.FIFOEnable | FIFO_TRIGGER_8, IER.ERBFI);
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
    const s = new Setup(0, IER.ERBFI);
    s.arrive(1);
    expect(s.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
    const fifo = new Setup(FCR.FIFOEnable | FIFO_TRIGGER_8);
    fifo.arrive(1);
    fifo.write(UART.FCR, FCR.FIFOEnable | FCR.RCVRFIFOReset | FIFO_TRIGGER_8);
    expect(fifo.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
  });

  it('shows an overrun at once, keeps what is in the FIFO, and LSR read resets it', () => {
    const s = new Setup(FCR.FIFOEnable, IER.ELSI);
    s.arrive(16);
    s.uart.overrun();
    expect(s.iir).to.equal(IIR.receiverLineStatus);
    expect(s.read(UART.LSR) & (LSR.OE | LSR.errorInFifo)).to.equal(LSR.OE);
    expect(s.line.level).to.equal(false);
    expect(s.read(UART.LSR) & LSR.OE).to.equal(0);
    expect(s.read(UART.RBR)).to.equal(0x41);
  });

  it('reveals an error when its character reaches the top of the FIFO; bit 7 tells before', () => {
    const s = new Setup(FCR.FIFOEnable, IER.ELSI);
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
    const s = new Setup();
    s.uart.receive(2, LINE_STATUS.parity);
    expect(s.read(UART.LSR) & 0x9e).to.equal(LSR.PE);
  });

  it('loads one zero character for a break', () => {
    const s = new Setup(FCR.FIFOEnable);
    s.uart.receive(0x7f, LINE_STATUS.break | LINE_STATUS.framing);
    expect(s.read(UART.LSR) & 0x9e).to.equal(LSR.BI | LSR.FE | LSR.errorInFifo);
    expect(s.read(UART.RBR)).to.equal(0);
  });

  it('RCVR FIFO reset drops characters and their errors', () => {
    const s = new Setup(FCR.FIFOEnable, IER.ELSI | IER.ERBFI);
    s.arrive(3, LINE_STATUS.parity);
    s.write(UART.FCR, FCR.FIFOEnable | FCR.RCVRFIFOReset);
    expect(s.read(UART.LSR)).to.equal(LSR.THRE | LSR.TEMT);
    expect(s.line.level).to.equal(false);
    expect(s.uart.room()).to.equal(FIFO_DEPTH);
  });

  it('tells the backend of room once after it had refused', () => {
    const s = new Setup(FCR.FIFOEnable);
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
    const s = new Setup(FCR.FIFOEnable, IER.ERBFI);
    let next = 16;
    s.backend.onRoom = () => {
      while (s.uart.receive(next, 0)) next++;
    };
    for (let i = 0; i < 17; i++) s.uart.receive(i, 0);
    const read = Array.from({ length: 100 }, () => s.read(UART.RBR));
    expect(read).to.deep.equal(Array.from({ length: 100 }, (_, i) => i));
  });
});

describe('Ns16550a modem control', () => {
  it('tells DTR and RTS on changes', () => {
    const s = new Setup();
    for (const mcr of [MCR.DTR, MCR.DTR | MCR.OUT2, MCR.DTR | MCR.RTS, 0]) s.write(UART.MCR, mcr);
    expect(s.backend.modem).to.deep.equal([1, 3, 0]);
  });

  it('shows inputs and what changed; MSR read resets the changes', () => {
    const s = new Setup(0, IER.EDSSI);
    s.uart.modemStatus(0x0b);
    expect(s.iir).to.equal(IIR.modemStatus);
    expect(s.read(UART.MSR)).to.equal(MSR.CTS | MSR.DSR | MSR.DCD | MSR.DCTS | MSR.DDSR | MSR.DDCD);
    expect(s.line.level).to.equal(false);
    expect(s.read(UART.MSR)).to.equal(MSR.CTS | MSR.DSR | MSR.DCD);
  });

  it('counts the trailing edge of RI alone', () => {
    const s = new Setup();
    s.uart.modemStatus(0x04);
    expect(s.read(UART.MSR)).to.equal(MSR.RI);
    s.uart.modemStatus(0x00);
    expect(s.read(UART.MSR)).to.equal(MSR.TERI);
  });

  it('loops outputs to inputs and characters to the receiver, and cuts the outside off', () => {
    const s = new Setup(FCR.FIFOEnable);
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
    const s = new Setup();
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
    const s = new Setup(0, 0x0f);
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
    const s = new Setup(FCR.FIFOEnable);
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
      const s = new Setup(FCR.FIFOEnable);
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
