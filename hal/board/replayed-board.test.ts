/** Tests of a replayed board: what a recording of a simulated one brings, to hosts that are like the recorded one and to others. */

import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import { createDaqBoard } from '../simulators/daq-board/device.js';
import type { DaqBoardParameters } from '../simulators/daq-board/parameters.js';
import { DAQ_MODE, DAQ_REGISTER, DAQ_STATUS, DESCRIPTOR, DESCRIPTOR_BYTES } from '../simulators/daq-board/registers.js';
import { openTraceBytes, type TraceFile } from '../trace/trace-file.js';
import { TraceRecorder } from '../trace/trace-recorder.js';
import { MemorySink } from '../trace/trace-sink.js';
import type { BoardPort } from './board-port.js';
import { testBoardPort } from './board-suite.js';
import { BOARD_HEADER_BYTES, BOARD_PACKET } from './board-trace.js';
import { createReplayedBoard } from './replayed-board.js';
import { TestBoardHost } from './test-board-host.js';

const R = DAQ_REGISTER;
const BASE = 0x8000_0000;
const RING = 8;
const BLOCK = 1024;
const DATA = BASE + 0x1000;
const DMA = DAQ_MODE.dma | DAQ_MODE.interrupt;

/** A host with a ring of its own; it takes blocks by interrupt unless it is told not to. */
class Host extends TestBoardHost {
  /** Of each block: when the interrupt came, number of the first sample, bytes, time of the first sample, sum of the codes. */
  readonly blocks: number[][] = [];
  taken = 0;
  takes = true;

  constructor(
    readonly board: BoardPort,
    readonly clock: VirtualClock,
    readonly block = BLOCK,
  ) {
    super(BASE, 0x1000 + RING * block);
    board.attach(this, this);
    this.onRise = () => this.take();
  }

  start(run: number, mode: number, divisor = 100): void {
    for (let i = 0; i < RING; i++) {
      this.view.setUint32(i * DESCRIPTOR_BYTES + DESCRIPTOR.addressLow, DATA + i * this.block, true);
      this.view.setUint32(i * DESCRIPTOR_BYTES + DESCRIPTOR.length, this.block, true);
    }
    this.taken = 0;
    const values = { mode, divisor, channelMask: 3, ringLow: BASE, ringSize: RING, coalesceCount: 2, coalesceUs: 900 };
    for (const [name, value] of Object.entries({ ...values, acknowledge: 0, tail: RING, run }))
      this.board.writeRegister(R[name as keyof typeof R], value);
  }

  take(): void {
    if (!this.takes) return;
    const head = this.board.readRegister(R.head);
    for (; this.taken !== head; this.taken++) {
      const slot = this.taken % RING;
      const field = (offset: number): number => this.view.getUint32(slot * DESCRIPTOR_BYTES + offset, true);
      let sum = 0;
      const bytes = field(DESCRIPTOR.doneLength);
      for (let at = 0; at < bytes; at += 2) sum += this.view.getUint16(0x1000 + slot * this.block + at, true);
      this.blocks.push([this.clock.now(), field(DESCRIPTOR.sequence), bytes, field(DESCRIPTOR.timeLow), sum]);
    }
    this.board.writeRegister(R.tail, this.taken + RING);
    this.board.writeRegister(R.acknowledge, this.taken);
  }
}

/** What the tap of a run writes down of a board. */
function recording(play: (host: Host, clock: VirtualClock) => void, parameters: DaqBoardParameters = {}) {
  const clock = new VirtualClock();
  const sink = new MemorySink();
  const recorder = new TraceRecorder({ to: sink, clock });
  const channel = recorder.addUpper('board test', 'data');
  const packet = (kind: number, first: number, second: number, bytes: Uint8Array = new Uint8Array(0)): void => {
    const head = Uint32Array.of(kind, first, second);
    const whole = Uint8Array.from([...new Uint8Array(head.buffer), ...bytes]);
    channel.data(whole, 0, BOARD_HEADER_BYTES + bytes.length, clock.now());
  };
  const board = createDaqBoard({
    clock,
    parameters: { signals: [{ kind: 'sine', amplitude: 9, frequencyHz: 50 }], ...parameters },
  });
  const tapped: BoardPort = {
    name: board.name,
    identity: board.identity,
    attach: (to, memory) =>
      board.attach(to, {
        read: (address, target, offset, length) => memory.read(address, target, offset, length),
        write: (address, source, offset, length) => {
          packet(BOARD_PACKET.dma, address % 0x1_0000_0000, length, source.subarray(offset, offset + length));
          return memory.write(address, source, offset, length);
        },
      }),
    readRegister: (offset) => board.readRegister(offset),
    writeRegister: (offset, value) => {
      packet(BOARD_PACKET.write, offset, value);
      board.writeRegister(offset, value);
    },
    close: () => board.close(),
  };
  const host = new Host(tapped, clock);
  play(host, clock);
  const lost = board.readRegister(R.lost);
  recorder.close();
  return { trace: openTraceBytes(sink.bytes()), host, lost };
}

const steady = (host: Host, clock: VirtualClock): void => {
  clock.advanceTo(1_000_000);
  host.start(1, DMA);
  clock.advanceTo(50_000_000);
};

function replaying(trace: TraceFile, block = BLOCK) {
  const clock = new VirtualClock();
  const board = createReplayedBoard(trace, { clock });
  return { clock, board, host: new Host(board, clock, block) };
}

const { trace: anything } = recording(steady);
testBoardPort('replayed RV-DAQ16', () => ({
  port: createReplayedBoard(anything, { clock: new VirtualClock() }),
  scratchOffset: R.divisor,
}));

describe('replayed RV-DAQ16', () => {
  it('gives a like host every block at the recorded instants, by the same interrupts', () => {
    const { trace, host } = recording(steady);
    const { clock, host: again, board } = replaying(trace);
    clock.advanceTo(1_000_000);
    again.start(1, DMA);
    clock.advanceTo(50_000_000);
    expect(again.blocks).to.have.length.above(15).and.to.deep.equal(host.blocks);
    expect(again.rises).to.equal(host.rises);
    expect(board.ended).to.equal(true);
  });

  it('moves all times with the RUN of its host', () => {
    const { trace, host } = recording(steady);
    const { clock, host: again } = replaying(trace);
    clock.advanceTo(7_000_123);
    again.start(9, DMA);
    clock.advanceTo(56_000_123);
    const moved = host.blocks.map(([at, first, bytes, ns, sum]) => [at + 6_000_123, first, bytes, ns + 6_000_123, sum]);
    expect(again.blocks).to.deep.equal(moved);
  });

  it('plays every run of a recording, one after the other, and tells a host that begins one more', () => {
    const { trace, host } = recording((recorded, clock) => {
      recorded.start(1, DMA);
      clock.advanceTo(20_000_000);
      recorded.board.writeRegister(R.run, 0);
      clock.advanceTo(30_000_000);
      recorded.start(1, DMA | DAQ_MODE.counter, 50);
      clock.advanceTo(40_000_000);
    });
    const { clock, host: again, board } = replaying(trace);
    again.start(1, DMA);
    clock.advanceTo(20_000_000);
    board.writeRegister(R.run, 0);
    clock.advanceTo(30_000_000);
    again.start(1, DMA | DAQ_MODE.counter, 50);
    clock.advanceTo(40_000_000);
    expect(again.blocks).to.have.length.above(10).and.to.deep.equal(host.blocks);
    again.start(3, DMA);
    expect(again.ended?.code).to.equal('HAL_DIVERGED');
  });

  it('shows the losses of the recording: short blocks, LOST and the status bit', () => {
    const { trace, host, lost } = recording(
      (recorded, clock) => {
        recorded.start(1, DMA);
        clock.advanceTo(10_000_000);
        recorded.takes = false;
        clock.advanceTo(60_000_000);
        recorded.takes = true;
        recorded.take();
        clock.advanceTo(90_000_000);
      },
      { fifoSamples: 256 },
    );
    const { clock, host: again, board } = replaying(trace);
    again.start(1, DMA);
    clock.advanceTo(90_000_000);
    expect(lost).to.be.above(100);
    expect(again.blocks.map(([, first, bytes, , sum]) => [first, bytes, sum])).to.deep.equal(
      host.blocks.map(([, first, bytes, , sum]) => [first, bytes, sum]),
    );
    expect(again.blocks.some(([, , bytes]) => bytes < BLOCK)).to.equal(true);
    expect(board.readRegister(R.lost)).to.equal(lost);
    expect(board.readRegister(R.status) & DAQ_STATUS.overrun).to.equal(DAQ_STATUS.overrun);
  });

  it('keeps blocks for a host that is slower than the recorded one', () => {
    const { trace, host } = recording(steady);
    const { clock, host: again, board } = replaying(trace);
    again.takes = false;
    again.start(1, DMA);
    clock.advanceTo(100_000_000);
    expect(board.readRegister(R.head)).to.equal(RING);
    again.takes = true;
    for (let ms = 101; ms <= 103; ms++) {
      again.take();
      clock.advanceTo(ms * 1_000_000);
    }
    // The recorded host had not taken the last block yet.
    expect(again.blocks).to.have.length(host.blocks.length + 1);
    expect(again.blocks.slice(0, -1).map(([, first, , , sum]) => [first, sum])).to.deep.equal(
      host.blocks.map(([, first, , , sum]) => [first, sum]),
    );
    expect(board.readRegister(R.lost)).to.equal(0);
  });

  const others: [string, number, number, number, string, RegExp][] = [
    ['another rate', DMA, 200, BLOCK, 'HAL_DIVERGED', /DIVISOR 200, recorded 100/],
    ['counted samples', DMA | DAQ_MODE.counter, 100, BLOCK, 'HAL_DIVERGED', /MODE 7, recorded 5/],
    ['shorter blocks', DMA, 100, BLOCK / 2, 'HAL_DIVERGED', /a block of 512 bytes/],
    ['longer blocks', DMA, 100, 2 * BLOCK, 'HAL_DIVERGED', /blocks of 2048 bytes, longer/],
    ['programmed mode', 0, 100, BLOCK, 'HAL_UNSUPPORTED', /programmed mode/],
  ];
  for (const [what, mode, divisor, block, code, sentence] of others)
    it(`ends once, with one sentence, for a host that wants ${what}`, () => {
      const { trace } = recording(steady);
      const { clock, host: other, board } = replaying(trace, block);
      let ends = 0;
      other.disconnected = (error) => {
        ends++;
        other.ended = error;
      };
      other.start(1, mode, divisor);
      clock.advanceTo(50_000_000);
      board.writeRegister(R.run, 2);
      expect([ends, other.ended?.code]).to.deep.equal([1, code]);
      expect(other.ended?.message).to.match(sentence);
      expect(board.readRegister(R.id)).to.equal(0xffff_ffff);
    });

  it('stops its ring at memory that is refused, with the line high', () => {
    const { trace } = recording(steady);
    const { clock, host: other, board } = replaying(trace);
    other.start(1, DMA);
    other.view.setUint32(DESCRIPTOR_BYTES + DESCRIPTOR.addressHigh, 0x12, true);
    other.takes = false;
    clock.advanceTo(50_000_000);
    expect([R.head, R.dmaErrors].map((offset) => board.readRegister(offset))).to.deep.equal([1, 1]);
    expect([other.level, other.refused]).to.deep.equal([true, 1]);
  });

  it('refuses a trace that holds no board', () => {
    const sink = new MemorySink();
    new TraceRecorder({ to: sink, clock: new VirtualClock() }).close();
    expect(() => createReplayedBoard(openTraceBytes(sink.bytes()), { clock: new VirtualClock() }))
      .to.throw()
      .with.property('code', 'HAL_NOT_FOUND');
  });

  it('ends with HAL_TRACE at a DMA of which the recording holds a part', () => {
    const sink = new MemorySink();
    const clock = new VirtualClock();
    const recorder = new TraceRecorder({ to: sink, clock });
    const channel = recorder.addUpper('board test', 'data');
    const put = (...words: number[]): void => {
      channel.data(new Uint8Array(Uint32Array.from(words).buffer), 0, 4 * words.length, clock.now());
    };
    const configured: [number, number][] = [
      [R.mode, DMA],
      [R.divisor, 100],
      [R.channelMask, 3],
      [R.ringSize, RING],
      [R.run, 1],
    ];
    for (const [offset, value] of configured) put(BOARD_PACKET.write, offset, value);
    put(BOARD_PACKET.dma, DATA, 1000, 0, 0);
    recorder.close();
    const { host } = replaying(openTraceBytes(sink.bytes()));
    host.start(1, DMA);
    expect(host.ended?.code).to.equal('HAL_TRACE');
  });
});
