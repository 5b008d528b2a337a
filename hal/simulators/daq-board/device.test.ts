/** Tests of the simulated RV-DAQ16: rate, integrity, loss, interrupts, hostile hosts. */

import { expect } from 'chai';
import { type Clock, createRandom, VirtualClock } from '../../../base/index.js';
import { testBoardPort } from '../../board/board-suite.js';
import { TestBoardHost } from '../../board/test-board-host.js';
import { createDaqBoard } from './device.js';
import type { DaqBoardParameters } from './parameters.js';
import { DAQ_MODE, DAQ_REGISTER, DAQ_STATUS, DESCRIPTOR, DESCRIPTOR_BYTES } from './registers.js';

const R = DAQ_REGISTER;
const BASE = 0x8000_0000;
const RING = 8;
const BLOCK = 1024;
const DATA = BASE + 0x1000;

testBoardPort('simulated RV-DAQ16', () => ({
  port: createDaqBoard({ clock: new VirtualClock() }),
  scratchOffset: R.divisor,
}));

/** Wall time on a host that never comes to its timers: the board works when somebody looks at it. */
class LateClock implements Clock<'wall'> {
  readonly domain = 'wall';
  nowNs = 0;

  now(): number {
    return this.nowNs;
  }

  schedule(): void {}
  cancel(): void {}
}

/** A board with its host, and a driver that gives descriptors back as it takes blocks. */
function bench(parameters: DaqBoardParameters = {}) {
  return benchOn(new VirtualClock(), parameters);
}

function benchOn<C extends Clock>(clock: C, parameters: DaqBoardParameters) {
  const board = createDaqBoard({ clock, parameters });
  const host = new TestBoardHost(BASE, 0x1000 + RING * BLOCK);
  board.attach(host, host);
  const write = (offset: number, value: number): void => board.writeRegister(offset, value);
  const field = (index: number, offset: number): number =>
    host.view.getUint32((index % RING) * DESCRIPTOR_BYTES + offset, true);
  const configure = (mode: number, divisor: number, mask = 1): void => {
    for (let i = 0; i < RING; i++) {
      host.view.setUint32(i * DESCRIPTOR_BYTES + DESCRIPTOR.addressLow, DATA + i * BLOCK, true);
      host.view.setUint32(i * DESCRIPTOR_BYTES + DESCRIPTOR.length, BLOCK, true);
    }
    write(R.mode, mode);
    write(R.divisor, divisor);
    write(R.channelMask, mask);
    write(R.ringLow, BASE);
    write(R.ringSize, RING);
    write(R.coalesceCount, 1);
    write(R.tail, RING);
    write(R.run, 1);
  };
  const sample = (block: number, index: number): number =>
    host.view.getUint16(0x1000 + (block % RING) * BLOCK + 2 * index, true);
  return { clock, board, host, write, field, configure, sample };
}

describe('simulated RV-DAQ16', () => {
  it('delivers a million samples at 1 MS/s by DMA without a gap and at its own rate', () => {
    const { clock, board, host, write, field, configure, sample } = bench({ clockPpm: 40 });
    let taken = 0;
    let wrong = 0;
    host.onRise = () => {
      const head = board.readRegister(R.head);
      for (; taken !== head; taken++) {
        const first = field(taken, DESCRIPTOR.sequence);
        if (first !== (taken * BLOCK) / 2 || field(taken, DESCRIPTOR.doneLength) !== BLOCK) wrong++;
        for (let i = 0; i < BLOCK / 2; i++) if (sample(taken, i) !== ((first + i) & 0xffff)) wrong++;
      }
      write(R.tail, taken + RING);
      write(R.acknowledge, taken);
    };
    configure(DAQ_MODE.dma | DAQ_MODE.counter | DAQ_MODE.interrupt, 10);
    clock.advanceTo(1_000_000_000);
    expect(wrong).to.equal(0);
    expect(taken).to.equal(Math.floor((1_000_000 * (1 + 40e-6)) / 512));
    expect(board.readRegister(R.samplesLow)).to.be.closeTo(1_000_040, 1);
    expect(board.samples).to.equal(board.readRegister(R.samplesLow));
    expect(board.lost).to.equal(0);
    expect(host.rises).to.equal(taken);
  });

  it('moves blocks in wall time while nobody looks, and loses what finds no descriptor alone', () => {
    const clock = new LateClock();
    const { board, field, configure, sample } = benchOn(clock, { fifoSamples: 64 });
    configure(DAQ_MODE.dma | DAQ_MODE.counter, 100);
    clock.nowNs = 30_000_000;
    expect([board.readRegister(R.head), board.readRegister(R.lost)]).to.deep.equal([5, 0]);
    for (let block = 0; block < 5; block++) {
      expect(field(block, DESCRIPTOR.sequence)).to.equal(512 * block);
      for (let i = 0; i < 512; i++) expect(sample(block, i)).to.equal(512 * block + i);
    }
    clock.nowNs = 100_000_000;
    expect(board.readRegister(R.head)).to.equal(RING);
    expect(board.readRegister(R.lost)).to.equal(10_000 - RING * 512 - 64);
  });

  it('counts what it loses when the host gives no descriptors, and never hides a gap inside a block', () => {
    const { clock, board, write, field, configure, sample } = bench({ fifoSamples: 1024 });
    configure(DAQ_MODE.dma | DAQ_MODE.counter, 100);
    clock.advanceTo(100_000_000);
    expect(board.readRegister(R.head)).to.equal(RING);
    expect(board.readRegister(R.status) & DAQ_STATUS.ringEmpty).to.equal(DAQ_STATUS.ringEmpty);
    expect(board.readRegister(R.lost)).to.equal(10_000 - RING * 512 - 1024);
    write(R.tail, 2 * RING);
    clock.advanceTo(120_000_000);
    expect([0, 1].map((n) => field(n, DESCRIPTOR.sequence))).to.deep.equal([4096, 4608]);
    expect(field(2, DESCRIPTOR.sequence)).to.equal(10_000);
    for (let i = 0; i < 512; i++) expect(sample(2, i)).to.equal((10_000 + i) & 0xffff);
    expect(board.readRegister(R.status) & DAQ_STATUS.overrun).to.equal(DAQ_STATUS.overrun);
  });

  it('ends a block early where samples were lost in the middle of it', () => {
    const { clock, board, write, field, configure } = bench({ fifoSamples: 64 });
    configure(DAQ_MODE.dma | DAQ_MODE.counter, 100);
    write(R.tail, 1);
    clock.advanceTo(20_000_000);
    expect(board.readRegister(R.head)).to.equal(1);
    write(R.tail, 4);
    clock.advanceTo(40_000_000);
    expect(field(1, DESCRIPTOR.doneLength)).to.equal(2 * 64);
    expect(field(1, DESCRIPTOR.sequence)).to.equal(512);
    expect(field(2, DESCRIPTOR.sequence)).to.equal(2000);
  });

  it('raises its interrupt by count or by time, whichever comes first, and lowers it when all is acknowledged', () => {
    const { clock, board, host, write, configure } = bench();
    configure(DAQ_MODE.dma | DAQ_MODE.interrupt, 100);
    write(R.coalesceCount, 3);
    write(R.coalesceUs, 20_000);
    clock.advanceTo(15_359_999);
    expect(host.level).to.equal(false);
    clock.advanceTo(15_360_000);
    expect(host.level).to.equal(true);
    write(R.acknowledge, 3);
    expect(host.level).to.equal(false);
    write(R.coalesceCount, 100);
    clock.advanceTo(20_480_000 + 19_999_999);
    expect(host.level).to.equal(false);
    clock.advanceTo(20_480_000 + 20_000_000);
    expect(host.level).to.equal(true);
    expect(board.readRegister(R.status) & DAQ_STATUS.interrupt).to.equal(DAQ_STATUS.interrupt);
  });

  it('changes nothing when a control word is written again with the value that it has', () => {
    const history = (repeats: boolean): number[] => {
      const { clock, board, host, write, configure } = bench();
      const seen: number[] = [];
      host.onRise = () => seen.push(clock.now());
      configure(DAQ_MODE.dma | DAQ_MODE.interrupt, 100);
      write(R.coalesceCount, 2);
      write(R.coalesceUs, 7000);
      for (let ms = 1; ms <= 60; ms++) {
        clock.advanceTo(ms * 1_000_000);
        if (ms % 11 === 0) write(R.acknowledge, board.readRegister(R.head));
        for (let at = 0x40; repeats && at < 0x80; at += 4) write(at, board.readRegister(at));
      }
      return seen;
    };
    expect(history(true)).to.deep.equal(history(false)).and.to.have.length.above(2);
  });

  it('hands samples over one by one in programmed mode, channels in order, and all ones when there is none', () => {
    const { clock, board, host, configure } = bench({
      signals: [
        { kind: 'constant', value: 5 },
        { kind: 'constant', value: -10 },
        { kind: 'constant', value: 20 },
      ],
    });
    configure(DAQ_MODE.interrupt, 1000, 0b111);
    clock.advanceTo(100_000);
    const codes = Array.from({ length: 4 }, () => board.readRegister(R.fifoData));
    expect(codes).to.deep.equal([16_384, 0x8000, 0x7fff, 0xffff_ffff]);
    clock.advanceTo(70_000_000);
    expect(host.level).to.equal(true);
    while (board.readRegister(R.fifoLevel) > 0) board.readRegister(R.fifoData);
    expect(host.level).to.equal(false);
  });

  it('stops at a descriptor whose memory is refused, says so, and begins anew with the next run', () => {
    const { clock, board, host, write, configure } = bench();
    configure(DAQ_MODE.dma | DAQ_MODE.interrupt, 100);
    host.view.setUint32(DESCRIPTOR_BYTES + DESCRIPTOR.addressHigh, 0x12, true);
    clock.advanceTo(50_000_000);
    expect(board.readRegister(R.head)).to.equal(1);
    expect(board.readRegister(R.dmaErrors)).to.equal(1);
    expect(host.refused).to.equal(1);
    expect(host.level).to.equal(true);
    host.view.setUint32(DESCRIPTOR_BYTES + DESCRIPTOR.addressHigh, 0, true);
    write(R.acknowledge, 0);
    write(R.run, 2);
    clock.advanceTo(70_000_000);
    expect(board.readRegister(R.dmaErrors)).to.equal(0);
    expect(board.readRegister(R.head)).to.equal(3);
  });

  it('gives the same instants for the same seed when they jitter, in order and close to the nominal ones', () => {
    const instants = (): number[] => {
      const { clock, field, configure } = bench({ jitterNs: 500 });
      configure(DAQ_MODE.dma | DAQ_MODE.counter, 10);
      clock.advanceTo(4_200_000);
      return Array.from({ length: RING }, (_, n) => field(n, DESCRIPTOR.timeLow));
    };
    const first = instants();
    expect(instants()).to.deep.equal(first);
    first.forEach((ns, n) => {
      expect(ns).to.be.closeTo(1000 * (512 * n + 1), 450);
    });
  });

  it('knows of every run what it converted, code by code, and when it first lost something', () => {
    const signals = [{ kind: 'sine', amplitude: 9, frequencyHz: 50 } as const];
    const { clock, board, write, configure, sample } = bench({ signals, clockPpm: -30 });
    configure(DAQ_MODE.dma, 1000, 0b11);
    clock.advanceTo(100e6);
    write(R.tail, 0);
    write(R.run, 2);
    clock.advanceTo(2e9);
    expect(board.readRegister(R.running)).to.equal(2);
    const [first, second] = board.runs;
    expect(board.runs).to.have.length(2);
    expect([first.channels, first.lost, first.overrunNs]).to.deep.equal([[0, 1], 0, undefined]);
    for (let i = 0; i < BLOCK / 2; i++) expect(sample(0, i)).to.equal(first.code(i % 2, Math.floor(i / 2)));
    expect(first.code(0, 50)).to.not.equal(first.code(0, 51));
    // The FIFO's 4,096 samples are 2,048 scans; the one behind them is the first that finds no room.
    expect(second.lost).to.equal(2 * second.scans - 4096);
    expect(second.overrunNs).to.equal(second.startNs + Math.ceil(2049 * second.periodNs));
  });

  it('loses nothing when it is called late, since its DMA would not have waited for that', () => {
    let nowNs = 0;
    const clock = { domain: 'wall', now: () => nowNs, schedule: () => {}, cancel: () => {} } as const;
    const board = createDaqBoard({ clock, parameters: { fifoSamples: 256 } });
    const host = new TestBoardHost(BASE, 0x1000 + RING * BLOCK);
    for (let i = 0; i < RING; i++) {
      host.view.setUint32(i * DESCRIPTOR_BYTES + DESCRIPTOR.addressLow, DATA + i * BLOCK, true);
      host.view.setUint32(i * DESCRIPTOR_BYTES + DESCRIPTOR.length, BLOCK, true);
    }
    board.attach(host, host);
    const values = {
      mode: DAQ_MODE.dma,
      divisor: 10,
      channelMask: 1,
      ringLow: BASE,
      ringSize: RING,
      tail: RING,
      run: 1,
    };
    for (const [name, value] of Object.entries(values)) board.writeRegister(R[name as keyof typeof R], value);
    nowNs = 4_000_000;
    expect([board.readRegister(R.head), board.readRegister(R.lost)]).to.deep.equal([7, 0]);
    nowNs = 5_000_000;
    expect([board.readRegister(R.head), board.readRegister(R.lost)]).to.deep.equal([RING, 5000 - RING * 512 - 256]);
  });

  it('answers 100,000 random accesses with 32-bit values and leaves memory outside its bounds alone', () => {
    const random = createRandom('hostile-daq-host');
    const { clock, board } = bench();
    for (let i = 0; i < 100_000; i++) {
      const offset = random.below(2) === 0 ? 0x40 + 4 * random.below(32) : random.below(5000) - 100;
      if (random.below(2) === 0)
        board.writeRegister(offset, random.below(3) === 0 ? random.below(16) : random.uint32());
      else expect(board.readRegister(offset)).to.be.within(0, 0xffff_ffff);
      clock.advanceTo(clock.now() + random.below(20_000));
    }
  });
});
