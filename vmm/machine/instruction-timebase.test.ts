/** Tests of the exact conversion between instructions and nanoseconds. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { InstructionTimebase } from './instruction-timebase.js';

const FREQUENCIES = [
  1, 3, 32_768, 1_000_000, 33_333_333, 99_999_989, 100_000_000, 999_999_937, 1_000_000_000, 3_000_000_000,
];

function exactTime(instret: number, cpuHz: number): number {
  return Number((BigInt(instret) * 1_000_000_000n) / BigInt(cpuHz));
}

describe('InstructionTimebase', () => {
  it('gives floor(instret * 10^9 / cpuHz) exactly, up to 2^53 ns', () => {
    const random = createRandom('timebase');
    for (const cpuHz of FREQUENCIES) {
      const timebase = new InstructionTimebase(cpuHz);
      const most = Math.floor(Math.min(2 ** 52, (2 ** 52 / 1e9) * cpuHz));
      for (let i = 0; i < 500; i++) {
        const instret = i < 100 ? i : Math.floor(random.float() * most);
        expect(timebase.timeAt(instret), `${instret} at ${cpuHz} Hz`).to.equal(exactTime(instret, cpuHz));
      }
    }
  });

  it('finds the smallest instruction count whose time is not before a given time', () => {
    const random = createRandom('inverse');
    for (const cpuHz of FREQUENCIES) {
      const timebase = new InstructionTimebase(cpuHz);
      const mostNs = Math.min(2 ** 52, (2 ** 52 / cpuHz) * 1e9);
      for (let i = 0; i < 500; i++) {
        const ns = i < 100 ? i : Math.floor(random.float() * mostNs);
        const instret = timebase.instretAt(ns);
        expect(timebase.timeAt(instret), `${ns} ns at ${cpuHz} Hz`).to.be.at.least(ns);
        if (instret > 0) expect(timebase.timeAt(instret - 1), `${ns} ns at ${cpuHz} Hz`).to.be.below(ns);
      }
    }
  });

  it('moves every later time by a delay', () => {
    const timebase = new InstructionTimebase(100_000_000);
    timebase.delay(1_234);
    expect(timebase.timeAt(0)).to.equal(1_234);
    expect(timebase.timeAt(7)).to.equal(1_304);
    expect(timebase.instretAt(1_235)).to.equal(1);
    expect(timebase.instretAt(1_000)).to.equal(0);
    expect(timebase.instretAt(Number.POSITIVE_INFINITY)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('refuses a frequency it cannot divide exactly', () => {
    for (const cpuHz of [0, -1, 0.5, Number.NaN, 2_999_999_999]) {
      expect(() => new InstructionTimebase(cpuHz), String(cpuHz))
        .to.throw(VmmError)
        .with.property('code', 'VMM_CONFIG');
    }
  });
});
