/** Exceptions, interrupts at the exact instruction, return, wfi. */

import { expect } from 'chai';
import { INTERRUPT } from '../state-layout.js';
import { type CreateVcpu, hex, RAM_BASE, VcpuBench } from './vcpu-bench.js';

/** Opens all memory to U mode and drops to `user`. */
const TO_USER = `li t0, 0x1f
  csrw pmpcfg0, t0
  li t0, -1
  csrw pmpaddr0, t0
  la t0, user
  csrw mepc, t0
  mret`;

const WITH_HANDLER = (body: string): string => `la t0, handler
  csrw mtvec, t0
  ${body}
  .align 2
  handler: nop
  nop`;

export function describeTraps(create: CreateVcpu): void {
  describe('exceptions', () => {
    const bench = (body: string): VcpuBench => new VcpuBench(create, WITH_HANDLER(body));

    it('save pc, cause and value, and mask interrupts', () => {
      const b = bench('csrsi mstatus, 8\nthere: ecall');
      b.runTo('there');
      b.step();
      expect(b.pc).to.equal(b.address('handler') + 4);
      expect(b.trap).to.deep.equal({ cause: 11, epc: b.address('there'), tval: 0 });
      expect(hex(b.csr('mstatus'))).to.equal('0x1880');
    });

    it('do not retire the instruction that traps', () => {
      const b = bench('there: ebreak');
      b.runTo('there');
      const before = b.vcpu.instret;
      b.step();
      expect(b.pc).to.equal(b.address('handler') + 4);
      expect(b.vcpu.instret).to.equal(before + 1);
      expect(b.trap).to.deep.equal({ cause: 3, epc: b.address('there'), tval: b.address('there') });
    });

    it('name the privilege mode in the cause of ecall, and return to it', () => {
      const b = bench(`${TO_USER}\nuser: ecall\nback: nop`);
      b.runTo('user');
      expect(b.vcpu.privilege).to.equal(0);
      b.step();
      expect(b.vcpu.privilege).to.equal(3);
      expect(b.trap).to.deep.equal({ cause: 8, epc: b.address('user'), tval: 0 });
      expect(hex(b.csr('mstatus'))).to.equal('0x0');
    });

    for (const [name, word] of [
      ['all ones', 0xffff_ffff],
      ['a branch with funct3 2', 0x0000_2063],
      ['a shift by 32', 0x0205_1513],
      ['a floating-point load', 0x0005_2507],
      ['ld', 0x0005_3503],
      ['addiw', 0x0015_051b],
      ['sret', 0x1020_0073],
      ['sfence.vma', 0x1200_0073],
      ['ecall with a register', 0x0000_00f3],
      ['mret with a register', 0x3020_8073],
      ['lr.w with a source', 0x1015_252f],
      ['lr.d', 0x1005_352f],
      ['an instruction of 48 bits', 0x0000_001f],
    ] as const) {
      it(`traps ${name} as illegal, with its bits as mtval`, () => {
        const b = bench(`there: .word ${word}`);
        b.runTo('there');
        b.step();
        expect(b.trap).to.deep.equal({ cause: 2, epc: b.address('there'), tval: word });
      });
    }

    it('traps mret, and wfi under TW, in U mode', () => {
      for (const [text, prepare] of [
        ['mret', 'nop'],
        ['wfi', 'li t0, 0x200000\ncsrs mstatus, t0'],
      ]) {
        const b = bench(`${prepare}\n${TO_USER}\nuser: ${text}`);
        b.runTo('user');
        b.step();
        expect(b.trap).to.deep.equal({ cause: 2, epc: b.address('user'), tval: b.memory.readU32(b.address('user')) });
      }
    });

    it('faults a jump to where no RAM is, at the target', () => {
      const b = bench('li a0, 0x1000\njr a0');
      b.step(6);
      expect(b.trap).to.deep.equal({ cause: 1, epc: 0x1000, tval: 0x1000 });
    });

    it('faults when code runs off the end of RAM, also in the middle of an instruction', () => {
      const b = bench('li a0, 0x8001fffc\njr a0');
      b.memory.writeU32(0x8001_fffc, 0x0000_0013);
      b.step(8);
      expect(b.trap).to.deep.equal({ cause: 1, epc: 0x8002_0000, tval: 0x8002_0000 });
      const half = bench('li a0, 0x8001fffe\njr a0');
      half.memory.writeU16(0x8001_fffe, 0x0013);
      half.step(7);
      expect(half.trap).to.deep.equal({ cause: 1, epc: 0x8001_fffe, tval: 0x8002_0000 });
    });

    it('never sees a misaligned target, because instructions may lie at any halfword', () => {
      const b = bench('la a0, odd\njr a0\n.half 1\nodd: addi a1, a1, 5');
      b.step(7);
      expect(b.get('a1')).to.equal(5);
    });

    it('ends in a lockup when the handler itself traps at once, and says so again', () => {
      const b = new VcpuBench(create, 'li t0, 0x1000\ncsrw mtvec, t0\nebreak');
      expect(b.step(100).reason).to.equal('lockup');
      expect(b.trap).to.include({ cause: 3 });
      const { instret } = b.vcpu;
      expect(b.step(100).reason).to.equal('lockup');
      expect(b.vcpu.instret).to.equal(instret);
      b.vcpu.writePc(BigInt(RAM_BASE));
      expect(b.step(2).reason).to.equal('until');
    });

    it('ends in a lockup when the first instruction of the handler is illegal', () => {
      const b = new VcpuBench(create, 'la t0, handler\ncsrw mtvec, t0\necall\n.align 2\nhandler: .word 0');
      expect(b.step(100).reason).to.equal('lockup');
      expect(b.trap).to.include({ cause: 11 });
    });
  });

  describe('mret', () => {
    it('restores the interrupt enable and gives up MPRV with M mode', () => {
      const b = new VcpuBench(
        create,
        `li t0, 0x21880\ncsrw mstatus, t0\nla t0, user\ncsrw mepc, t0\nmret\nuser: csrr a0, mstatus`,
      );
      b.runTo('user');
      b.step();
      expect(hex(b.get('a0'))).to.equal('0x20088');
      const c = new VcpuBench(create, `li t0, 0x20000\ncsrw mstatus, t0\n${TO_USER}\nuser: nop`);
      c.runTo('user');
      expect(hex(c.csr('mstatus'))).to.equal('0x80');
    });
  });
  describeInterrupts(create);
  describeWfi(create);
}

const ENABLE = (mie: number): string => `li t0, ${mie}
  csrw mie, t0
  csrsi mstatus, 8`;

function describeInterrupts(create: CreateVcpu): void {
  describe('interrupts', () => {
    it('are taken before the first instruction of the next run', () => {
      const b = new VcpuBench(create, WITH_HANDLER(`${ENABLE(0x888)}\nloop: addi a0, a0, 1\nj loop`));
      b.runTo('loop');
      b.step(3);
      b.vcpu.setInterruptPending(INTERRUPT.mtip, true);
      const { instret } = b.vcpu;
      b.step();
      expect(b.vcpu.instret).to.equal(instret + 1);
      expect(b.trap).to.deep.equal({ cause: 0x8000_0007, epc: b.address('loop') + 4, tval: 0 });
      expect(b.pc).to.equal(b.address('handler') + 4);
      expect(b.get('a0')).to.equal(2);
      expect(hex(b.csr('mstatus'))).to.equal('0x1880');
    });

    it('are not taken when no instruction is to be executed', () => {
      const b = new VcpuBench(create, WITH_HANDLER(`${ENABLE(0x888)}\nloop: j loop`));
      b.runTo('loop');
      b.vcpu.setInterruptPending(INTERRUPT.mtip, true);
      b.step(0);
      expect(b.pc).to.equal(b.address('loop'));
      b.vcpu.setInterruptPending(INTERRUPT.mtip, false);
      b.step();
      expect(b.pc).to.equal(b.address('loop'));
    });

    it('go by priority: external, software, timer, then the platform by number', () => {
      for (const [pending, number] of [
        [0xffff_0888, 11],
        [0xffff_0088, 3],
        [0xffff_0080, 7],
        [0xffff_0000, 16],
        [0xfffe_0000, 17],
        [0x8000_0000, 31],
      ]) {
        const b = new VcpuBench(create, WITH_HANDLER(`${ENABLE(-1)}\nloop: j loop`));
        b.runTo('loop');
        b.vcpu.setInterruptPending(pending, true);
        b.step();
        expect(b.csr('mcause') - 0x8000_0000, hex(pending)).to.equal(number);
      }
    });

    it('enter a vectored handler by number, exceptions its base', () => {
      const text = `la t0, table + 1\ncsrw mtvec, t0\n${ENABLE(0x10888)}\nloop: ebreak\n.align 2\ntable: .space 96`;
      for (const number of [0, 3, 7, 11, 16]) {
        const b = new VcpuBench(create, text);
        for (let i = 0; i < 24; i++) b.memory.writeU32(b.address('table') + 4 * i, 0x13);
        b.runTo('loop');
        if (number > 0) b.vcpu.setInterruptPending(1 << number, true);
        b.step();
        expect(b.pc).to.equal(b.address('table') + 4 * number + 4);
      }
    });

    for (const [what, text] of [
      ['mstatus', 'li t0, 0x888\ncsrw mie, t0\nlast: csrsi mstatus, 8'],
      ['mie', 'csrsi mstatus, 8\nli t0, 0x888\nlast: csrw mie, t0'],
      ['csrs of mstatus', 'li t0, 0x888\ncsrw mie, t0\nli t0, 8\nlast: csrs mstatus, t0'],
      ['csrs of mie', 'csrsi mstatus, 8\nli t0, 0x888\nlast: csrs mie, t0'],
      ['mret', 'li t0, 0x888\ncsrw mie, t0\nli t0, 0x1880\ncsrw mstatus, t0\nla t0, after\ncsrw mepc, t0\nlast: mret'],
    ] as const) {
      it(`that ${what} enables are taken right after that instruction`, () => {
        const b = new VcpuBench(create, WITH_HANDLER(`${text}\nafter: addi a0, a0, 1`));
        b.vcpu.setInterruptPending(INTERRUPT.msip, true);
        b.runTo('last');
        b.step(2);
        expect(b.trap).to.deep.equal({ cause: 0x8000_0003, epc: b.address('after'), tval: 0 });
        expect(b.get('a0')).to.equal(0);
      });
    }

    it('that are pending do not disturb code which turns them off and on', () => {
      const body = `li t1, 0x888
        csrs mie, t1
        addi a0, a0, 1
        csrc mie, t1
        csrsi mstatus, 8
        addi a0, a0, 1
        csrci mstatus, 8
        csrs mie, t1
        end: wfi`;
      const b = new VcpuBench(create, WITH_HANDLER(body));
      b.vcpu.setInterruptPending(INTERRUPT.mtip, true);
      b.runTo('end');
      expect(b.get('a0')).to.equal(2);
      expect(b.trap.cause).to.equal(0);
    });

    it('cannot be turned on or off in U mode', () => {
      for (const text of ['csrsi mstatus, 8', 'csrci mstatus, 8', 'csrs mie, t1', 'csrc mie, t1', 'csrr t1, mip']) {
        const b = new VcpuBench(create, WITH_HANDLER(`${TO_USER}\nuser: ${text}`));
        b.runTo('user');
        b.runToTrap();
        expect(b.trap.cause, text).to.equal(2);
        expect(b.trap.epc, text).to.equal(b.address('user'));
      }
    });

    it('of M mode reach U mode whatever MIE says', () => {
      const b = new VcpuBench(create, WITH_HANDLER(`csrwi mie, 8\n${TO_USER}\nuser: j user`));
      b.runTo('user');
      b.vcpu.setInterruptPending(INTERRUPT.msip, true);
      b.step();
      expect(b.trap).to.deep.equal({ cause: 0x8000_0003, epc: b.address('user'), tval: 0 });
      expect(b.vcpu.privilege).to.equal(3);
      expect(hex(b.csr('mstatus'))).to.equal('0x0');
    });

    it('that the guest clears with csrc mip do not come again', () => {
      const b = new VcpuBench(
        create,
        WITH_HANDLER(`li t1, 0x10000
          csrw mie, t1
          csrsi mstatus, 8
          loop: j loop
          .align 2
          handler2: addi a0, a0, 1
          csrc mip, t1
          mret`).replace('la t0, handler', 'la t0, handler2'),
      );
      b.runTo('loop');
      b.vcpu.setInterruptPending(INTERRUPT.doorbell, true);
      b.step(20);
      expect(b.get('a0')).to.equal(1);
      expect(b.pc).to.equal(b.address('loop'));
    });
  });
}

function describeWfi(create: CreateVcpu): void {
  describe('wfi', () => {
    it('retires and exits when nothing enabled is pending', () => {
      const b = new VcpuBench(create, 'li t0, 0x80\ncsrw mie, t0\nthere: wfi\nafter: nop');
      b.runTo('there');
      b.vcpu.setInterruptPending(INTERRUPT.msip, true);
      const { instret } = b.vcpu;
      expect(b.vcpu.interruptAwaits).to.equal(false);
      expect(b.vcpu.run(instret + 10).reason).to.equal('wfi');
      expect(b.vcpu.instret).to.equal(instret + 1);
      expect(b.pc).to.equal(b.address('after'));
    });

    it('goes on at once when something enabled is pending, even with interrupts masked', () => {
      const b = new VcpuBench(create, 'li t0, 0x80\ncsrw mie, t0\nwfi\naddi a0, a0, 1');
      b.vcpu.setInterruptPending(INTERRUPT.mtip, true);
      expect(b.step(4).reason).to.equal('until');
      expect(b.get('a0')).to.equal(1);
      expect(b.vcpu.interruptAwaits).to.equal(true);
    });

    it('works in U mode without TW', () => {
      const b = new VcpuBench(create, WITH_HANDLER(`${TO_USER}\nuser: wfi\nafter: nop`));
      b.runTo('user');
      expect(b.step().reason).to.equal('wfi');
      expect(b.pc).to.equal(b.address('after'));
    });
  });
}
