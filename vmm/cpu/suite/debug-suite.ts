/** What a debugger asks of an engine: breakpoints, registers by number, addresses. */

import { expect } from 'chai';
import { CSR } from '../../isa/csr-numbers.js';
import { type CreateVcpu, hex, RAM_BASE, VcpuBench } from './vcpu-bench.js';

const LOOP = 'li t0, 3\nloop: addi t0, t0, -1\nbnez t0, loop\nend: j end';

export function describeDebugging(create: CreateVcpu): void {
  describe('breakpoints', () => {
    it('stop before their instruction, every time it comes, and let it pass when run again', () => {
      const b = new VcpuBench(create, LOOP);
      b.vcpu.setBreakpoints([BigInt(b.address('loop'))]);
      for (const [instret, left] of [
        [1, 3],
        [3, 2],
        [5, 1],
      ]) {
        expect(b.step(100).reason).to.equal('breakpoint');
        expect([b.vcpu.instret, b.get('t0'), b.pc]).to.deep.equal([instret, left, b.address('loop')]);
      }
      expect(b.step(10).reason).to.equal('until');
      expect(b.pc).to.equal(b.address('end'));
    });

    it('do not stop a run whose budget ends there', () => {
      const b = new VcpuBench(create, LOOP);
      b.vcpu.setBreakpoints([BigInt(b.address('loop'))]);
      expect(b.step(1).reason).to.equal('until');
      expect(b.step(1).reason).to.equal('breakpoint');
      expect(b.vcpu.instret).to.equal(1);
    });

    it('are gone when others are set', () => {
      const b = new VcpuBench(create, LOOP);
      b.vcpu.setBreakpoints([BigInt(b.address('loop'))]);
      b.vcpu.setBreakpoints([BigInt(b.address('end'))]);
      expect(b.step(100).reason).to.equal('breakpoint');
      expect(b.pc).to.equal(b.address('end'));
      b.vcpu.setBreakpoints([]);
      expect(b.step(50).reason).to.equal('until');
    });

    it('stop at the first instruction of a trap handler, for exceptions and interrupts', () => {
      const text = `la t0, handler
        csrw mtvec, t0
        ecall
        handler: li t1, 0x10000
        csrw mie, t1
        csrsi mstatus, 8
        nop
        j handler`;
      const b = new VcpuBench(create, text);
      b.vcpu.setBreakpoints([BigInt(b.address('handler'))]);
      expect(b.step(100).reason).to.equal('breakpoint');
      expect(b.pc).to.equal(b.address('handler'));
      expect(b.vcpu.readCsr(CSR.mcause)).to.equal(11n);
      b.vcpu.setBreakpoints([]);
      b.step(3);
      b.vcpu.setInterruptPending(0x1_0000, true);
      b.vcpu.setBreakpoints([BigInt(b.address('handler'))]);
      const { instret } = b.vcpu;
      expect(b.step(100).reason).to.equal('breakpoint');
      expect([b.vcpu.instret, b.pc]).to.deep.equal([instret, b.address('handler')]);
      expect(hex(Number(b.vcpu.readCsr(CSR.mcause)))).to.equal(hex(0x8000_0010));
    });
  });

  describe('a debugger', () => {
    it('writes CSRs as M mode does, and is told of those that cannot be', () => {
      const b = new VcpuBench(create, 'nop');
      expect(b.vcpu.writeCsr(CSR.mscratch, 0x1234n)).to.equal(true);
      expect(b.vcpu.readCsr(CSR.mscratch)).to.equal(0x1234n);
      expect(b.vcpu.writeCsr(CSR.mhartid, 1n)).to.equal(false);
      expect(b.vcpu.writeCsr(0x7ff, 1n)).to.equal(false);
      expect(b.vcpu.readCsr(0x7ff)).to.equal(undefined);
    });

    it('finds physical addresses at themselves where nothing is translated', () => {
      const b = new VcpuBench(create, 'nop');
      expect(b.vcpu.translateForDebug(BigInt(RAM_BASE + 5))).to.equal(RAM_BASE + 5);
    });
  });

  describe('fences from outside', () => {
    it('show code that was changed in memory alone', () => {
      const b = new VcpuBench(create, 'loop: li a0, 1\nj loop');
      b.step(4);
      b.memory.writeU32(RAM_BASE, 0x0020_0513); // li a0, 2
      b.vcpu.fenceCode();
      b.vcpu.fenceMemory();
      b.step(2);
      expect(b.get('a0')).to.equal(2);
    });
  });
}
