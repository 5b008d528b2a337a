/** Device accesses, hypercalls, the budget of a run, code that changes. */

import { expect } from 'chai';
import { VmmError } from '../../errors.js';
import { type CreateVcpu, DEVICE, hex, RAM_BASE, VcpuBench } from './vcpu-bench.js';

export function describeExits(create: CreateVcpu): void {
  describe('MMIO exits', () => {
    const loads: readonly (readonly [text: string, size: number, raw: number, result: number])[] = [
      ['lb', 1, 0x1234_5680, 0xffff_ff80],
      ['lbu', 1, 0x1234_5680, 0x80],
      ['lh', 2, 0x1234_8001, 0xffff_8001],
      ['lhu', 2, 0x1234_8001, 0x8001],
      ['lw', 4, 0x8765_4321, 0x8765_4321],
    ];
    for (const [name, size, raw, result] of loads) {
      it(`read ${size} bytes for ${name} and extend the answer`, () => {
        const b = new VcpuBench(create, `nop\n${name} a0, -8(s0)\nnop`);
        b.set('s0', DEVICE + 16);
        const exit = b.step(10);
        expect([exit.reason, exit.gpa, exit.size]).to.deep.equal(['mmio-read', DEVICE + 8, size]);
        expect(b.vcpu.instret).to.equal(1);
        b.vcpu.completeMmioRead(raw);
        expect(hex(b.get('a0'))).to.equal(hex(result));
        expect(b.vcpu.instret).to.equal(2);
        expect(b.pc).to.equal(0x8000_0008);
      });
    }

    it('drop the value of a load to x0, but make the access', () => {
      const b = new VcpuBench(create, 'lw x0, 0(s0)\nadd a0, x0, x0');
      b.set('s0', DEVICE);
      expect(b.step().reason).to.equal('mmio-read');
      b.vcpu.completeMmioRead(99);
      b.step();
      expect(b.get('a0')).to.equal(0);
    });

    for (const [name, size, value] of [
      ['sb', 1, 0xef],
      ['sh', 2, 0xbeef],
      ['sw', 4, 0xdead_beef],
    ] as const) {
      it(`write the low bytes for ${name}`, () => {
        const b = new VcpuBench(create, `${name} a0, 4(s0)\nnop`);
        b.set('s0', DEVICE);
        b.set('a0', 0xdead_beef);
        const exit = b.step(10);
        const seen = [exit.reason, exit.gpa, exit.size, exit.value, exit.valueHigh];
        expect(seen).to.deep.equal(['mmio-write', DEVICE + 4, size, value, 0]);
        expect(b.vcpu.instret).to.equal(0);
        b.vcpu.completeMmioWrite();
        expect(b.vcpu.instret).to.equal(1);
      });
    }

    it('are made by compressed instructions too', () => {
      const b = new VcpuBench(create, 'c.lw a0, 4(s0)\nc.sw a0, 8(s0)\nnop');
      b.set('s0', DEVICE);
      expect(b.step(5)).to.include({ reason: 'mmio-read', gpa: DEVICE + 4, size: 4 });
      b.vcpu.completeMmioRead(0xffff_0001);
      expect(b.step(5)).to.include({ reason: 'mmio-write', gpa: DEVICE + 8, value: 0xffff_0001 });
      b.vcpu.completeMmioWrite();
      expect(b.pc).to.equal(0x8000_0004);
    });

    it('end in an access fault when nothing answers', () => {
      for (const [text, cause] of [
        ['lhu a0, 2(s0)', 5],
        ['sw a0, 0(s0)', 7],
      ] as const) {
        const b = new VcpuBench(create, `la t0, handler\ncsrw mtvec, t0\nthere: ${text}\n.align 2\nhandler: nop`);
        b.set('s0', 0x4000_0000);
        b.set('a0', 77);
        const exit = b.step(10);
        b.vcpu.completeAccessFault();
        expect(b.trap).to.deep.equal({ cause, epc: b.address('there'), tval: exit.gpa });
        expect(b.pc).to.equal(b.address('handler'));
        expect([b.get('a0'), b.vcpu.instret]).to.deep.equal([77, 3]);
      }
    });

    it('end in a lockup when a handler does nothing but fault', () => {
      const b = new VcpuBench(create, 'la t0, handler\ncsrw mtvec, t0\n.align 2\nhandler: lw a0, 0(x0)');
      let exits = 0;
      while (b.step(10).reason === 'mmio-read' && exits < 10) {
        b.vcpu.completeAccessFault();
        exits++;
      }
      expect(exits).to.equal(2);
      expect(b.step().reason).to.equal('lockup');
    });

    it('reach every address outside RAM', () => {
      const b = new VcpuBench(create, 'loop: lw a0, 0(s0)\nj loop');
      for (const gpa of [0, 4, 0x7fff_fffc, 0x8002_0000, 0xffff_fffc]) {
        b.set('s0', gpa);
        expect(b.step(2)).to.include({ reason: 'mmio-read', gpa });
        b.vcpu.completeMmioRead(0);
        b.step();
      }
    });

    it('begin right before and right behind RAM, for every width', () => {
      for (const [text, size] of [
        ['lb a0, 0(s0)', 1],
        ['lbu a0, 0(s0)', 1],
        ['lh a0, 0(s0)', 2],
        ['lhu a0, 0(s0)', 2],
        ['lw a0, 0(s0)', 4],
        ['sb a0, 0(s0)', 1],
        ['sh a0, 0(s0)', 2],
        ['sw a0, 0(s0)', 4],
      ] as const) {
        for (const gpa of [RAM_BASE - size, RAM_BASE + 0x2_0000]) {
          const b = new VcpuBench(create, text);
          b.set('s0', gpa);
          expect(b.step(), `${text} at ${hex(gpa)}`).to.include({ gpa, size });
        }
        const last = new VcpuBench(create, text);
        last.set('s0', RAM_BASE + 0x2_0000 - size);
        expect(last.step().reason).to.equal('until');
      }
    });

    it('cannot be left unanswered, answered twice or answered wrongly', () => {
      const b = new VcpuBench(create, 'lw a0, 0(s0)\nnop');
      b.set('s0', DEVICE);
      const throwsEngineError = (act: () => void): void => {
        expect(act).to.throw(VmmError).with.property('code', 'VMM_ENGINE');
      };
      throwsEngineError(() => b.vcpu.completeMmioRead(0));
      b.step();
      throwsEngineError(() => b.step());
      throwsEngineError(() => b.vcpu.completeMmioWrite());
      throwsEngineError(() => b.vcpu.completeHypercall(0, 0));
      b.vcpu.completeMmioRead(0);
      throwsEngineError(() => b.vcpu.completeMmioRead(0));
      throwsEngineError(() => b.vcpu.completeAccessFault());
      expect(b.step().reason).to.equal('until');
    });
  });

  describe('hypercalls', () => {
    it('exit on ecall from M mode and put the answer in a0 and a1', () => {
      const b = new VcpuBench(create, 'li a7, 16\necall\nend: nop', { hypercalls: true });
      expect(b.step(10).reason).to.equal('hypercall');
      expect([b.get('a7'), b.vcpu.instret]).to.deep.equal([16, 1]);
      b.vcpu.completeHypercall(-2, 0xffff_fff0);
      expect([b.get('a0'), b.get('a1')]).to.deep.equal([0xffff_fffe, 0xffff_fff0]);
      expect([b.pc, b.vcpu.instret]).to.deep.equal([b.address('end'), 2]);
    });

    it('are no business of U mode', () => {
      const text = `la t0, handler\ncsrw mtvec, t0\nli t0, 0x1f\ncsrw pmpcfg0, t0\nli t0, -1\ncsrw pmpaddr0, t0
        la t0, user\ncsrw mepc, t0\nmret\nuser: ecall\n.align 2\nhandler: nop`;
      const b = new VcpuBench(create, text, { hypercalls: true });
      b.runToTrap();
      expect(b.csr('mcause')).to.equal(8);
    });
  });

  describe('run', () => {
    it('never passes the instruction it is told', () => {
      const b = new VcpuBench(create, 'loop: addi a0, a0, 1\nj loop');
      for (const count of [1, 2, 3, 7, 64, 1001]) {
        const { instret } = b.vcpu;
        expect(b.vcpu.run(instret + count).reason).to.equal('until');
        expect(b.vcpu.instret).to.equal(instret + count);
      }
      expect(b.get('a0')).to.equal((1 + 2 + 3 + 7 + 64 + 1001) / 2);
    });

    it('does nothing when the instruction is reached already', () => {
      const b = new VcpuBench(create, 'addi a0, a0, 1');
      expect(b.vcpu.run(0).reason).to.equal('until');
      b.step();
      expect(b.vcpu.run(0).reason).to.equal('until');
      expect(b.vcpu.instret).to.equal(1);
    });

    it('makes the same of a program in one piece as instruction by instruction', () => {
      const text = `la t0, handler
        csrw mtvec, t0
        li s0, 40
        loop: mul a0, a0, s0
        addi a0, a0, 13
        ecall
        addi s0, s0, -1
        bnez s0, loop
        end: j end
        .align 2
        handler: csrr t1, mepc
        addi t1, t1, 4
        csrw mepc, t1
        csrr t2, instret
        add a1, a1, t2
        mret`;
      const whole = new VcpuBench(create, text);
      const single = new VcpuBench(create, text);
      whole.step(400);
      for (let i = 0; i < 400; i++) single.step();
      for (const name of ['a0', 'a1', 's0', 't1', 't2']) expect(single.get(name), name).to.equal(whole.get(name));
      expect(single.pc).to.equal(whole.pc);
    });

    it('starts again from zero after a reset', () => {
      const b = new VcpuBench(create, 'li a3, 5\nfence.i\ncsrwi mscratch, 3\nlw a0, 0(x0)');
      b.step(10);
      b.vcpu.reset(0x8000_0000, 1, 0x8001_0000);
      expect([
        b.vcpu.instret,
        b.get('a3'),
        b.get('a0'),
        b.get('a1'),
        b.csr('mscratch'),
        b.csr('mhartid'),
      ]).to.deep.equal([0, 0, 1, 0x8001_0000, 0, 1]);
      expect(b.vcpu.privilege).to.equal(3);
      expect(b.step(3).reason).to.equal('until');
      expect(b.get('a3')).to.equal(5);
    });
  });
  describeCodeChanges(create);
}

/** Overwrites the word at `patch` with `li a0, 2`, while the page also holds the running code. */
const PATCH = `la s0, patch
  la s1, replacement
  lw s2, 0(s1)
  call patch
  first: mv a1, a0
  sw s2, 0(s0)
  sync: fence.i
  call patch
  end: nop
  replacement: addi a0, x0, 2
  .align 2
  patch: addi a0, x0, 1
  ret`;

function describeCodeChanges(create: CreateVcpu): void {
  describe('code that changes', () => {
    it('is seen after fence.i', () => {
      const b = new VcpuBench(create, PATCH);
      b.runTo('end');
      expect([b.get('a1'), b.get('a0')]).to.deep.equal([1, 2]);
    });

    it('is seen when it changed and changed back between two fences', () => {
      const b = new VcpuBench(
        create,
        `la s0, patch
        li s3, 3
        again: lw s4, 0(s0)
        call patch
        la t0, replacement
        lw t0, 0(t0)
        sw t0, 0(s0)
        fence.i
        call patch
        sw s4, 0(s0)
        fence.i
        call patch
        add a1, a1, a0
        addi s3, s3, -1
        bnez s3, again
        end: nop
        replacement: addi a0, x0, 2
        .align 2
        patch: addi a0, x0, 1
        ret`,
      );
      b.runTo('end');
      expect(b.get('a1')).to.equal(3);
    });

    it('is seen when a device changed it and said so', () => {
      const b = new VcpuBench(create, 'loop: addi a0, a0, 1\nj loop');
      b.step(4);
      b.memory.writeU32(0x8000_0000, 0x0645_0513);
      b.vcpu.invalidateCode(0x8000_0000, 4);
      b.step(2);
      expect(b.get('a0')).to.equal(102);
    });

    it('is seen when one half of an instruction lies in the changed bytes', () => {
      const b = new VcpuBench(create, 'j start\n.org 0x80000ffe\nstart: addi a0, a0, 1\nj start');
      b.step(3);
      expect(b.get('a0')).to.equal(1);
      b.memory.writeU8(0x8000_1001, 0x06);
      b.vcpu.invalidateCode(0x8000_1001, 1);
      b.step(2);
      expect(b.get('a0')).to.equal(98);
    });

    it('is seen in the second page of an instruction that straddles two, after fence.i', () => {
      const b = new VcpuBench(
        create,
        'j start\n.org 0x80000ffe\nstart: addi a0, a0, 1\nsh s1, 2(s0)\nfence.i\nj start',
      );
      b.set('s0', 0x8000_0ffe);
      b.set('s1', 0x0645);
      b.step(5);
      expect(b.get('a0')).to.equal(1);
      b.step();
      expect(b.get('a0')).to.equal(101);
    });

    it('tolerates invalidation outside RAM and of nothing', () => {
      const b = new VcpuBench(create, 'nop\nnop');
      for (const [gpa, length] of [
        [0, 4],
        [0x7fff_0000, 0x2_0000],
        [0x8001_ffff, 0x1_0000_0000],
        [0x8000_0000, 0],
      ]) {
        b.vcpu.invalidateCode(gpa, length);
      }
      expect(b.step(2).reason).to.equal('until');
    });
  });
}
