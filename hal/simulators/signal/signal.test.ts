/** Tests of the signals that feed simulated instruments. */

import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import type { HalError } from '../../errors.js';
import { createSignal, type Signal, signalSchema } from './signal.js';
import { parseSignalCsv } from './signal-csv.js';

function signal(settings: unknown, seed = 1): Signal {
  return createSignal(signalSchema.parse(settings), seed);
}

const at = (of: Signal, ...ms: number[]): number[] => ms.map((time) => of(time * 1e6));

function refused(text: string): string {
  try {
    parseSignalCsv(text, false);
  } catch (error) {
    expect((error as HalError).code).to.equal('HAL_INVALID');
    return (error as HalError).message;
  }
  return expect.fail('it was accepted');
}

describe('a signal', () => {
  it('is constant', () => {
    expect(at(signal({ kind: 'constant', value: 2.5 }), 0, 1, 1e6)).to.deep.equal([2.5, 2.5, 2.5]);
  });

  it('is a sine with offset and phase', () => {
    const sine = signal({ kind: 'sine', amplitude: 2, offset: 1, frequencyHz: 50, phaseDeg: 90 });
    const values = at(sine, 0, 5, 10, 15, 20);
    for (const [i, expected] of [3, 1, -1, 1, 3].entries()) expect(values[i]).to.be.closeTo(expected, 1e-9);
  });

  it('is a ramp that begins again', () => {
    expect(at(signal({ kind: 'ramp', from: 10, to: 20, periodMs: 100 }), 0, 25, 50, 100, 125)).to.deep.equal([
      10, 12.5, 15, 10, 12.5,
    ]);
  });

  it('is a square wave with its duty', () => {
    const square = signal({ kind: 'square', low: -1, high: 4, frequencyHz: 100, duty: 0.25 });
    expect(at(square, 0, 2.4, 2.6, 9.9, 10)).to.deep.equal([4, 4, -1, -1, 4]);
  });

  it('is a step', () => {
    expect(at(signal({ kind: 'step', before: 1, after: 2, atMs: 10 }), 0, 9.999, 10, 1e5)).to.deep.equal([1, 1, 2, 2]);
  });

  it('is noise of its deviation, the same for the same seed and time, in any order', () => {
    const noise = signal({ kind: 'noise', offset: 5, deviation: 2 }, 7);
    const times = Array.from({ length: 20_000 }, (_, i) => i * 25_000);
    const values = times.map(noise);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(mean).to.be.closeTo(5, 0.06);
    expect(Math.sqrt(variance)).to.be.closeTo(2, 0.06);
    expect([...times].reverse().map(signal({ kind: 'noise', offset: 5, deviation: 2 }, 7))).to.deep.equal(
      values.reverse(),
    );
    expect(signal({ kind: 'noise', offset: 5, deviation: 2 }, 8)(25_000)).not.to.equal(noise(25_000));
    const neighbours = times.slice(1).map((time) => (noise(time) - 5) * (noise(time - 25_000) - 5));
    const covariance = neighbours.reduce((a, b) => a + b, 0) / neighbours.length;
    expect(Math.abs(covariance), 'neighbours depend on each other').to.be.lessThan(0.15);
  });

  it('differs beyond 2^32 ns too', () => {
    const noise = signal({ kind: 'noise', deviation: 1 });
    expect(noise(1000)).not.to.equal(noise(1000 + 2 ** 32));
  });

  it('is rows of time and value, linear between them', () => {
    const rows = 'seconds,volts\n# made by hand\n0.001, 1\n\n0.002,3\r\n0.004,-1\n';
    const once = signal({ kind: 'csv', text: rows });
    expect(at(once, 0, 1, 1.5, 3, 4, 100)).to.deep.equal([1, 1, 2, 1, -1, -1]);
    const loop = signal({ kind: 'csv', text: rows, end: 'loop' });
    expect(at(loop, 5.5)[0]).to.be.closeTo(2, 1e-9);
  });

  it('refuses rows that are no signal, naming the row', () => {
    expect(refused('')).to.contain('no row');
    expect(refused('t,v\n')).to.contain('no row');
    expect(refused('0,1\n0,2')).to.contain('row 2');
    expect(refused('0,1\n1')).to.contain('row 2');
    expect(refused('0,1\n1,x')).to.contain('"1,x"');
    expect(refused('0,1\n1,Infinity')).to.contain('row 2');
    expect(refused('-1,1')).to.contain('row 1');
    expect(refused('0,1\n1e300,1\n1e301,1')).to.be.a('string');
    expect(refused(`0,1\n${'x'.repeat(1_000_000)}`).length).to.be.lessThan(200);
  });

  it('is refused or finite, whatever the rows hold', () => {
    const random = createRandom('signal csv');
    const pieces = ['0', '1', '2.5', ',', '\n', '-', 'e', '9', ' ', '\r\n', '#', 'NaN', '\0', '"', '0x1'];
    let accepted = 0;
    const piece = (): string => pieces[random.below(pieces.length)];
    for (let round = 0; round < 20_000; round++) {
      const row = (_: unknown, i: number): string => `${i}${random.below(5) === 0 ? piece() : ''},${piece()}\n`;
      const text =
        round % 2 === 0
          ? Array.from({ length: random.below(20) }, piece).join('')
          : Array.from({ length: 1 + random.below(3) }, row).join('');
      try {
        const of = parseSignalCsv(text, random.below(2) === 0);
        for (const time of [0, 1, 1e9, 1e12]) expect(of(time), JSON.stringify(text)).to.satisfy(Number.isFinite);
        accepted++;
      } catch (error) {
        expect((error as HalError).code, JSON.stringify(text)).to.equal('HAL_INVALID');
      }
    }
    expect(accepted).to.be.greaterThan(500);
  });
});
