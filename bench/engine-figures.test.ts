/** Tests of the geometric means and bars. */

import { expect } from 'chai';
import { engineRows, geometricMean, type ProgramFigures } from './engine-figures.js';

function figures(name: string, seconds: Readonly<Record<string, number>>, kind: ProgramFigures['kind'] = 'work') {
  return { name, kind, seconds: new Map(Object.entries(seconds)), instructions: 200e6 };
}

describe('figures of the engines', () => {
  it('have a geometric mean', () => {
    expect(geometricMean([1, 4])).to.be.closeTo(2, 1e-12);
  });

  it('hold the translator to both modes of QEMU', () => {
    const rows = engineRows('translator', 64, [
      figures('list', { tcg: 1, icount: 3, translator: 0.5 }),
      figures('fib', { tcg: 1, icount: 1, translator: 1 }),
      figures('trap', { tcg: 1, icount: 1, translator: 1000 }, 'system'),
    ]);
    expect(rows.map(({ value }) => Math.round(value * 100))).to.deep.equal([28_284_271_247, 141, 245]);
    expect(rows.map(({ bar }) => bar?.met)).to.deep.equal([undefined, true, true]);
  });

  it('hold the interpreter to instructions a second, by width', () => {
    const slow = [figures('list', { interpreter: 2.5 })];
    expect(engineRows('interpreter', 32, slow).map(({ bar }) => bar?.met)).to.deep.equal([false]);
    expect(engineRows('interpreter', 64, slow).map(({ bar }) => bar?.met)).to.deep.equal([true]);
  });

  it('say nothing of an engine that ran nothing', () => {
    expect(engineRows('translator', 32, [figures('list', { tcg: 1 })])).to.deep.equal([]);
  });
});
