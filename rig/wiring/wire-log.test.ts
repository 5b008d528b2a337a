import { expect } from 'chai';
import { LINE_STATUS } from '../../hal/index.js';
import { WireLog } from './wire-log.js';

describe('WireLog', () => {
  it('keeps the arrival of every character beyond its first capacity', () => {
    const wire = new WireLog(() => 1);
    const count = 200_000;
    for (let i = 0; i < count; i++) wire.received(i & 0xff, 0, 10 * i);
    expect(wire.arrivalNs).to.have.length(count);
    expect(wire.arrivalNs[0]).to.equal(0);
    expect(wire.arrivalNs[count - 1]).to.equal(10 * (count - 1));
  });

  it('finds the packet of a character', () => {
    let id = 0;
    const wire = new WireLog(() => id);
    for (const [packet, characters] of [
      [7, 3],
      [9, 1],
      [12, 5],
    ]) {
      id = packet;
      for (let i = 0; i < characters; i++) wire.received(0x24, 0, 0);
    }
    expect([0, 2, 3, 4, 8].map((index) => wire.packetOf(index))).to.deep.equal([7, 7, 9, 12, 12]);
    expect(new WireLog(() => 1).packetOf(0)).to.equal(0);
  });

  it('counts what the line complained of', () => {
    const wire = new WireLog(() => 1);
    wire.received(0, LINE_STATUS.overrun | LINE_STATUS.framing, 0);
    wire.received(0, LINE_STATUS.parity, 0);
    wire.received(0, LINE_STATUS.break, 0);
    const { overruns, parityErrors, framingErrors, breaks, receivedCount } = wire;
    expect({ overruns, parityErrors, framingErrors, breaks, receivedCount }).to.deep.equal({
      overruns: 1,
      parityErrors: 1,
      framingErrors: 1,
      breaks: 1,
      receivedCount: 3,
    });
  });
});
