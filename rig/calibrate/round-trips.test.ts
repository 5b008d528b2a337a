/** Tests of how measured round trips are split into stations. */

import { expect } from 'chai';
import type { Direction, StationPassage } from '../run/run-types.js';
import { transfersOf } from './round-trips.js';

const passage = (direction: Direction, station: string, fromNs: number, toNs: number): StationPassage => ({
  station,
  direction,
  fromNs,
  toNs,
});

const HOSTED = [
  passage('in', 'ioProcess', 1100, 1150),
  passage('in', 'driver', 1155, 1200),
  passage('out', 'frontend', 1500, 1520),
  passage('out', 'driver', 1520, 1530),
  passage('out', 'ioProcess', 1530, 1600),
  passage('out', 'hostOs', 1600, 1700),
];
const ONE = { sentNs: Float64Array.of(1000), roundTripNs: Float64Array.of(690) };

describe('stations of a round trip', () => {
  it('hosted, add up to the round trip less the time of the guest', () => {
    const [row] = transfersOf('hosted', ONE, HOSTED, 250);
    expect(row).to.deep.equal([100, 50, 50, 80, 70, 90]);
    expect(row.reduce((sum, ns) => sum + ns, 250)).to.equal(690);
  });

  it('partitioned, add up to the round trip less the time of the guest', () => {
    const met = [passage('in', 'cellLoop', 1080, 1200), passage('out', 'hostOs', 1400, 1450)];
    expect(transfersOf('partitioned', ONE, met, 20)).to.deep.equal([[80, 120, 180, 290]]);
  });

  it('are none where a passage is missing or came twice', () => {
    expect(transfersOf('hosted', ONE, HOSTED.slice(1), 0)).to.deep.equal([]);
    expect(transfersOf('hosted', ONE, [...HOSTED, HOSTED[0]], 0)).to.deep.equal([]);
  });

  it('belong to the round trip in which they began, whatever came before the first and after the last', () => {
    const two = { sentNs: Float64Array.of(1000, 3000), roundTripNs: Float64Array.of(690, 690) };
    const later = HOSTED.map(({ direction, station, fromNs, toNs }) =>
      passage(direction, station, fromNs + 2000, toNs + 2000),
    );
    const other = [passage('in', 'driver', 10, 20), passage('out', 'hostOs', 9000, 9100)];
    expect(transfersOf('hosted', two, [...later, ...other, ...HOSTED], 250)).to.deep.equal([
      [100, 50, 50, 80, 70, 90],
      [100, 50, 50, 80, 70, 90],
    ]);
  });

  it('never take less than nothing, where the guest was quicker than in virtual time', () => {
    expect(transfersOf('hosted', ONE, HOSTED, 10_000)[0][3]).to.equal(0);
  });
});
