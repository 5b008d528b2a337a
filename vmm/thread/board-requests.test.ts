import { expect } from 'chai';
import type { BoardFrontend } from '../devices/board-seam.js';
import type { BoardAcquisition } from '../machine/acquisition.js';
import { BoardRequests } from './board-requests.js';
import { SharedRing } from './shared-ring.js';
import { CONTROL, createThreadMemory, ORDER, OUTBOUND, OUTBOUND_WORDS } from './thread-protocol.js';
import { VcpuOutbox } from './vcpu-outbox.js';

const ALL_ONES = 0xffff_ffff;

/** Accesses whose other side is the test: `letIn` is asked for what has come, with the time that has passed. */
function setUp(letIn: (requests: BoardRequests) => void, stepNs = 1000) {
  const memory = createThreadMemory();
  const control = new Int32Array(memory.control);
  const ring = new SharedRing(memory.outbound, OUTBOUND_WORDS);
  const lines: boolean[] = [];
  let nowNs = 0;
  const now = (): number => {
    nowNs += stepNs;
    return nowNs;
  };
  const frontend: BoardFrontend = {
    attach: () => {},
    interrupt: (level) => lines.push(level),
    dmaRead: () => false,
    dmaWrite: () => false,
  };
  const acquisition: BoardAcquisition = {
    ...{ kind: 'board-registers', frontend, fault: '' },
    initialise: () => {},
    flush: () => {},
    poll: () => 0,
  };
  const outbox = new VcpuOutbox(memory, now, () => {});
  const requests = new BoardRequests(acquisition, {
    ...{ outbox, control, now, spinNs: 1e12 },
    letIn: () => letIn(requests),
  });
  /** Kind and words of all that was sent, stamps aside. */
  const sent = (): number[][] => {
    const records: number[][] = [];
    outbox.commit();
    for (let at = ring.next(); at >= 0; at = ring.next()) {
      if (ring.kindAt(at) !== OUTBOUND.departure)
        records.push([ring.kindAt(at), ...ring.words.subarray(at + 1, at + ring.sizeAt(at))]);
      ring.release(at);
    }
    return records;
  };
  return { requests, control, lines, sent };
}

describe('BoardRequests', () => {
  it('posts writes in front of the read that follows them, and answers it with an unsigned value', () => {
    const { requests, sent, lines } = setUp((board) => {
      board.line(true);
      board.line(false);
      board.answered(1, -2);
    });
    requests.writeRegister(0x40, 7);
    requests.writeRegister(0x44, 8);
    expect(requests.readRegister(0xbc)).to.equal(0xffff_fffe);
    expect(sent()).to.deep.equal([
      [OUTBOUND.boardWrite, 0x40, 7],
      [OUTBOUND.boardWrite, 0x44, 8],
      [OUTBOUND.boardRead, 1, 0xbc],
    ]);
    expect(lines).to.deep.equal([true, false]);
  });

  it('reads all ones and says so when a board has not answered for a second, and takes no late answer for another', () => {
    let late = false;
    const { requests, sent } = setUp((board) => {
      if (late) board.answered(1, 0x1234);
    }, 2e8);
    expect(requests.readRegister(0xbc)).to.equal(ALL_ONES);
    late = true;
    expect(requests.readRegister(0x80)).to.equal(ALL_ONES);
    expect(sent()).to.deep.equal([
      [OUTBOUND.boardRead, 1, 0xbc],
      [OUTBOUND.boardOverdue, 0xbc],
      [OUTBOUND.boardRead, 2, 0x80],
      [OUTBOUND.boardOverdue, 0x80],
    ]);
  });

  it('waits no longer when the run is to end', () => {
    const { requests, control, sent } = setUp(() => {});
    Atomics.store(control, CONTROL.order, ORDER.seal);
    expect(requests.readRegister(0xbc)).to.equal(ALL_ONES);
    expect(sent().map(([kind]) => kind)).to.deep.equal([OUTBOUND.boardRead]);
  });
});
