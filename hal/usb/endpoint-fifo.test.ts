/** Tests of the FIFO behind a simulated endpoint. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { EndpointFifo } from './endpoint-fifo.js';

describe('the FIFO of an endpoint', () => {
  it('loses what finds no room, counts it and keeps what was there', () => {
    const fifo = new EndpointFifo(3);
    expect([1, 2, 3, 4, 5].map((byte) => fifo.push(byte))).to.deep.equal([true, true, true, false, false]);
    expect([fifo.length, fifo.room, fifo.overrun]).to.deep.equal([3, 0, 2]);
    const target = new Uint8Array(5);
    expect(fifo.read(target, 1, 4)).to.equal(3);
    expect([...target]).to.deep.equal([0, 1, 2, 3, 0]);
    fifo.clear();
    expect(fifo.overrun).to.equal(0);
  });

  it('gives bytes back in order, however it is filled and emptied', () => {
    const random = createRandom('endpoint fifo');
    const fifo = new EndpointFifo(37);
    const target = new Uint8Array(64);
    const model: number[] = [];
    let lost = 0;
    for (let round = 0; round < 3000; round++) {
      for (let n = random.below(20); n > 0; n--) {
        const byte = random.below(256);
        if (model.length < 37) model.push(byte);
        else lost++;
        fifo.push(byte);
      }
      const count = fifo.read(target, 0, random.below(24));
      if (count > 0) expect([...target.subarray(0, count)]).to.deep.equal(model.splice(0, count));
    }
    expect([fifo.length, fifo.overrun]).to.deep.equal([model.length, lost]);
    expect(lost).to.be.greaterThan(0);
  });
});
