import { expect } from 'chai';
import { RigError } from '../errors.js';
import { checkClaims } from './claims.js';
import { ShareCounters } from './share-counters.js';

describe('checkClaims', () => {
  it('lets guests share a device when all of them share it', () => {
    checkClaims([
      { device: 'sim:gnss', owner: 'a', mode: 'shared' },
      { device: 'sim:gnss', owner: 'b', mode: 'shared' },
    ]);
  });

  for (const modes of [
    ['exclusive', 'exclusive'],
    ['exclusive', 'shared'],
    ['shared', 'exclusive'],
  ] as const) {
    it(`refuses a second claim (${modes.join(', then ')}) and names both owners`, () => {
      let caught: unknown;
      try {
        checkClaims([
          { device: 'sim:gnss', owner: 'cell-1', mode: modes[0] },
          { device: 'sim:gnss', owner: 'cell-2', mode: modes[1] },
        ]);
      } catch (error) {
        caught = error;
      }
      expect(caught).to.be.instanceOf(RigError);
      expect((caught as RigError).code).to.equal('RIG_DEVICE_CLAIMED');
      expect((caught as RigError).message)
        .to.contain('cell-2')
        .and.contain('cell-1')
        .and.contain('sim:gnss');
    });
  }
});

describe('ShareCounters', () => {
  it('finds a character on the wire behind the gaps before it', () => {
    const counters = new ShareCounters();
    expect(counters.wireIndex(4)).to.equal(4);
    counters.delivered = 10;
    counters.lose();
    counters.lose();
    counters.delivered = 20;
    counters.lose();
    expect(counters.wireIndex(9)).to.equal(9);
    expect(counters.wireIndex(10)).to.equal(12);
    expect(counters.wireIndex(19)).to.equal(21);
    expect(counters.wireIndex(20)).to.equal(23);
    expect(counters.lost).to.equal(3);
  });
});
