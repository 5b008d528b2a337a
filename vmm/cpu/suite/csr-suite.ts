/** CSR instructions and registers: existence, rights, the bits that can be written, counters. */

import { expect } from 'chai';
import { CSR } from '../../isa/csr-numbers.js';
import { type CreateVcpu, hex, VcpuBench } from './vcpu-bench.js';

/** Writes all ones, reads back into a0, writes zeros, reads back into a1. */
const PROBE = (csr: string): string => `li t0, -1
  csrw ${csr}, t0
  csrr a0, ${csr}
  csrw ${csr}, x0
  csrr a1, ${csr}
  end: nop`;

const WRITABLE: readonly (readonly [csr: keyof typeof CSR, ones: number, zeros: number])[] = [
  ['mstatus', 0x0022_1888, 0],
  ['mstatush', 0, 0],
  ['misa', 0x4010_1105, 0x4010_1105],
  ['mie', 0xffff_0888, 0],
  ['mtvec', 0xffff_fffd, 0],
  ['mcounteren', 7, 0],
  ['menvcfg', 0, 0],
  ['menvcfgh', 0, 0],
  ['mcountinhibit', 5, 0],
  ['mhpmevent3', 0, 0],
  ['mscratch', 0xffff_ffff, 0],
  ['mepc', 0xffff_fffe, 0],
  ['mcause', 0xffff_ffff, 0],
  ['mtval', 0xffff_ffff, 0],
  ['mip', 0, 0],
  ['pmpcfg0', 0x9f9f_9f9f, 0x9f9f_9f9f],
  ['pmpaddr0', 0xffff_ffff, 0],
];

/** Executes `instruction` in M mode; says whether it trapped as illegal. */
function isIllegal(create: CreateVcpu, instruction: string): boolean {
  const bench = new VcpuBench(
    create,
    `la t1, handler\ncsrw mtvec, t1\nthere: ${instruction}\nj end\n.align 2\nhandler: nop\nend: nop`,
  );
  bench.runTo('there');
  bench.step();
  if (bench.pc !== bench.address('handler') + 4) return false;
  const bits = bench.memory.readU32(bench.address('there'));
  expect(bench.trap).to.deep.equal({ cause: 2, epc: bench.address('there'), tval: bits });
  return true;
}

export function describeCsrs(create: CreateVcpu): void {
  describe('CSR instructions', () => {
    it('write, set and clear, and return the old value', () => {
      const bench = new VcpuBench(
        create,
        `li a0, 0xf0f0
        csrrw a1, mscratch, a0
        li a0, 0x0ff0
        csrrs a2, mscratch, a0
        csrrc a3, mscratch, a0
        csrrwi a4, mscratch, 31
        csrrsi a5, mscratch, 8
        csrrci a6, mscratch, 9
        csrrw a0, mscratch, a0
        end: csrr a7, mscratch`,
      );
      bench.runTo('end');
      bench.step();
      const values = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a0', 'a7'].map((name) => hex(bench.get(name)));
      expect(values).to.deep.equal(['0x0', '0xf0f0', '0xfff0', '0xf000', '0x1f', '0x1f', '0x16', '0xff0']);
    });

    it('set and clear what mie and mstatus have, and return the old value', () => {
      const bench = new VcpuBench(
        create,
        `li a0, -1
        csrrs a1, mie, a0
        li a0, 0x888
        csrrc a2, mie, a0
        csrrs a3, mie, x0
        csrrsi a4, mstatus, 8
        csrrci a5, mstatus, 31
        li a6, -1
        csrrs a6, mstatus, a6
        csrrc a7, mstatus, x0
        csrrc a7, mstatus, a7
        end: csrrs a0, mstatus, x0`,
      );
      bench.runTo('end');
      bench.step();
      const values = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a0'].map((name) => hex(bench.get(name)));
      expect(values).to.deep.equal(['0x0', '0xffff0888', '0xffff0000', '0x0', '0x8', '0x0', '0x221888', '0x0']);
    });

    it('do not write when set or clear name x0 or 0, so that read-only registers can be read', () => {
      for (const text of [
        'csrrs a0, mhartid, x0',
        'csrrc a0, mhartid, x0',
        'csrrsi a0, mhartid, 0',
        'csrrci a0, cycle, 0',
      ]) {
        expect(isIllegal(create, text), text).to.equal(false);
      }
    });

    it('trap a write to a read-only register, even one that would change nothing', () => {
      for (const text of [
        'csrrw x0, mhartid, x0',
        'csrrs a0, mhartid, t5',
        'csrrsi a0, marchid, 1',
        'csrrwi x0, cycle, 0',
        'csrrc x0, instreth, t5',
      ]) {
        expect(isIllegal(create, text), text).to.equal(true);
      }
    });

    it('trap on registers that do not exist without S mode, F, debug and more counters', () => {
      for (const csr of [
        0x001, 0x003, 0x100, 0x105, 0x180, 0x302, 0x303, 0x3a4, 0x3c0, 0x7a0, 0x7b0, 0xda0, 0xf10, 0xfff,
      ]) {
        expect(isIllegal(create, `csrr a0, ${csr}`), hex(csr)).to.equal(true);
        expect(isIllegal(create, `csrw ${csr}, x0`), hex(csr)).to.equal(true);
      }
    });
  });

  describe('CSRs', () => {
    for (const [csr, ones, zeros] of WRITABLE) {
      it(`keep the writable bits of ${csr} alone`, () => {
        const bench = new VcpuBench(create, PROBE(csr));
        bench.runTo('end');
        expect([hex(bench.get('a0')), hex(bench.get('a1'))]).to.deep.equal([hex(ones), hex(zeros)]);
      });
    }

    it('store a privilege mode that does not exist as U in mstatus.MPP', () => {
      for (const [written, kept] of [
        [0x1800, 0x1800],
        [0x1000, 0],
        [0x0800, 0],
        [0, 0],
      ]) {
        const bench = new VcpuBench(create, `li t0, ${written}\ncsrw mstatus, t0\nend: csrr a0, mstatus`);
        bench.runTo('end');
        bench.step();
        expect(hex(bench.get('a0'))).to.equal(hex(kept));
      }
    });

    it('identify the hart', () => {
      const bench = new VcpuBench(
        create,
        'csrr a0, mhartid\ncsrr a1, mvendorid\ncsrr a2, marchid\ncsrr a3, mimpid\ncsrr a4, misa',
      );
      bench.vcpu.reset(bench.pc, 3, 0x8001_0000);
      expect([bench.get('a0'), bench.get('a1')]).to.deep.equal([3, 0x8001_0000]);
      bench.step(5);
      expect(['a0', 'a1', 'a2', 'a3', 'a4'].map((name) => bench.get(name))).to.deep.equal([3, 0, 0, 0, 0x4010_1105]);
    });

    it('let the guest clear platform interrupts in mip, one by one, and nothing else', () => {
      const bench = new VcpuBench(
        create,
        `li t0, 0x10000
        csrrc a0, mip, t0
        csrr a1, mip
        csrs mip, t0
        csrr a2, mip
        csrw mip, x0
        end: csrr a3, mip`,
      );
      bench.vcpu.setInterruptPending(0x3_0888, true);
      bench.runTo('end');
      bench.step();
      expect(['a0', 'a1', 'a2', 'a3'].map((name) => hex(bench.get(name)))).to.deep.equal([
        '0x30888',
        '0x20888',
        '0x20888',
        '0x888',
      ]);
    });

    it('are readable from outside, unless they do not exist', () => {
      const bench = new VcpuBench(create, 'nop');
      expect(bench.vcpu.readCsr(CSR.misa)).to.equal(0x4010_1105n);
      expect(bench.vcpu.readCsr(0x180)).to.equal(undefined);
    });
  });
  describeCounters(create);
}

function describeCounters(create: CreateVcpu): void {
  const values = (text: string, names: readonly string[], host?: { readTime(instret: number): number }): number[] => {
    const bench = new VcpuBench(create, `${text}\nend: nop`, host === undefined ? {} : { host });
    bench.runTo('end');
    return names.map((name) => bench.get(name));
  };

  describe('counters', () => {
    it('count retired instructions, under all their names', () => {
      const text =
        'nop\ncsrr a0, cycle\ncsrr a1, mcycle\ncsrr a2, instret\ncsrr a3, minstret\ncsrr a4, instreth\ncsrr a5, cycleh';
      expect(values(text, ['a0', 'a1', 'a2', 'a3', 'a4', 'a5'])).to.deep.equal([1, 2, 3, 4, 0, 0]);
    });

    it('ask the host for time as of the reading instruction', () => {
      const host = { readTime: (instret: number): number => 0x12_8000_0000 + instret };
      expect(values('nop\ncsrr a0, time\ncsrr a1, timeh', ['a0', 'a1'], host)).to.deep.equal([0x8000_0001, 0x12]);
    });

    it('read what was written in the next instruction, and do not disturb the count of the host', () => {
      const text = `li t0, 100
        csrw minstret, t0
        csrr a0, minstret
        csrw mcycle, x0
        csrr a1, mcycle
        csrr a5, mcycleh
        csrr a2, instret
        csrwi minstreth, 7
        csrr a3, minstret
        csrr a4, minstreth`;
      expect(values(text, ['a0', 'a1', 'a5', 'a2', 'a3', 'a4'])).to.deep.equal([100, 0, 0, 104, 106, 7]);
      const bench = new VcpuBench(create, text);
      bench.step(10);
      expect(bench.vcpu.instret).to.equal(10);
    });

    it('carry from the low to the high half', () => {
      const text = `li t0, -2
        csrwi mcycleh, 4
        csrw mcycle, t0
        csrr a0, mcycleh
        csrr a1, mcycle
        csrr a2, mcycleh
        csrr a3, mcycle`;
      expect(values(text, ['a0', 'a1', 'a2', 'a3'])).to.deep.equal([4, 0xffff_ffff, 5, 1]);
    });

    it('stop one by one by mcountinhibit, keep writes meanwhile, and go on from there', () => {
      const text = `csrwi mcountinhibit, 4
        csrr a0, minstret
        nop
        csrr a1, minstret
        csrr a2, mcycle
        li t0, 50
        csrw minstret, t0
        nop
        csrr a3, minstret
        csrwi mcountinhibit, 0
        csrr a4, minstret
        csrr a5, minstret`;
      expect(values(text, ['a0', 'a1', 'a2', 'a3', 'a4', 'a5'])).to.deep.equal([0, 0, 4, 50, 50, 51]);
    });

    it('have event counters that stay zero', () => {
      expect(
        values('li t0, 5\ncsrw 0xb03, t0\ncsrr a0, 0xb03\ncsrr a1, 0xc1f\ncsrr a2, 0xb9f', ['a0', 'a1', 'a2']),
      ).to.deep.equal([0, 0, 0]);
    });

    it('are closed to U mode until mcounteren opens them', () => {
      for (const [mask, csr, isOpen] of [
        [0, 'cycle', false],
        [1, 'cycle', true],
        [1, 'cycleh', true],
        [1, 'time', false],
        [2, 'time', true],
        [4, 'instreth', true],
        [7, '0xc03', false],
      ] as const) {
        const bench = new VcpuBench(
          create,
          `la t0, handler
          csrw mtvec, t0
          csrwi mcounteren, ${mask}
          li t0, 0x1f
          csrw pmpcfg0, t0
          li t0, -1
          csrw pmpaddr0, t0
          la t0, user
          csrw mepc, t0
          mret
          user: csrr a0, ${csr}
          after: nop
          .align 2
          handler: nop`,
        );
        bench.runTo('user');
        bench.step();
        expect(bench.pc, `${csr} with ${mask}`).to.equal(
          isOpen ? bench.address('after') : bench.address('handler') + 4,
        );
      }
    });
  });
}
