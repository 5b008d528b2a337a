/** Tests of drawing whole round trips. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import type { PathTransfers } from './calibration.js';
import { TransferDraws } from './transfer-draws.js';

const PATH: PathTransfers = {
  columns: [
    { station: 'hostOs', direction: 'in' },
    { station: 'cellLoop', direction: 'in' },
    { station: 'cellLoop', direction: 'out' },
    { station: 'hostOs', direction: 'out' },
  ],
  transfers: Array.from({ length: 100 }, (_, i) => [i, 100 + i, 200 + i, 300 + i]),
};

function sources() {
  const draws = new TransferDraws(PATH, createRandom('draws'));
  const source = (station: 'hostOs' | 'cellLoop', direction: 'in' | 'out', isFirst: boolean) =>
    draws.source(station, direction, isFirst) ?? expect.fail('there is no such station');
  const inwards = [source('hostOs', 'in', true), source('cellLoop', 'in', false)];
  const outwards = [source('cellLoop', 'out', true), source('hostOs', 'out', false)];
  const draw = (of: typeof inwards): number[] => of.map((each) => each.draw());
  return { draws, enter: () => draw(inwards), leave: () => draw(outwards) };
}

describe('draws of whole round trips', () => {
  it('take all stations of one from the same measured transfer, there and back', () => {
    const { enter, leave } = sources();
    const rows = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const [first, ...rest] = [...enter(), ...leave()];
      expect(rest).to.deep.equal([100 + first, 200 + first, 300 + first]);
      rows.add(first);
    }
    expect(rows.size).to.be.above(50);
  });

  it('give what is sent without anything before it a transfer of its own', () => {
    const { enter, leave } = sources();
    enter();
    const rows = new Set(Array.from({ length: 50 }, () => leave()[0]));
    expect(rows.size).to.be.above(20);
  });

  it('know nothing of a station that was not measured', () => {
    expect(sources().draws.source('driver', 'in', true)).to.equal(undefined);
  });
});
