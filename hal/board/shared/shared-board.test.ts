/** Tests of a board in another process, reached through shared memory: integrity, both ends' death, hostile descriptors. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { createRandom, WallClock } from '../../../base/index.js';
import {
  DAQ_MODE,
  DAQ_REGISTER,
  DAQ_STATUS,
  DESCRIPTOR,
  DESCRIPTOR_BYTES,
} from '../../simulators/daq-board/registers.js';
import type { BoardPort } from '../board-port.js';
import { testBoardPort } from '../board-suite.js';
import { TestBoardHost } from '../test-board-host.js';
import { openSharedBoard } from './open-shared-board.js';
import { type SharedBoard, startSharedBoard } from './shared-board.js';

const R = DAQ_REGISTER;
const BASE = 0x8000_0000;
/** Blocks for more than a second: a host that is held up for so long on a busy machine loses nothing. */
const RING = 256;
const BLOCK = 2048;
const DATA = BASE + RING * DESCRIPTOR_BYTES;
const ENDS_MS = 20_000;
const NOT_HERE = process.platform === 'linux' ? '' : ' (pending: needs Linux)';

/** Resolves when `condition` holds; rejects after 20 s. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !condition(); waited += 2) {
    if (waited > ENDS_MS) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe(`board of another process${NOT_HERE}`, function () {
  this.timeout(60_000);
  let board: SharedBoard | undefined;
  let port: BoardPort | undefined;
  before(async function () {
    if (NOT_HERE !== '') return this.skip();
    board = await startSharedBoard({ origin: new WallClock().origin });
  });
  beforeEach(() => port?.close());
  after(async () => {
    port?.close();
    await board?.stop();
  });
  testBoardPort('shared RV-DAQ16', () => {
    port = openSharedBoard(board?.path ?? '');
    return { port, scratchOffset: R.divisor };
  });
});

describe(`shared board${NOT_HERE}`, function () {
  this.timeout(60_000);
  let shared: SharedBoard;
  const opened: BoardPort[] = [];
  const open = async (): Promise<BoardPort> => {
    for (const port of opened.splice(0)) port.close();
    // What is closed is let go behind this turn.
    await Promise.resolve();
    const port = openSharedBoard(shared.path);
    opened.push(port);
    return port;
  };
  before(async function () {
    if (NOT_HERE !== '') return this.skip();
    shared = await startSharedBoard({ origin: new WallClock().origin });
  });
  after(async () => {
    for (const port of opened) port.close();
    await shared?.stop();
  });

  /** A driver that takes blocks by interrupt and counts samples that are not the next ones. */
  const bench = (board: BoardPort) => {
    const host = new TestBoardHost(BASE, DATA - BASE + RING * BLOCK);
    board.attach(host, host);
    const state = { taken: 0, wrong: 0, samples: 0 };
    const field = (index: number, offset: number): number =>
      host.view.getUint32((index % RING) * DESCRIPTOR_BYTES + offset, true);
    const take = (): void => {
      if (field(state.taken, DESCRIPTOR.sequence) !== state.samples) state.wrong++;
      const count = field(state.taken, DESCRIPTOR.doneLength) / 2;
      for (let i = 0; i < count; i++) {
        const at = DATA - BASE + (state.taken % RING) * BLOCK + 2 * i;
        if (host.view.getUint16(at, true) !== ((state.samples + i) & 0xffff)) state.wrong++;
      }
      state.samples += count;
      state.taken++;
    };
    // As a level does: whoever leaves it high is called again.
    const serve = (): void => {
      do {
        const head = board.readRegister(R.head);
        if (head === state.taken) return;
        while (state.taken < head) take();
        board.writeRegister(R.tail, state.taken + RING);
        board.writeRegister(R.acknowledge, state.taken);
      } while (host.level);
    };
    const start = (run: number, divisor: number): void => {
      for (let i = 0; i < RING; i++) {
        host.view.setUint32(i * DESCRIPTOR_BYTES + DESCRIPTOR.addressLow, DATA + i * BLOCK, true);
        host.view.setUint32(i * DESCRIPTOR_BYTES + DESCRIPTOR.length, BLOCK, true);
      }
      Object.assign(state, { taken: 0, wrong: 0, samples: 0 });
      const values: [number, number][] = [
        [R.run, 0],
        [R.mode, DAQ_MODE.dma | DAQ_MODE.counter | DAQ_MODE.interrupt],
        [R.divisor, divisor],
        [R.channelMask, 1],
        [R.ringLow, BASE],
        [R.ringSize, RING],
        [R.coalesceCount, 1],
        [R.acknowledge, 0],
        [R.tail, RING],
        [R.run, run],
      ];
      for (const [offset, value] of values) board.writeRegister(offset, value);
    };
    return { host, state, serve, start, field };
  };

  it('brings 300,000 samples at 200 kS/s through its DMA ring by interrupts, with nothing lost', async () => {
    const board = await open();
    const { host, state, serve, start } = bench(board);
    host.onRise = serve;
    start(1, 50);
    await until(() => state.samples >= 300_000, 'the last sample');
    expect(state.wrong).to.equal(0);
    expect(board.readRegister(R.lost)).to.equal(0);
    expect(host.rises).to.be.at.least(10);
    expect(host.refused).to.equal(0);
  });

  it('counts a second run from 0 and shows nothing of the first in it', async () => {
    const board = await open();
    const { host, state, serve, start } = bench(board);
    host.onRise = serve;
    start(5, 100);
    await until(() => state.taken > 3, 'a block');
    start(6, 100);
    expect(board.readRegister(R.head)).to.equal(0);
    await until(() => state.taken > 3, 'a block of the second run');
    expect(state.wrong).to.equal(0);
    expect(board.readRegister(R.running)).to.equal(6);
  });

  it('begins a run of the number of the one before, however soon', async () => {
    const board = await open();
    const { host, state, serve, start } = bench(board);
    host.onRise = serve;
    for (let times = 0; times < 20; times++) {
      start(1, 100);
      expect(board.readRegister(R.head)).to.equal(0);
      await until(() => board.readRegister(R.running) === 1, 'the run');
    }
    await until(() => state.taken > 3, 'a block');
    expect([state.wrong, board.readRegister(R.dmaErrors)]).to.deep.equal([0, 0]);
    // The next host neither knows nor stops the run of this one.
    const next = bench(await open());
    next.host.onRise = next.serve;
    next.start(1, 100);
    await until(() => next.state.taken > 3, 'a block of the next host');
    expect(next.state.wrong).to.equal(0);
  });

  it('brings blocks to a host that polls HEAD and wants no interrupt', async () => {
    const board = await open();
    const { host, state, serve, start } = bench(board);
    start(1, 100);
    board.writeRegister(R.mode, DAQ_MODE.dma | DAQ_MODE.counter);
    await until(() => {
      serve();
      return state.taken >= 20;
    }, 'the twentieth block');
    expect([state.wrong, host.rises]).to.deep.equal([0, 0]);
  });

  it('stops at a block that the host’s memory refuses, says so by its line, and harms nothing', async () => {
    const board = await open();
    const { host, start } = bench(board);
    start(1, 100);
    // Too late for descriptors that were given: the next run has them.
    host.view.setUint32(DESCRIPTOR_BYTES + DESCRIPTOR.addressHigh, 0x12, true);
    board.writeRegister(R.acknowledge, 0);
    board.writeRegister(R.run, 2);
    await until(() => host.level && board.readRegister(R.dmaErrors) === 1, 'the error');
    expect(board.readRegister(R.head)).to.equal(1);
    expect(board.readRegister(R.status) & DAQ_STATUS.dmaError).to.equal(DAQ_STATUS.dmaError);
    expect(host.refused).to.equal(1);
  });

  it('stops at a descriptor without a length, when the board comes to it', async () => {
    const board = await open();
    const { host, state, serve, start } = bench(board);
    host.onRise = serve;
    start(1, 100);
    host.view.setUint32(2 * DESCRIPTOR_BYTES + DESCRIPTOR.length, 7, true);
    Object.assign(state, { taken: 0, samples: 0, wrong: 0 });
    board.writeRegister(R.run, 2);
    await until(() => board.readRegister(R.dmaErrors) === 1, 'the error');
    await until(() => host.level, 'its interrupt');
    expect([board.readRegister(R.head), state.wrong]).to.deep.equal([2, 0]);
  });

  it('is of one port at a time', async () => {
    await open();
    expect(() => openSharedBoard(shared.path))
      .to.throw()
      .with.property('code', 'HAL_IN_USE');
  });

  it('ends with one disconnection and all ones when its process is killed', async () => {
    const victim = await startSharedBoard({ origin: new WallClock().origin });
    const board = openSharedBoard(victim.path);
    const { host, state, serve, start } = bench(board);
    let ends = 0;
    host.disconnected = (error) => {
      ends++;
      host.ended = error;
    };
    host.onRise = serve;
    start(1, 50);
    await until(() => state.taken > 2, 'a block');
    process.kill(victim.pid, 'SIGKILL');
    await until(() => ends > 0, 'the disconnection');
    expect(host.ended).to.have.property('code', 'HAL_DISCONNECTED');
    expect([R.id, R.head, R.run].map((offset) => board.readRegister(offset))).to.deep.equal(Array(3).fill(0xffff_ffff));
    board.writeRegister(R.run, 3);
    await victim.stop();
    board.close();
    expect([ends, existsSync(victim.path)]).to.deep.equal([1, false]);
    expect(() => openSharedBoard(victim.path))
      .to.throw()
      .with.property('code', 'HAL_NOT_FOUND');
  });

  it('ends, with its files, when the process that started it is killed', async () => {
    const module = new URL('./shared-board.js', import.meta.url).href;
    const program = `import { startSharedBoard } from ${JSON.stringify(module)};
      const { path, pid } = await startSharedBoard({ origin: { unixNs: 0n, monotonicNs: 0n } });
      console.log(JSON.stringify({ path, pid }));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const started = JSON.parse(
      await new Promise<string>((resolve) => parent.stdout.once('data', (chunk) => resolve(String(chunk)))),
    );
    const isAlive = (): boolean => {
      try {
        process.kill(started.pid, 0);
        return true;
      } catch {
        return false;
      }
    };
    expect([isAlive(), existsSync(started.path)]).to.deep.equal([true, true]);
    parent.kill('SIGKILL');
    await until(() => !isAlive() && !existsSync(started.path), 'the end of the board');
  });

  it('harms nothing when its registers are written at random, and works for the next host', async () => {
    const random = createRandom('hostile-host-of-a-shared-board');
    const hostile = await open();
    const victim = new TestBoardHost(BASE, DATA - BASE + RING * BLOCK);
    hostile.attach(victim, victim);
    for (let i = 0; i < 20_000; i++) {
      const offset = random.below(4) === 0 ? random.below(5000) - 100 : 0x40 + 4 * random.below(32);
      const near = random.below(2) === 0 ? BASE + 32 * random.below(64) : random.below(16);
      if (random.below(3) > 0) hostile.writeRegister(offset, random.below(4) === 0 ? random.uint32() : near);
      else expect(hostile.readRegister(offset)).to.be.within(0, 0xffff_ffff);
      if (i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const board = await open();
    const { host, state, serve, start } = bench(board);
    host.onRise = serve;
    start(77, 100);
    await until(() => state.taken > 5, 'a block');
    expect([state.wrong, victim.ended, host.ended]).to.deep.equal([0, undefined, undefined]);
  });
});
