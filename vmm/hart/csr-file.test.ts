/** The CSRs of RV64 with S mode: the bits that can be written, views, SEIP, counters, what traps. */

import { expect } from 'chai';
import { INTERRUPT } from '../cpu/state-layout.js';
import type { CSR } from '../isa/csr-numbers.js';
import { HartBench } from './hart-bench.js';

const ALL = 0xffff_ffff_ffff_ffffn;
const SD = 1n << 63n;
const SEIP = BigInt(INTERRUPT.seip);

const WRITABLE: readonly (readonly [csr: keyof typeof CSR, ones: bigint, zeros: bigint])[] = [
  ['mstatus', SD | (0xan << 32n) | 0x7e_79aan, 0xan << 32n],
  ['sstatus', SD | (2n << 32n) | 0xc_6122n, 2n << 32n],
  ['misa', (2n << 62n) | 0x14_112dn, (2n << 62n) | 0x14_112dn],
  ['medeleg', 0xb3ffn, 0n],
  ['mideleg', 0x222n, 0n],
  ['mie', 0xffff_0aaan, 0n],
  ['mip', 0x222n, 0n],
  ['mtvec', ALL - 2n, 0n],
  ['stvec', ALL - 2n, 0n],
  ['mepc', ALL - 1n, 0n],
  ['sepc', ALL - 1n, 0n],
  ['mcause', ALL, 0n],
  ['scause', ALL, 0n],
  ['mtval', ALL, 0n],
  ['stval', ALL, 0n],
  ['mscratch', ALL, 0n],
  ['sscratch', ALL, 0n],
  ['mcounteren', 7n, 0n],
  ['scounteren', 7n, 0n],
  ['mcountinhibit', 5n, 0n],
  ['menvcfg', 1n, 0n],
  ['senvcfg', 1n, 0n],
  ['mhpmcounter3', 0n, 0n],
  ['mhpmevent3', 0n, 0n],
  ['pmpaddr0', 0x3f_ffff_ffff_ffffn, 0n],
  ['fcsr', 0xffn, 0n],
  ['frm', 7n, 0n],
  ['fflags', 0x1fn, 0n],
];

/** Whether the instruction traps as illegal in the present mode. */
function isIllegal(bench: HartBench, text: string): boolean {
  const { instret } = bench.hart.state;
  bench.do(text);
  return bench.hart.state.instret === instret;
}

describe('CSRs of RV64', () => {
  for (const [csr, ones, zeros] of WRITABLE) {
    it(`keep the writable bits of ${csr} alone`, () => {
      const bench = new HartBench();
      bench.setCsr(csr, ALL);
      expect(bench.csr(csr).toString(16)).to.equal(ones.toString(16));
      bench.setCsr(csr, 0n);
      expect(bench.csr(csr).toString(16)).to.equal(zeros.toString(16));
    });
  }

  it('are written by instructions in all their 64 bits', () => {
    const bench = new HartBench();
    bench.set('a1', 0xf0f0_0000_1234_0000n);
    bench.do('csrrw a0, sscratch, a1');
    bench.set('a2', 0x0ff0_0000_0004_0000n);
    bench.do('csrrs a0, sscratch, a2');
    expect(bench.get('a0')).to.equal(0xf0f0_0000_1234_0000n);
    bench.do('csrrc a3, sscratch, a1');
    expect(bench.get('a3')).to.equal(0xfff0_0000_1234_0000n);
    expect(bench.csr('sscratch')).to.equal(0x0f00_0000_0000_0000n);
    bench.do('csrrwi a3, sscratch, 31');
    expect(bench.csr('sscratch')).to.equal(31n);
  });

  it('do not exist beside those of RV32', () => {
    const bench = new HartBench();
    for (const csr of ['mstatush', 'menvcfgh', 'cycleh', 'timeh', 'mcycleh', 'mhpmcounter3h', 'mseccfg', 'stimecmp']) {
      expect(isIllegal(bench, `csrrs a0, ${csr}, zero`), csr).to.equal(true);
    }
    for (const csr of ['pmpcfg1', 'pmpcfg3', '0x3a4', '0x3c0']) {
      expect(isIllegal(bench, `csrrs a0, ${csr}, zero`), csr).to.equal(true);
    }
  });

  it('ignore a write of satp with another mode as a whole, and have no ASID', () => {
    const bench = new HartBench();
    bench.setCsr('satp', (8n << 60n) | (0xffffn << 44n) | 0xfff_0008_0000n);
    expect(bench.csr('satp')).to.equal((8n << 60n) | 0xfff_0008_0000n);
    bench.setCsr('satp', (9n << 60n) | 1n);
    expect(bench.csr('satp')).to.equal((8n << 60n) | 0xfff_0008_0000n);
    bench.setCsr('satp', 0n);
    expect(bench.csr('satp')).to.equal(0n);
  });

  it('store S mode in MPP, and the reserved mode as U', () => {
    const bench = new HartBench();
    for (const [written, kept] of [
      [0n, 0n],
      [1n, 1n],
      [2n, 0n],
      [3n, 3n],
    ] as const) {
      bench.setCsr('mstatus', written << 11n);
      expect((bench.csr('mstatus') >> 11n) & 3n).to.equal(kept);
    }
  });

  it('hold eight PMP entries in each even pmpcfg', () => {
    const bench = new HartBench({ closed: true });
    bench.setCsr('pmpcfg0', 0x0706_0503_0201_1f9fn);
    expect(bench.csr('pmpcfg0')).to.equal(0x0704_0503_0001_1f9fn);
    bench.set('a0', 0x1f00_0000_0000_0000n);
    bench.do('csrrw zero, pmpcfg2, a0');
    expect(bench.hart.state.pmpcfg[15]).to.equal(0x1f);
  });
});

describe('views of S mode', () => {
  it('show and change in sie and sip what mideleg delegates alone', () => {
    const bench = new HartBench();
    bench.setCsr('mie', 0xaaan);
    bench.setCsr('mideleg', 0x22n);
    bench.vcpu.setInterruptPending(INTERRUPT.stip | INTERRUPT.mtip, true);
    expect([bench.csr('sie'), bench.csr('sip')]).to.deep.equal([0x22n, 0x20n]);
    bench.setCsr('sie', 0x202n);
    expect(bench.csr('mie')).to.equal(0xa8an);
    bench.setCsr('sip', ALL);
    expect(bench.csr('mip')).to.equal(0xa2n);
    bench.setCsr('sip', 0n);
    expect(bench.csr('mip')).to.equal(0xa0n);
    bench.setCsr('mideleg', 0n);
    bench.setCsr('sip', ALL);
    expect(bench.csr('mip')).to.equal(0xa0n);
  });

  it('leave what sstatus does not show in mstatus as it is', () => {
    const bench = new HartBench();
    bench.setCsr('mstatus', 0x7e_18aan);
    bench.setCsr('sstatus', 0n);
    expect(bench.csr('mstatus')).to.equal((0xan << 32n) | 0x72_1888n);
  });
});

describe('mip.SEIP', () => {
  it('is the OR of the bit that M mode writes and of the line', () => {
    const bench = new HartBench();
    bench.setCsr('mip', SEIP);
    bench.vcpu.setInterruptPending(INTERRUPT.seip, true);
    bench.setCsr('mip', 0n);
    expect(bench.csr('mip'), 'the line stays').to.equal(SEIP);
    bench.setCsr('mip', SEIP);
    bench.vcpu.setInterruptPending(INTERRUPT.seip, false);
    expect(bench.csr('mip'), 'the bit stays').to.equal(SEIP);
    bench.setCsr('mip', 0n);
    expect(bench.csr('mip')).to.equal(0n);
  });

  it('is not copied from the line into the bit by csrrs and csrrc', () => {
    const bench = new HartBench();
    bench.vcpu.setInterruptPending(INTERRUPT.seip, true);
    bench.set('a1', INTERRUPT.ssip);
    bench.do('csrrs a0, mip, a1');
    expect(bench.get('a0')).to.equal(SEIP);
    bench.do('csrrc a0, mip, a1');
    bench.vcpu.setInterruptPending(INTERRUPT.seip, false);
    expect(bench.csr('mip')).to.equal(0n);
  });

  it('cannot be written by S mode', () => {
    const bench = new HartBench();
    bench.setCsr('mideleg', 0x222n);
    bench.setCsr('sip', ALL);
    expect(bench.csr('sip')).to.equal(2n);
    bench.setCsr('mip', SEIP);
    bench.setCsr('sip', 0n);
    expect(bench.csr('sip')).to.equal(SEIP);
  });
});

describe('counters of RV64', () => {
  it('are 64 bits wide, and read what was written in the next instruction', () => {
    const bench = new HartBench({ host: { readTime: (instret) => 0x12_8000_0000 + instret } });
    bench.set('a1', 0xffff_ffff_ffff_fffen);
    bench.do('csrrw zero, mcycle, a1');
    bench.do('csrrs a0, mcycle, zero');
    expect(bench.get('a0')).to.equal(0xffff_ffff_ffff_fffen);
    bench.do('csrrs a0, cycle, zero');
    bench.do('csrrs a0, cycle, zero');
    expect(bench.get('a0')).to.equal(0n);
    bench.do('csrrs a0, time, zero');
    expect(bench.get('a0')).to.equal(0x12_8000_0004n);
    bench.do('csrrs a0, instret, zero');
    expect(bench.get('a0')).to.equal(5n);
  });

  it('are open to S mode by mcounteren, to U mode by scounteren besides', () => {
    for (const [m, s, mode, isOpen] of [
      [0n, 7n, 'supervisor', false],
      [7n, 0n, 'supervisor', true],
      [7n, 0n, 'user', false],
      [0n, 7n, 'user', false],
      [7n, 7n, 'user', true],
    ] as const) {
      const bench = new HartBench();
      bench.setCsr('mcounteren', m);
      bench.setCsr('scounteren', s);
      bench.mode(mode);
      expect(isIllegal(bench, 'csrrs a0, time, zero'), `${mode} ${m} ${s}`).to.equal(!isOpen);
    }
  });
});

describe('inspection', () => {
  it('reads and writes registers in their full width, and refuses what does not exist', () => {
    const { vcpu } = new HartBench();
    vcpu.writeRegister(5, -1n);
    vcpu.writeRegister(0, 7n);
    vcpu.writeFloat(3, 0x3ff0_0000_0000_0000n);
    vcpu.writePc(0xffff_ffff_8000_0001n);
    expect([vcpu.readRegister(5), vcpu.readRegister(0), vcpu.readFloat(3)]).to.deep.equal([
      ALL,
      0n,
      0x3ff0_0000_0000_0000n,
    ]);
    expect(vcpu.readPc()).to.equal(0xffff_ffff_8000_0000n);
    expect(vcpu.readCsr(0x5c0)).to.equal(undefined);
    expect([vcpu.writeCsr(0x5c0, 0n), vcpu.writeCsr(0xf14, 0n)]).to.deep.equal([false, false]);
    vcpu.writePrivilege(2);
    expect(vcpu.privilege).to.equal(3);
  });

  it('cuts to 32 bits on RV32', () => {
    const { vcpu } = new HartBench({ xlen: 32 });
    vcpu.writeRegister(5, -1n);
    vcpu.writePc(-1n);
    expect([vcpu.readRegister(5), vcpu.readPc()]).to.deep.equal([0xffff_ffffn, 0xffff_fffen]);
    vcpu.writePrivilege(1);
    expect(vcpu.privilege).to.equal(3);
  });
});
