/** What Sv39 and the software TLB make of page tables, rights and protection. */

import { expect } from 'chai';
import { RAM_OFFSET } from '../cpu/state-layout.js';
import { CODE, DATA, DEVICE, HartBench, M_HANDLER, PTE, RAM_BASE, S_HANDLER } from './hart-bench.js';

const VA = 0x1234_5000n;
const HIGH_VA = 0xffff_ffd0_0000_0000n;
const { v, r, w, x, u, a, d } = PTE;

/** How one access at `va` ends: `ok`, or the cause of the trap that S mode takes. */
function attempt(bench: HartBench, va: bigint, kind: 'read' | 'write' | 'execute'): 'ok' | number {
  const before = bench.hart.state.instret;
  bench.set('s0', va);
  if (kind === 'execute') {
    bench.vcpu.writePc(va);
    if (bench.hart.translateFetch() >= 0) return 'ok';
  } else {
    bench.do(kind === 'read' ? 'lw a0, 0(s0)' : 'sw a0, 0(s0)');
    if (bench.hart.state.instret > before) return 'ok';
  }
  const trap = bench.pc === S_HANDLER ? bench.supervisorTrap : bench.machineTrap;
  expect(trap.tval, 'tval').to.equal(va);
  return Number(trap.cause);
}

function benchWith(flags: number, mode: 'user' | 'supervisor' | 'machine', level = 0): HartBench {
  const bench = new HartBench();
  bench.map(VA, level === 0 ? DATA : RAM_BASE, flags, level);
  bench.paged(mode);
  return bench;
}

describe('Sv39 translation', () => {
  it('finds the page at three levels, in both halves of the address space', () => {
    for (const va of [VA, HIGH_VA, 0x3f_ffff_f000n, 0xffff_ffff_ffff_f000n]) {
      const bench = new HartBench();
      bench.map(va, DATA, v | r | w | a | d);
      bench.paged('supervisor');
      bench.memory.writeU32(DATA + 0x10, 0x8765_4321);
      bench.set('s0', va);
      bench.do('lwu a0, 16(s0)');
      expect(bench.get('a0')).to.equal(0x8765_4321n);
    }
  });

  it('finds superpages, with the rest of the address as offset', () => {
    for (const level of [1, 2]) {
      const bench = benchWith(v | r | a, 'supervisor', level);
      const offset = Number(VA & (level === 1 ? 0x1f_ffffn : 0x3fff_ffffn)) + 0x24;
      expect(bench.vcpu.translateForDebug(VA + 0x24n)).to.equal(RAM_BASE + offset);
    }
  });

  it('faults a superpage whose lower page number is not zero', () => {
    for (const level of [1, 2]) {
      const bench = new HartBench();
      bench.map(VA, RAM_BASE + 0x1000, v | r | a, level);
      bench.paged('supervisor');
      expect(attempt(bench, VA, 'read')).to.equal(13);
    }
  });

  it('faults addresses that are not canonical', () => {
    const bench = benchWith(v | r | w | x | a | d, 'supervisor');
    for (const high of [1n << 39n, 1n << 38n, 1n << 63n, 0xffff_ff80_0000_0000n]) {
      expect(attempt(bench, VA | high, 'read')).to.equal(13);
      expect(attempt(bench, VA | high, 'execute')).to.equal(12);
    }
  });

  for (const [what, entry] of [
    ['an invalid entry', BigInt(r | w | a | d)],
    ['W without R', BigInt(v | w | a | d)],
    ['W and X without R', BigInt(v | w | x | a | d)],
    ['N', (1n << 63n) | BigInt(v | r | a)],
    ['PBMT', (1n << 61n) | BigInt(v | r | a)],
    ['bit 54', (1n << 54n) | BigInt(v | r | a)],
    ['bit 60', (1n << 60n) | BigInt(v | r | a)],
    ['a pointer in the last level', BigInt(v)],
  ] as const) {
    it(`faults on ${what}`, () => {
      const bench = new HartBench();
      bench.writePte(VA, entry | (BigInt(DATA / 0x1000) << 10n));
      bench.paged('supervisor');
      expect(attempt(bench, VA, 'read')).to.equal(13);
      expect(attempt(bench, VA, 'write')).to.equal(15);
      expect(attempt(bench, VA, 'execute')).to.equal(12);
    });
  }

  it('faults on a pointer with A, D or U', () => {
    for (const flag of [a, d, u]) {
      const bench = benchWith(v | r | a, 'supervisor');
      bench.memory.writeU32(bench.pteAddress(VA, 1), bench.memory.readU32(bench.pteAddress(VA, 1)) | flag);
      expect(attempt(bench, VA, 'read')).to.equal(13);
    }
  });

  it('makes an access fault of a table outside RAM and of one that PMP closes to S mode', () => {
    const outside = new HartBench();
    outside.writePte(VA, BigInt(((DEVICE / 0x1000) << 10) | v), 1);
    outside.paged('supervisor');
    expect(attempt(outside, VA, 'read')).to.equal(5);
    const closed = benchWith(v | r | x | a, 'supervisor');
    closed.protect(0, 0x10, BigInt(closed.pteAddress(VA) / 4));
    expect(attempt(closed, VA, 'read')).to.equal(5);
    expect(attempt(closed, VA, 'write')).to.equal(7);
    expect(attempt(closed, VA, 'execute')).to.equal(1);
  });

  it('makes an access fault of a page behind the end of what exists, and an exit of a device', () => {
    const bench = new HartBench();
    bench.writePte(VA, (0xfff_ffff_ffffn << 10n) | BigInt(v | r | w | a | d));
    bench.map(VA + 0x1000n, DEVICE, v | r | w | a | d);
    bench.paged('supervisor');
    expect(attempt(bench, VA, 'read')).to.equal(5);
    bench.set('s0', VA + 0x1010n);
    expect(bench.do('ld a0, 8(s0)')).to.equal('mmio-read');
    expect(bench.vcpu.slowPath.exit).to.include({ gpa: DEVICE + 0x18, size: 8 });
    bench.vcpu.completeAccessFault();
    expect(bench.supervisorTrap).to.deep.equal({ cause: 5n, epc: BigInt(S_HANDLER), tval: VA + 0x1018n });
  });

  const rights: readonly (readonly [flags: number, user: string, supervisor: string, withSum: string])[] = [
    [r, '---', 'r--', 'r--'],
    [r | w, '---', 'rw-', 'rw-'],
    [x, '---', '--x', '--x'],
    [r | w | x, '---', 'rwx', 'rwx'],
    [u | r, 'r--', '---', 'r--'],
    [u | r | w, 'rw-', '---', 'rw-'],
    [u | x, '--x', '---', '---'],
    [u | r | w | x, 'rwx', '---', 'rw-'],
  ];
  const kinds = ['read', 'write', 'execute'] as const;
  const faults = [13, 15, 12];
  for (const [flags, user, supervisor, withSum] of rights) {
    it(`permits with flags ${flags}: ${user} to U mode, ${supervisor} to S mode, ${withSum} with SUM`, () => {
      for (const [mode, sum, expected] of [
        ['user', 0n, user],
        ['user', 1n << 18n, user],
        ['supervisor', 0n, supervisor],
        ['supervisor', 1n << 18n, withSum],
      ] as const) {
        kinds.forEach((kind, i) => {
          const bench = benchWith(flags | v | a | d, mode);
          bench.setCsr('sstatus', sum);
          expect(attempt(bench, VA, kind), `${mode} ${kind}`).to.equal(expected[i] === '-' ? faults[i] : 'ok');
        });
      }
    });
  }

  it('lets MXR read what may be executed, and forgets that when MXR goes', () => {
    const bench = benchWith(v | x | a, 'supervisor');
    expect(attempt(bench, VA, 'read')).to.equal(13);
    bench.setCsr('sstatus', 1n << 19n);
    expect(attempt(bench, VA, 'read')).to.equal('ok');
    expect(bench.isCached('tlbRead', VA)).to.equal(true);
    bench.setCsr('sstatus', 0n);
    expect(bench.isCached('tlbRead', VA)).to.equal(false);
  });

  it('is what MPRV lends M mode for data, with SUM, and not for fetches', () => {
    const lent = (1n << 17n) | (1n << 11n);
    const bench = benchWith(v | r | a | u, 'machine');
    bench.setCsr('mstatus', lent);
    expect(bench.state('paged')).to.equal(1);
    expect(attempt(bench, VA, 'read')).to.equal(13);
    expect([bench.pc, bench.state('paged')], 'the trap put M mode into MPP').to.deep.equal([M_HANDLER, 0]);
    bench.setCsr('mstatus', lent | (1n << 18n));
    expect(attempt(bench, VA, 'read')).to.equal('ok');
    bench.vcpu.writePc(BigInt(CODE));
    expect(bench.hart.translateFetch()).to.equal(0);
  });
});

describe('A and D', () => {
  it('are set by the hardware: A by every access, D by a write', () => {
    const bench = benchWith(v | r | w | x, 'supervisor');
    expect(attempt(bench, VA, 'execute')).to.equal('ok');
    expect(bench.pteFlags(VA)).to.equal(v | r | w | x | a);
    expect(attempt(bench, VA, 'read')).to.equal('ok');
    expect(bench.pteFlags(VA)).to.equal(v | r | w | x | a);
    expect(attempt(bench, VA, 'write')).to.equal('ok');
    expect(bench.pteFlags(VA)).to.equal(v | r | w | x | a | d);
  });

  it('are set in a superpage', () => {
    const bench = benchWith(v | r | w, 'supervisor', 2);
    bench.map(0x8000_0000n, RAM_BASE, v | r | w, 2);
    expect(attempt(bench, BigInt(DATA), 'write')).to.equal('ok');
    expect(bench.pteFlags(0x8000_0000n, 2)).to.equal(v | r | w | a | d);
  });

  it('are left alone by an access that is not permitted', () => {
    const bench = benchWith(v | r, 'supervisor');
    expect(attempt(bench, VA, 'write')).to.equal(15);
    expect(bench.pteFlags(VA)).to.equal(v | r);
  });

  it('make an access fault where PMP does not let S mode write the table', () => {
    const bench = benchWith(v | r, 'supervisor');
    const at = BigInt(bench.pteAddress(VA) / 4);
    bench.protect(0, 0, at);
    bench.protect(1, 0x09, at + 2n);
    expect(attempt(bench, VA, 'read')).to.equal(5);
    bench.map(VA, DATA, v | r | a);
    expect(attempt(bench, VA, 'read')).to.equal('ok');
  });

  it('tell the owner of code in the page of the table before it is written', () => {
    const bench = benchWith(v | r, 'supervisor');
    const page = Math.floor((bench.pteAddress(VA) - RAM_BASE) / 0x1000);
    bench.codeState[page] = 1;
    attempt(bench, VA, 'read');
    expect(bench.vcpu.calls).to.deep.equal([`codeWritten ${page}`]);
  });
});

describe('TLB', () => {
  it('learns a page from an access, with the host address less the virtual one', () => {
    const bench = benchWith(v | r | w, 'supervisor');
    attempt(bench, VA + 0x18n, 'read');
    const addend = (RAM_OFFSET + DATA - RAM_BASE - Number(VA)) | 0;
    expect(bench.cached('tlbRead', VA)).to.equal(addend);
    expect(bench.isCached('tlbWrite', VA), 'D is not set').to.equal(false);
    attempt(bench, VA, 'write');
    expect(bench.cached('tlbWrite', VA)).to.equal(addend);
    expect(bench.isCached('tlbRead', VA | (1n << 40n))).to.equal(false);
  });

  it('keeps what U mode, S mode and S mode with SUM may reach apart', () => {
    const bench = benchWith(v | r | u | a, 'user');
    attempt(bench, VA, 'read');
    expect(bench.isCached('tlbRead', VA)).to.equal(true);
    bench.mode('supervisor');
    expect(bench.isCached('tlbRead', VA)).to.equal(false);
    bench.setCsr('sstatus', 1n << 18n);
    expect(bench.isCached('tlbRead', VA)).to.equal(false);
    attempt(bench, VA, 'read');
    expect(bench.isCached('tlbRead', VA)).to.equal(true);
    bench.setCsr('sstatus', 0n);
    expect(bench.isCached('tlbRead', VA)).to.equal(false);
  });

  it('does not learn devices, nor pages of which PMP permits a part', () => {
    const bench = new HartBench();
    bench.map(VA, DEVICE, v | r | a);
    bench.map(VA + 0x1000n, DATA, v | r | a);
    bench.paged('supervisor');
    bench.protect(0, 0x11, BigInt(DATA / 4));
    bench.set('s0', VA);
    bench.do('lw a0, 0(s0)');
    bench.vcpu.completeMmioRead(0);
    expect(bench.isCached('tlbRead', VA)).to.equal(false);
    expect(attempt(bench, VA + 0x1000n, 'read')).to.equal('ok');
    expect(bench.isCached('tlbRead', VA + 0x1000n)).to.equal(false);
  });

  it('forgets by sfence.vma: one page, or all', () => {
    for (const [text, first, second] of [
      ['sfence.vma s1, zero', false, true],
      ['sfence.vma s1, s2', false, true],
      ['sfence.vma zero, zero', false, false],
      ['sfence.vma zero, s2', false, false],
    ] as const) {
      const bench = benchWith(v | r | w, 'supervisor');
      bench.map(VA + 0x1000n, DATA + 0x1000, v | r);
      attempt(bench, VA, 'write');
      attempt(bench, VA + 0x1000n, 'read');
      bench.set('s1', VA);
      bench.do(text);
      expect(bench.isCached('tlbRead', VA), text).to.equal(first);
      expect(bench.isCached('tlbWrite', VA), text).to.equal(first);
      expect(bench.isCached('tlbRead', VA + 0x1000n), text).to.equal(second);
    }
  });

  it('forgets when satp or PMP changes', () => {
    const bench = benchWith(v | r | a, 'supervisor');
    attempt(bench, VA, 'read');
    const satp = bench.csr('satp');
    bench.setCsr('satp', satp);
    expect(bench.isCached('tlbRead', VA), 'the same satp').to.equal(true);
    bench.setCsr('satp', satp + 1n);
    expect(bench.isCached('tlbRead', VA)).to.equal(false);
    bench.setCsr('satp', satp);
    attempt(bench, VA, 'read');
    bench.setCsr('pmpaddr0', 0n);
    expect(bench.isCached('tlbRead', VA)).to.equal(false);
    expect(bench.vcpu.calls).to.deep.equal(['protectionChanged']);
  });

  it('lets a page that holds code be written unchecked only after its owner was told', () => {
    const bench = benchWith(v | r | w | a | d, 'supervisor');
    const page = (DATA - RAM_BASE) / 0x1000;
    bench.codeState[page] = 1;
    attempt(bench, VA, 'read');
    expect(bench.vcpu.calls).to.deep.equal([]);
    attempt(bench, VA, 'write');
    expect(bench.vcpu.calls).to.deep.equal([`codeWritten ${page}`]);
    expect(bench.isCached('tlbWrite', VA)).to.equal(true);
    bench.codeState[page] = 1;
    bench.hart.mmu.tlb.flushWrites();
    expect(bench.isCached('tlbWrite', VA)).to.equal(false);
    expect(bench.isCached('tlbRead', VA)).to.equal(true);
  });

  it('answers fetches with what its owner entered, until the page is forgotten', () => {
    const bench = benchWith(v | x | a, 'supervisor');
    bench.hart.mmu.setFetch(Number(VA), 0, 0x4711);
    expect(bench.cached('tlbFetch', VA)).to.equal(0x4711);
    bench.mode('user');
    expect(bench.isCached('tlbFetch', VA)).to.equal(false);
    bench.mode('supervisor');
    bench.set('s1', VA);
    bench.do('sfence.vma s1, zero');
    expect(bench.isCached('tlbFetch', VA)).to.equal(false);
  });
});

describe('mode of the engines', () => {
  it('opens RAM to M mode and closes it under translation', () => {
    const bench = benchWith(v | r | a, 'supervisor');
    expect([bench.state('paged'), bench.state('openBytes')]).to.deep.equal([1, 0]);
    bench.mode('machine');
    expect([bench.state('paged'), bench.state('openFirst'), bench.state('openBytes')]).to.deep.equal([0, 0, 0x40_0000]);
    bench.setCsr('satp', 0n);
    bench.mode('user');
    expect([bench.state('paged'), bench.state('openBytes')]).to.deep.equal([0, 0x40_0000]);
  });

  it('opens what one PMP entry permits after an access to it', () => {
    const bench = new HartBench({ closed: true });
    bench.protect(0, 0, BigInt((DATA + 4) / 4));
    bench.protect(1, 0x0b, BigInt((DATA + 0x1004) / 4));
    bench.mode('user');
    expect(bench.state('openBytes')).to.equal(0);
    bench.set('s0', DATA + 0x10);
    bench.do('lw a0, 0(s0)');
    expect([bench.state('openFirst'), bench.state('openBytes')]).to.deep.equal([DATA + 8 - RAM_BASE, 0xff8]);
  });

  it('says whether a fetch is good for its whole page', () => {
    const bench = new HartBench();
    expect([bench.hart.translateFetch(), bench.hart.mmu.isPageExecutable]).to.deep.equal([0, true]);
    bench.protect(0, 0x14, BigInt((CODE + 0x40) / 4));
    bench.mode('user');
    expect([bench.hart.translateFetch(), bench.hart.mmu.isPageExecutable]).to.deep.equal([0, false]);
  });

  it('needs no translation on RV32', () => {
    const bench = new HartBench({ xlen: 32 });
    bench.mode('user');
    expect(bench.state('paged')).to.equal(0);
    bench.set('s0', DATA);
    bench.do('sw s0, 0(s0)');
    expect(bench.cached('tlbWrite', BigInt(DATA))).to.equal((RAM_OFFSET - RAM_BASE) | 0);
    expect(bench.vcpu.translateForDebug(0x1234n)).to.equal(0x1234);
  });
});
