/** Tests of a simulated RV-DAQ16 behind both frontends, driven by a script in place of a guest. */

import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import { CONTROL_WORDS, createDaqBoard, DAQ_MODE, DAQ_REGISTER, type HalError, STATUS_WORDS } from '../../hal/index.js';
import { type BoardBackend, type BoardFrontend, BoardMmio, BoardWindow, type GuestRam } from '../../vmm/index.js';
import { joinBoard } from './board-path.js';

const R = DAQ_REGISTER;
const BASE = 0x8000_0000;
const PAGE = BASE;
const RING = BASE + 0x1000;
const DATA = BASE + 0x2000;
const DESCRIPTORS = 8;
const BLOCK = 2048;
const SAMPLES = 1_000_000;

class PlainRam implements GuestRam {
  readonly bytes = new Uint8Array(0x2000 + DESCRIPTORS * BLOCK);
  readonly #view = new DataView(this.bytes.buffer);

  contains(gpa: number, length: number): boolean {
    return gpa >= BASE && gpa + length <= BASE + this.bytes.length;
  }

  read(gpa: number, target: Uint8Array, offset: number, length: number): void {
    target.set(this.bytes.subarray(gpa - BASE, gpa - BASE + length), offset);
  }

  write(gpa: number, source: Uint8Array, offset: number, length: number): void {
    this.bytes.set(source.subarray(offset, offset + length), gpa - BASE);
  }

  readU16(gpa: number): number {
    return this.#view.getUint16(gpa - BASE, true);
  }

  readU32(gpa: number): number {
    return this.#view.getUint32(gpa - BASE, true);
  }

  writeU16(gpa: number, value: number): void {
    this.#view.setUint16(gpa - BASE, value, true);
  }

  writeU32(gpa: number, value: number): void {
    this.#view.setUint32(gpa - BASE, value, true);
  }
}

/** Reads and writes registers as a guest's driver does, whichever way it reaches them. */
interface Registers {
  read(offset: number): number;
  write(offset: number, value: number): void;
}

/** The driver's loop body: counts samples that are not the next ones, gives the blocks back. */
class ScriptedDriver {
  taken = 0;
  wrong = 0;
  readonly #ram: PlainRam;
  readonly #registers: Registers;

  constructor(ram: PlainRam, registers: Registers) {
    this.#ram = ram;
    this.#registers = registers;
  }

  start(): void {
    for (let i = 0; i < DESCRIPTORS; i++) {
      this.#ram.writeU32(RING + 32 * i, DATA + BLOCK * i);
      this.#ram.writeU32(RING + 32 * i + 8, BLOCK);
    }
    const { write } = this.#registers;
    write(R.mode, DAQ_MODE.dma | DAQ_MODE.counter | DAQ_MODE.interrupt);
    write(R.divisor, 100);
    write(R.channelMask, 1);
    write(R.ringLow, RING);
    write(R.ringSize, DESCRIPTORS);
    write(R.coalesceCount, 1);
    write(R.tail, DESCRIPTORS);
    write(R.run, 1);
  }

  service(): void {
    const head = this.#registers.read(R.head);
    for (; this.taken !== head; this.taken++) {
      const block = DATA + BLOCK * (this.taken % DESCRIPTORS);
      for (let i = 0; i < BLOCK / 2; i++) {
        if (this.#ram.readU16(block + 2 * i) !== (((this.taken * BLOCK) / 2 + i) & 0xffff)) this.wrong++;
      }
    }
    this.#registers.write(R.tail, this.taken + DESCRIPTORS);
    this.#registers.write(R.acknowledge, this.taken);
  }
}

const unexpected = (error: Error): void => {
  throw error;
};

describe('board path', () => {
  it('brings a million samples at 100 kS/s through a polled page with nothing lost and no register trapped', () => {
    const clock = new VirtualClock();
    const ram = new PlainRam();
    const board = createDaqBoard({ clock });
    let rings = 0;
    const window = new BoardWindow({
      ram,
      base: PAGE,
      layout: { bytes: 4096, control: CONTROL_WORDS, status: STATUS_WORDS },
      doorbell: () => rings++,
    });
    joinBoard(board, window, unexpected);
    window.initialise();
    const driver = new ScriptedDriver(ram, {
      read: (offset) => ram.readU32(PAGE + offset),
      write: (offset, value) => ram.writeU32(PAGE + offset, value),
    });
    driver.start();
    for (let served = 0; driver.taken * (BLOCK / 2) < SAMPLES; ) {
      clock.advanceTo(clock.now() + 1_000_000);
      window.poll();
      if (rings > served) {
        served = rings;
        driver.service();
      }
      expect(clock.now()).to.be.below(11e9);
    }
    expect(driver.wrong).to.equal(0);
    expect(board.lost).to.equal(0);
    expect(rings).to.equal(driver.taken);
  });

  it('brings the same samples through trapped registers, with accesses that are counted', () => {
    const clock = new VirtualClock();
    const ram = new PlainRam();
    const board = createDaqBoard({ clock });
    let level = false;
    let accesses = 0;
    const mmio = new BoardMmio({ ram, line: { set: (to) => (level = to) } });
    joinBoard(board, mmio, unexpected);
    const driver = new ScriptedDriver(ram, {
      read: (offset) => {
        accesses++;
        return mmio.read(offset, 4);
      },
      write: (offset, value) => {
        accesses++;
        mmio.write(offset, 4, value);
      },
    });
    driver.start();
    while (driver.taken < 100) {
      clock.advanceTo(clock.now() + 1_000_000);
      if (level) driver.service();
      expect(clock.now()).to.be.below(2e9);
    }
    expect([driver.wrong, board.lost]).to.deep.equal([0, 0]);
    expect(accesses).to.equal(8 + 3 * 100);
  });

  it('ends with a timeout when a guest in another thread was not answered', () => {
    let backend: BoardBackend | undefined;
    const frontend: BoardFrontend = {
      attach: (to) => {
        backend = to;
      },
      interrupt: () => {},
      dmaRead: () => false,
      dmaWrite: () => false,
    };
    const ends: HalError[] = [];
    joinBoard(createDaqBoard({ clock: new VirtualClock() }), frontend, (error) => ends.push(error));
    backend?.overdue?.(R.head);
    expect(ends.map(({ code, message }) => [code, message])).to.deep.equal([
      ['HAL_TIMEOUT', 'The thread that owns sim:rv-daq16 did not answer a guest that read register 0x0bc within 5 s.'],
    ]);
  });
});
