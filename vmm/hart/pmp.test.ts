/** PMP with addresses of 56 bits, the rights of whole pages, accesses that straddle an entry; the rest is the engines' suite. */

import { expect } from 'chai';
import { DATA, HartBench } from './hart-bench.js';
import { ACCESS, MIXED } from './pmp.js';

const R = 1;
const W = 2;
const TOR = 1 << 3;
const NA4 = 2 << 3;
const NAPOT = 3 << 3;
const LOCK = 0x80;
const USER = 0;
const MACHINE = 3;

const napot = (base: number, length: number): bigint => BigInt(base / 4 + (length / 8 - 1));

describe('PMP', () => {
  it('covers everything with an address of all ones, on RV32 and RV64', () => {
    for (const xlen of [32, 64] as const) {
      const { pmp } = new HartBench({ xlen }).hart;
      expect(pmp.allows(0, 4, ACCESS.read, USER)).to.equal(true);
      expect(pmp.allows(xlen === 32 ? 2 ** 32 - 4 : 2 ** 52, 4, ACCESS.read, USER)).to.equal(true);
    }
  });

  it('matches naturally aligned powers of two above 4 GiB', () => {
    const bench = new HartBench({ closed: true });
    bench.protect(0, NAPOT | R, napot(2 ** 40, 2 ** 36));
    const { pmp } = bench.hart;
    for (const [gpa, isPermitted] of [
      [2 ** 40 - 8, false],
      [2 ** 40, true],
      [2 ** 40 + 2 ** 36 - 8, true],
      [2 ** 40 + 2 ** 36, false],
    ] as const) {
      expect(pmp.allows(gpa, 8, ACCESS.read, USER), String(gpa)).to.equal(isPermitted);
    }
  });

  it('denies an access of which the first entry that matches has a part alone', () => {
    const bench = new HartBench();
    bench.protect(0, NA4 | R | W, BigInt(DATA / 4));
    const { pmp } = bench.hart;
    expect(pmp.allows(DATA, 4, ACCESS.read, USER)).to.equal(true);
    expect(pmp.allows(DATA, 8, ACCESS.read, USER)).to.equal(false);
    expect(pmp.allows(DATA, 8, ACCESS.read, MACHINE)).to.equal(false);
    bench.mode('user');
    bench.set('s0', DATA);
    bench.do('ld a0, 0(s0)');
    expect(bench.supervisorTrap).to.include({ cause: 5n, tval: BigInt(DATA) });
  });

  it('knows the rights of a whole page, or that it has more than one answer', () => {
    const bench = new HartBench({ closed: true });
    bench.protect(1, NAPOT | R | W, napot(DATA, 0x2000));
    const { pmp } = bench.hart;
    expect(pmp.pageAccess(DATA, USER)).to.equal(R | W);
    expect(pmp.pageAccess(DATA, MACHINE)).to.equal(7);
    expect(pmp.pageAccess(DATA + 0x2000, USER)).to.equal(0);
    expect(pmp.pageAccess(DATA + 0x2000, MACHINE)).to.equal(7);
    bench.protect(0, NA4, BigInt((DATA + 0x1ffc) / 4));
    expect(pmp.pageAccess(DATA, USER)).to.equal(R | W);
    expect(pmp.pageAccess(DATA + 0x1000, USER)).to.equal(MIXED);
    bench.protect(0, LOCK | NAPOT | R, napot(DATA, 0x1000));
    expect(pmp.pageAccess(DATA, MACHINE)).to.equal(R);
  });

  it('finds the window of one entry, and permits all of a range only when one answer holds', () => {
    const bench = new HartBench({ closed: true });
    bench.protect(0, NA4, BigInt(DATA / 4));
    bench.protect(1, TOR | R | W, BigInt((DATA + 0x100) / 4));
    const { pmp } = bench.hart;
    expect(pmp.findWindow(DATA + 8, ACCESS.read, USER)).to.equal(true);
    expect([pmp.windowFirst, pmp.windowEnd]).to.deep.equal([DATA + 4, DATA + 0x100]);
    expect(pmp.findWindow(DATA, ACCESS.read, USER)).to.equal(false);
    expect(pmp.allowsAll(DATA + 4, 0xfc, ACCESS.read | ACCESS.write, USER)).to.equal(true);
    expect(pmp.allowsAll(DATA, 0x100, ACCESS.read, USER)).to.equal(false);
    expect(pmp.allowsAll(DATA + 4, 0x100, ACCESS.read, USER)).to.equal(false);
  });
});
