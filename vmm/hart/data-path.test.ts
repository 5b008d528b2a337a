/** Loads, stores and atomics of RV64: widths, both pages of a misaligned access, protection, code that is written. */

import { expect } from 'chai';
import { DATA, DEVICE, HartBench, PTE, RAM_BASE } from './hart-bench.js';

const VA = 0x7000n;
const { v, r, w, a, d } = PTE;
const FULL = v | r | w | a | d;
const PAGE = (DATA - RAM_BASE) / 0x1000;

/** Two pages that follow each other in virtual memory and are swapped in physical memory. */
function twoPages(first: number, second: number): HartBench {
  const bench = new HartBench();
  bench.map(VA, DATA + 0x1000, first);
  bench.map(VA + 0x1000n, DATA, second);
  bench.paged('supervisor');
  return bench;
}

describe('loads and stores of RV64', () => {
  const loads: readonly (readonly [name: string, result: bigint])[] = [
    ['lb', 0xffff_ffff_ffff_ff88n],
    ['lbu', 0x88n],
    ['lh', 0xffff_ffff_ffff_8788n],
    ['lhu', 0x8788n],
    ['lw', 0xffff_ffff_8586_8788n],
    ['lwu', 0x8586_8788n],
    ['ld', 0x8182_8384_8586_8788n],
  ];
  for (const [name, result] of loads) {
    it(`extend what ${name} reads, from RAM at any alignment and from a device`, () => {
      const bench = new HartBench();
      for (let at = 0; at < 9; at++) {
        bench.memory.write(DATA + at, Uint8Array.of(0x88, 0x87, 0x86, 0x85, 0x84, 0x83, 0x82, 0x81));
        bench.set('s0', DATA + at + 8);
        bench.do(`${name} a0, -8(s0)`);
        expect(bench.get('a0')).to.equal(result);
      }
      bench.set('a0', 0);
      bench.set('s0', DEVICE);
      expect(bench.do(`${name} a0, 0(s0)`)).to.equal('mmio-read');
      bench.vcpu.completeMmioRead(0x8586_8788, 0x8182_8384);
      expect(bench.get('a0')).to.equal(result);
    });
  }

  it('write the low bytes, to RAM at any alignment and to a device', () => {
    for (const [name, size] of [
      ['sb', 1],
      ['sh', 2],
      ['sw', 4],
      ['sd', 8],
    ] as const) {
      const bench = new HartBench();
      const bytes = [0x88, 0x87, 0x86, 0x85, 0x84, 0x83, 0x82, 0x81].slice(0, size);
      bench.set('a0', 0x8182_8384_8586_8788n);
      for (let at = 0; at < 9; at++) {
        bench.memory.write(DATA, new Uint8Array(24));
        bench.set('s0', DATA + at);
        bench.do(`${name} a0, 0(s0)`);
        const expected = new Uint8Array(24);
        expected.set(bytes, at);
        expect([...bench.memory.read(DATA, 24)], `${name} ${at}`).to.deep.equal([...expected]);
      }
      bench.set('s0', DEVICE);
      expect(bench.do(`${name} a0, 0(s0)`)).to.equal('mmio-write');
      const { exit } = bench.vcpu.slowPath;
      const value = Number(BigInt.asUintN(Math.min(8 * size, 32), 0x8586_8788n));
      expect(exit).to.include({ gpa: DEVICE, size, value, valueHigh: size === 8 ? 0x8182_8384 : 0 });
      bench.vcpu.completeMmioWrite();
    }
  });

  it('carry and borrow in the address', () => {
    const bench = new HartBench();
    bench.map(-0x1000n, DATA, FULL);
    bench.map(0n, DATA + 0x1000, FULL);
    bench.paged('supervisor');
    bench.memory.writeU32(DATA + 0xff8, 5);
    bench.memory.writeU32(DATA + 0x1008, 6);
    bench.set('s0', 8);
    bench.do('lw a0, -16(s0)');
    bench.set('s1', -8n);
    bench.do('lw a1, 16(s1)');
    expect([bench.get('a0'), bench.get('a1')]).to.deep.equal([5n, 6n]);
  });

  it('fault above the physical addresses that exist', () => {
    const bench = new HartBench();
    for (const address of [1n << 53n, 1n << 56n, 0xffff_ffff_8000_0000n]) {
      bench.set('s0', address);
      bench.do('ld a0, 0(s0)');
      expect(bench.machineTrap).to.include({ cause: 5n, tval: address });
      bench.vcpu.writePc(BigInt(RAM_BASE));
    }
    bench.set('s0', 1n << 40n);
    expect(bench.do('ld a0, 0(s0)')).to.equal('mmio-read');
    expect(bench.vcpu.slowPath.exit.gpa).to.equal(2 ** 40);
  });
});

describe('misaligned accesses across pages', () => {
  it('go to both pages, wherever these are', () => {
    const bench = twoPages(FULL, FULL);
    bench.set('s0', VA + 0xffdn);
    bench.set('a0', 0x8182_8384_8586_8788n);
    bench.do('sd a0, 0(s0)');
    expect([...bench.memory.read(DATA + 0x1ffd, 3)]).to.deep.equal([0x88, 0x87, 0x86]);
    expect([...bench.memory.read(DATA, 6)]).to.deep.equal([0x85, 0x84, 0x83, 0x82, 0x81, 0]);
    bench.do('ld a1, 0(s0)');
    expect(bench.get('a1')).to.equal(0x8182_8384_8586_8788n);
  });

  for (const [what, first, second, cause, tval] of [
    ['the first page', v | r | a, FULL, 15n, VA + 0xffdn],
    ['the second page', FULL, v | r | a, 15n, VA + 0x1000n],
    ['both', v | r | a, v | r | a, 15n, VA + 0xffdn],
  ] as const) {
    it(`fault in ${what} before a byte is written`, () => {
      const bench = twoPages(first, second);
      bench.set('s0', VA + 0xffdn);
      bench.set('a0', -1n);
      bench.do('sd a0, 0(s0)');
      expect(bench.supervisorTrap).to.include({ cause, tval });
      expect(bench.memory.readU32(DATA)).to.equal(0);
      expect(bench.memory.readU32(DATA + 0x1ffc)).to.equal(0);
    });
  }

  it('are access faults when the second page is a device', () => {
    const bench = twoPages(FULL, FULL);
    bench.map(VA + 0x1000n, DEVICE, FULL);
    bench.set('s0', VA + 0xffcn);
    bench.do('ld a0, 0(s0)');
    expect(bench.supervisorTrap).to.include({ cause: 5n, tval: VA + 0x1000n });
  });

  it('tell the owner of code in both pages', () => {
    const bench = new HartBench();
    bench.codeState.fill(1, PAGE, PAGE + 2);
    bench.set('s0', DATA + 0xffe);
    bench.do('lw a0, 0(s0)');
    expect(bench.vcpu.calls).to.deep.equal([]);
    bench.do('sw a0, 0(s0)');
    expect([...bench.vcpu.calls].sort()).to.deep.equal([`codeWritten ${PAGE}`, `codeWritten ${PAGE + 1}`]);
  });
});

describe('atomics of RV64', () => {
  const definitions: Readonly<Record<string, (old: bigint, operand: bigint, width: number) => bigint>> = {
    amoswap: (_, b) => b,
    amoadd: (x, y) => x + y,
    amoxor: (x, y) => x ^ y,
    amoand: (x, y) => x & y,
    amoor: (x, y) => x | y,
    amomin: (x, y, n) => (BigInt.asIntN(n, x) < BigInt.asIntN(n, y) ? x : y),
    amomax: (x, y, n) => (BigInt.asIntN(n, x) > BigInt.asIntN(n, y) ? x : y),
    amominu: (x, y) => (x < y ? x : y),
    amomaxu: (x, y) => (x > y ? x : y),
  };
  const edges = [
    0n,
    1n,
    0x7fff_ffffn,
    0x8000_0000n,
    0xffff_ffffn,
    1n << 32n,
    (1n << 63n) - 1n,
    1n << 63n,
    (1n << 64n) - 1n,
  ];

  for (const [name, define] of Object.entries(definitions)) {
    it(`modify words and doublewords and return what memory held: ${name}`, () => {
      const bench = new HartBench();
      bench.set('s0', DATA);
      for (const [suffix, width] of [
        ['w', 32],
        ['d', 64],
      ] as const) {
        for (const wideOld of edges) {
          for (const wideOperand of edges) {
            const old = BigInt.asUintN(width, wideOld);
            const operand = BigInt.asUintN(width, wideOperand);
            bench.memory.writeU32(DATA, Number(old & 0xffff_ffffn));
            bench.memory.writeU32(DATA + 4, Number(old >> 32n));
            bench.set('a1', wideOperand);
            bench.do(`${name}.${suffix} a0, a1, (s0)`);
            expect(bench.get('a0')).to.equal(BigInt.asUintN(64, BigInt.asIntN(width, old)));
            const stored = (BigInt(bench.memory.readU32(DATA + 4)) << 32n) | BigInt(bench.memory.readU32(DATA));
            expect(stored, `${old} ${operand}`).to.equal(BigInt.asUintN(width, define(old, operand, width)));
          }
        }
      }
    });
  }

  it('store conditionally when nothing changed either word, and with the width that was reserved alone', () => {
    const run = (load: string, between: (bench: HartBench) => void, store: string): bigint => {
      const bench = new HartBench();
      bench.set('s0', DATA);
      bench.set('a1', 0x1_0000_0002n);
      bench.do(`${load} a0, (s0)`);
      between(bench);
      bench.do(`${store} a2, a1, (s0)`);
      return bench.get('a2');
    };
    const nothing = (): void => {};
    expect(run('lr.d', nothing, 'sc.d')).to.equal(0n);
    expect(run('lr.w', nothing, 'sc.w')).to.equal(0n);
    expect(run('lr.w', nothing, 'sc.d')).to.equal(1n);
    expect(run('lr.d', nothing, 'sc.w')).to.equal(1n);
    expect(run('lr.d', (bench) => bench.memory.writeU32(DATA + 4, 9), 'sc.d')).to.equal(1n);
    expect(run('lr.d', (bench) => bench.do('ebreak'), 'sc.d')).to.equal(1n);
    expect(run('lr.d', (bench) => bench.do('sc.d zero, a1, (s0)'), 'sc.d')).to.equal(1n);
  });

  it('trap by alignment, page and place', () => {
    for (const [text, misaligned, page, access] of [
      ['lr.d a0, (s0)', 4n, 13n, 5n],
      ['sc.d a0, a1, (s0)', 6n, 15n, 7n],
      ['amoadd.d a0, a1, (s0)', 6n, 15n, 7n],
    ] as const) {
      const bench = new HartBench();
      bench.map(VA, DEVICE, FULL);
      bench.paged('supervisor');
      for (const [address, cause] of [
        [VA + 4n, misaligned],
        [VA + 0x1000n, page],
        [VA + 8n, access],
      ] as const) {
        bench.set('s0', address);
        bench.do(text);
        expect(bench.supervisorTrap, text).to.include({ cause, tval: address });
        bench.vcpu.writePc(BigInt(RAM_BASE));
      }
    }
  });

  it('tell the owner of code when they write, not when they fail to', () => {
    const bench = new HartBench();
    bench.codeState[PAGE] = 1;
    bench.set('s0', DATA);
    bench.hart.mmu.translate(DATA | 0, 0, 1);
    bench.do('lr.d a0, (s0)');
    expect(bench.vcpu.calls).to.deep.equal([]);
    bench.do('amoor.d a0, a1, (s0)');
    expect(bench.vcpu.calls).to.deep.equal([`codeWritten ${PAGE}`]);
  });
});
