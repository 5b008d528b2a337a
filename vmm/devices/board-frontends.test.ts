/** Tests of both frontends of a board on a memory bus, with a scripted board behind them. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { BoardMmio } from './board-mmio.js';
import type { BoardBackend } from './board-seam.js';
import { BoardWindow } from './board-window.js';
import { CheckedRam, randomAccess, TestLine } from './device-test-kit.js';

const BASE = 0x8000_0000;
const PAGE = BASE + 0x1000;
const LAYOUT = { bytes: 4096, control: { first: 0x40, end: 0x80 }, status: { first: 0x80, end: 0xc0 } };
const RUN = 0x7c;
const HEAD = 0xbc;

/** Keeps registers and the order in which they were written. */
class KeptRegisters implements BoardBackend {
  readonly words = new Uint32Array(1024);
  readonly written: [number, number][] = [];

  readRegister(offset: number): number {
    return this.words[offset / 4];
  }

  writeRegister(offset: number, value: number): void {
    this.words[offset / 4] = value;
    this.written.push([offset, value]);
  }
}

describe('board by memory-mapped registers', () => {
  function hosted() {
    const line = new TestLine();
    const ram = new CheckedRam(BASE, 0x1000);
    const board = new BoardMmio({ ram, line });
    const backend = new KeptRegisters();
    board.attach(backend);
    return { line, ram, board, backend };
  }

  it('passes aligned accesses of 32 bits to the board and refuses all others', () => {
    const { board, backend } = hosted();
    board.write(0x40, 4, 7);
    board.write(0x42, 4, 9);
    board.write(0x44, 1, 9);
    expect(backend.written).to.deep.equal([[0x40, 7]]);
    expect([board.read(0x40, 4), board.read(0x42, 4), board.read(0x40, 2)]).to.deep.equal([
      7, 0xffff_ffff, 0xffff_ffff,
    ]);
  });

  it('lets the board master RAM alone and touches nothing otherwise', () => {
    const { board, ram } = hosted();
    const bytes = Uint8Array.of(1, 2, 3, 4);
    expect(board.dmaWrite(BASE + 0xffc, bytes, 0, 4)).to.equal(true);
    for (const address of [BASE + 0xffd, BASE - 1, 0, 2 ** 40]) {
      expect(board.dmaWrite(address, bytes, 0, 4)).to.equal(false);
      expect(board.dmaRead(address, bytes, 0, 4)).to.equal(false);
    }
    expect([...ram.peek(BASE + 0xffc, 4)]).to.deep.equal([1, 2, 3, 4]);
    expect(ram.writes).to.equal(1);
  });

  it('drives its line by the level of the board', () => {
    const { board, line } = hosted();
    board.interrupt(true);
    board.interrupt(true);
    expect([line.level, line.rises]).to.deep.equal([true, 1]);
    board.interrupt(false);
    expect(line.level).to.equal(false);
  });

  it('answers 20,000 random accesses with unsigned 32-bit values', () => {
    const random = createRandom('hostile-board-guest');
    const { board } = hosted();
    for (let i = 0; i < 20_000; i++) randomAccess(random, board, 4096, [0x40, RUN, HEAD]);
  });
});

describe('board by a window in guest RAM', () => {
  function partitioned() {
    const ram = new CheckedRam(BASE, 0x2000);
    const backend = new KeptRegisters();
    let rings = 0;
    const window = new BoardWindow({ ram, base: PAGE, layout: LAYOUT, doorbell: () => rings++ });
    backend.words[0] = 0x1234_5678;
    window.attach(backend);
    window.initialise();
    return { ram, backend, window, rings: () => rings };
  }

  it('refuses a page that is not RAM as a whole', () => {
    const ram = new CheckedRam(BASE, 0x1000);
    expect(() => new BoardWindow({ ram, base: BASE + 64, layout: LAYOUT, doorbell: () => {} }))
      .to.throw()
      .with.property('code', 'VMM_CONFIG');
  });

  it('shows the board in the page before the guest boots', () => {
    const { ram } = partitioned();
    expect(ram.readU32(PAGE)).to.equal(0x1234_5678);
  });

  it('carries changed control words in ascending order, each once', () => {
    const { ram, backend, window } = partitioned();
    ram.pokeU32(PAGE + RUN, 1);
    ram.pokeU32(PAGE + 0x44, 100);
    expect(window.poll()).to.equal(2);
    expect(window.poll()).to.equal(0);
    expect(backend.written).to.deep.equal([
      [0x44, 100],
      [RUN, 1],
    ]);
  });

  it('reads the word that publishes before those that it publishes, so that a guest in another thread is never half seen', () => {
    const { ram, backend, window } = partitioned();
    const readU32 = ram.readU32.bind(ram);
    let reads = 0;
    // The guest configures and starts in the middle of the poll, in its own order.
    ram.readU32 = (gpa) => {
      if (++reads === 8) {
        ram.pokeU32(PAGE + 0x44, 100);
        ram.pokeU32(PAGE + RUN, 1);
      }
      return readU32(gpa);
    };
    window.poll();
    expect(backend.written.map(([offset]) => offset)).to.not.include(RUN);
    window.poll();
    expect(backend.written).to.deep.equal([
      [0x44, 100],
      [RUN, 1],
    ]);
  });

  it('writes changed status words, the head last, and rings once behind them', () => {
    const { ram, backend, window, rings } = partitioned();
    const before = ram.writes;
    backend.words[HEAD / 4] = 3;
    backend.words[0x84 / 4] = 50;
    const order: number[] = [];
    const writeU32 = ram.writeU32.bind(ram);
    ram.writeU32 = (gpa, value) => {
      order.push(gpa - PAGE);
      writeU32(gpa, value);
    };
    window.interrupt(true);
    expect(rings()).to.equal(0);
    window.flush();
    window.flush();
    expect(order).to.deep.equal([0x84, HEAD]);
    expect(ram.writes - before).to.equal(2);
    expect(rings()).to.equal(1);
  });

  it('rings again for a new head while the line stays high, and no more when it has fallen', () => {
    const { backend, window, rings } = partitioned();
    window.interrupt(true);
    window.flush();
    backend.words[HEAD / 4] = 1;
    window.flush();
    expect(rings()).to.equal(2);
    window.interrupt(false);
    backend.words[HEAD / 4] = 2;
    window.flush();
    expect(rings()).to.equal(2);
  });

  it('keeps the board out of what is not RAM', () => {
    const { window } = partitioned();
    expect(window.dmaWrite(0x10, new Uint8Array(4), 0, 4)).to.equal(false);
    expect(window.dmaRead(BASE + 0x1fff, new Uint8Array(4), 0, 2)).to.equal(false);
  });
});
