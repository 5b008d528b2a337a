/** Tests of counting and comparing blocks of scans. */

import { expect } from 'chai';
import type { GuestReport, ScanEvidence } from '../run/run-types.js';
import { compareBlocks, countBlocks, countStream, scansMissing } from './scan-blocks.js';

const SCAN: ScanEvidence = {
  startNs: 0,
  periodNs: 1000,
  channels: [0, 2],
  scans: 40,
  code: (channel, index) => (100 * index + channel) & 0xffff,
};

function block(firstScan: number, scans: number, change: Record<string, number> = {}, run = 1): GuestReport {
  let sum = 0;
  let sumOfSums = 0;
  for (let i = firstScan; i < firstScan + scans; i++)
    for (const channel of SCAN.channels) {
      sum += SCAN.code(channel, i);
      sumOfSums += sum;
    }
  const last = firstScan + scans - 1;
  return {
    channel: 'blocks',
    type: 'block',
    sequence: 0,
    guestTimeNs: 0,
    reportedAtNs: 0,
    fields: {
      run,
      firstScan,
      scans,
      sum,
      sumOfSums,
      gaps: 0,
      min0: SCAN.code(0, firstScan),
      max0: SCAN.code(0, last),
      min1: SCAN.code(2, firstScan),
      max1: SCAN.code(2, last),
      streamOffset: 1,
      ...change,
    },
  };
}

describe('blocks of scans', () => {
  it('are whole when each begins where the one before ended, in each run', () => {
    expect(countBlocks([block(0, 10), block(10, 5), block(0, 3, {}, 2)])).to.deep.equal({
      samples: 18,
      lost: 0,
      duplicated: 0,
      reordered: 0,
    });
  });

  it('show what is missing between them, inside them and at the start', () => {
    expect(countBlocks([block(2, 8), block(15, 5, { gaps: 1 })]).lost).to.equal(8);
  });

  it('show what came twice and what came late', () => {
    expect(countBlocks([block(0, 10), block(8, 4)]).duplicated).to.equal(2);
    expect(countBlocks([block(0, 10), block(0, 5)]).reordered).to.equal(5);
  });

  it('are counted with samples that carry numbers', () => {
    const numbered = [0, 1, 3].map((sequence) => ({ ...block(0, 1), fields: { sequence, streamOffset: 8 } }));
    expect(countStream([...numbered, block(0, 4)])).to.deep.equal({ samples: 7, lost: 1, duplicated: 0, reordered: 0 });
  });

  it('miss what the converter took and nobody reported', () => {
    expect(scansMissing([block(0, 30)], [SCAN], 40_000)).to.equal(10);
    expect(scansMissing([block(0, 30)], [SCAN], 30_000)).to.equal(0);
    expect(scansMissing([], [SCAN], 1e9)).to.equal(40);
  });

  it('equal what the converter gave, or say where they part', () => {
    expect(compareBlocks([block(0, 10), block(10, 30)], [SCAN])).to.deep.equal({
      compared: 2,
      samples: 80,
      different: 0,
      first: undefined,
    });
    expect(compareBlocks([block(0, 10, { sum: 1 })], [SCAN]).first).to.match(/^scans 0 to 9 of run 1: their sum is 1/);
    expect(compareBlocks([block(0, 10, { sumOfSums: 1 })], [SCAN]).first).to.include('another');
    expect(compareBlocks([block(0, 10, { max1: 1 })], [SCAN]).first).to.include('channel 2 goes from 2 to 1');
    expect(compareBlocks([block(35, 10)], [SCAN]).first).to.include('never took');
    expect(compareBlocks([block(0, 10, {}, 7)], [SCAN]).different).to.equal(1);
  });
});
