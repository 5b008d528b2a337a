import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { BOARD } from '../boot/board-map.js';
import { boardAcquisition } from '../machine/acquisition.js';
import { ENGINE_NAMES, type EngineName } from '../machine/create-vcpu.js';
import type { BoardAcquisitionKind } from '../machine/machine-config.js';
import { program } from '../machine/test-support.js';
import { ScriptedBoard } from './scripted-board.js';
import { shippedGuest, ThreadedGuest } from './thread-test-kit.js';

const KINDS: readonly BoardAcquisitionKind[] = ['board-registers', 'board-window'];
/** Channel of the logger's blocks; where a block's first scan and its gaps stand behind the record's header. */
const BLOCKS = 0;
const HEADER_BYTES = 24;
const GAPS = 26;
const SCANS = 50;

/** First scan and gaps of each block that was reported. */
function blocksOf(guest: ThreadedGuest): [number, number][] {
  return guest.reports
    .filter((record) => record[0] === BLOCKS)
    .map((record) => {
      const view = new DataView(record.buffer, record.byteOffset + HEADER_BYTES);
      return [view.getUint32(4, true), view.getUint16(GAPS, true)];
    });
}

async function logged(kind: BoardAcquisitionKind, engine: EngineName, blocks: number, seed: string) {
  const guest = new ThreadedGuest({
    ...{ image: shippedGuest('board-logger'), engine, kind, reportRing: kind === 'board-window' },
    bootargs: `source=counter descriptors=4 scans=${SCANS} blocks=${blocks}`,
  });
  const port = boardAcquisition(guest.thread);
  const random = createRandom(seed);
  const board = new ScriptedBoard(port.frontend, random.fork('inside'));
  port.initialise();
  await guest.thread.ready();
  guest.thread.run();
  await guest.until(() => {
    if (random.below(3) === 0) board.work();
    port.flush();
    return guest.thread.end !== undefined;
  }, 'the end of the guest');
  const end = await guest.seal();
  return { guest, port, board, end };
}

describe('a guest in a thread of its own, with a board in another', function () {
  this.timeout(60_000);

  for (const kind of KINDS) {
    for (const engine of ENGINE_NAMES) {
      it(`takes every block of a board by ${kind} with the ${engine}, and replays exactly on both engines`, async () => {
        const { guest, port, board } = await logged(kind, engine, 200, `board ${engine}`);
        expect(guest.thread.end?.kind, guest.console).to.equal('pass');
        expect(blocksOf(guest)).to.deep.equal(Array.from({ length: 200 }, (_, i) => [i * SCANS, 0]));
        expect([board.stale, port.fault]).to.deep.equal([0, '']);
        const exits = guest.thread.exits.of('acquisition');
        if (kind === 'board-window') expect(exits).to.equal(0);
        else {
          expect(exits).to.be.above(200);
          expect(board.inside, 'blocks made inside an access').to.be.above(20);
        }
        for (const other of ENGINE_NAMES) {
          const { divergence, identical } = guest.replay(other);
          expect(divergence?.sentence, other).to.equal(undefined);
          expect(identical, other).to.equal(true);
        }
      });
    }
  }

  it('carries no control word to the board before the page shows what the board holds', async () => {
    const image = shippedGuest('board-logger');
    const guest = new ThreadedGuest({ image, engine: 'interpreter', kind: 'board-window', reportRing: true });
    const port = boardAcquisition(guest.thread);
    const written: number[] = [];
    port.frontend.attach({ readRegister: (offset) => offset + 1, writeRegister: (offset) => written.push(offset) });
    // The vCPU's thread has not started, so that the page still holds nothing.
    port.initialise();
    guest.thread.poll();
    await guest.thread.ready();
    guest.thread.poll();
    expect(written).to.deep.equal([]);
    await guest.thread.kill();
  });

  it('loses and reorders nothing of a guest that floods its registers, and replays what it did', async () => {
    const image = program(`
      li s1, ${BOARD.acquisitionBoard.base}
    again:
      addi s2, s2, 1
      sw s2, 0x44(s1)
      j again`);
    const instructions = 300_000;
    const guest = new ThreadedGuest({ image, engine: 'translator', kind: 'board-registers', instructions });
    let written = 0;
    boardAcquisition(guest.thread).frontend.attach({
      readRegister: () => 0,
      writeRegister: (offset, value) => {
        if (value !== ++written) expect.fail(`${value} was written to ${offset} in the place of ${written}`);
      },
    });
    await guest.thread.ready();
    guest.thread.run();
    await guest.until(() => guest.thread.end !== undefined, 'the limit of instructions');
    await guest.seal();
    expect(written)
      .to.equal(guest.thread.exits.of('acquisition'))
      .and.to.be.above(instructions / 3 - 10);
    for (const engine of ENGINE_NAMES) expect(guest.replay(engine).identical, engine).to.equal(true);
  });

  it('is killed while it waits for a register', async () => {
    const image = shippedGuest('board-logger');
    const guest = new ThreadedGuest({ image, engine: 'interpreter', kind: 'board-registers' });
    let killed: Promise<void> | undefined;
    boardAcquisition(guest.thread).frontend.attach({
      readRegister: () => {
        killed ??= guest.thread.kill();
        return 0;
      },
      writeRegister: () => {},
    });
    await guest.thread.ready();
    guest.thread.run();
    await guest.until(() => killed !== undefined, 'a read of a register');
    await killed;
    expect([guest.thread.lost, guest.thread.end]).to.deep.equal([undefined, undefined]);
  });
});
