/** Tests of isolation in virtual time: whatever a neighbour does, a guest that takes nothing from it runs as beside an idle one. */

import { expect } from 'chai';
import { NIGHTLY } from '../../devices/fuzz/fuzz-kit.js';
import { guestImage, neighbours } from './neighbours-bench.js';

const MISBEHAVIOURS = NIGHTLY ? 10_000 : 150;
const RUN_NS = 20e6;
const SAMPLER = 'rate=10000 block=16 counters=5';

describe('a neighbour that misbehaves', function () {
  this.timeout(3_600_000);
  const sampler = guestImage('rt-sampler');
  const load = guestImage('gp-load');

  const beside = (accept: number, neighbour: string) => {
    const bench = neighbours(
      { image: sampler, bootargs: `${SAMPLER} accept=${accept}` },
      { image: load, bootargs: neighbour },
      'interpreter',
    );
    bench.runTo(RUN_NS);
    return bench;
  };

  it(`leaves reports, memory, registers and instructions of its neighbour alone, to the bit, in ${MISBEHAVIOURS} seeds`, () => {
    const undisturbed = beside(0, 'mode=idle');
    const expected = undisturbed.victim.digest();
    expect(undisturbed.reports.length).to.be.greaterThan(10);
    // One that listens does differ: what is compared would show a difference.
    expect(beside(1, 'mode=flood').victim.digest().ramDigest).not.to.equal(
      beside(1, 'mode=idle').victim.digest().ramDigest,
    );
    let faults = 0;
    let ended = 0;
    for (let seed = 1; seed <= MISBEHAVIOURS; seed++) {
      const { victim, neighbour, reports } = beside(0, `mode=crash within=2 seed=${seed}`);
      expect(victim.digest(), `seed ${seed}`).to.deep.equal(expected);
      expect(Buffer.concat(reports).equals(Buffer.concat(undisturbed.reports)), `reports, seed ${seed}`).to.equal(true);
      if (neighbour.sharedMemory?.device.fault !== '') faults++;
      if (neighbour.end !== undefined) ended++;
    }
    expect(faults, 'neighbours whose doorbells were refused').to.be.greaterThan(MISBEHAVIOURS / 20);
    expect(ended, 'neighbours that ended').to.be.greaterThan(MISBEHAVIOURS / 10);
  });

  it('leaves the samples of a neighbour that listens to it alone, in a tenth of the seeds', () => {
    const blocks = (reports: readonly Uint8Array[]): string =>
      reports
        .filter((record) => record[0] === 0)
        .map((record) => Buffer.from(record.subarray(24)).toString('hex'))
        .join('\n');
    const expected = blocks(beside(1, 'mode=idle').reports);
    for (let seed = 1; seed <= MISBEHAVIOURS / 10; seed++)
      expect(blocks(beside(1, `mode=crash within=2 seed=${seed}`).reports), `seed ${seed}`).to.equal(expected);
  });
});
